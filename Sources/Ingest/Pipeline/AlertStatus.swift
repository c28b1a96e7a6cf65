public import Market

/// What the alerts do, over all shards.
public struct AlertStatus: Sendable, Hashable {
    /// Alerts that can fire.
    public var armed = 0
    /// Ticks that were held against alerts, since the start.
    public var evaluations = 0
    /// Firings that came late, since the start.
    public var late = 0
    /// Alerts that the storm guard has paused, since the start.
    public var storms = 0
    /// Times that an alert's condition was true and it did not fire, since the start.
    public var suppressed = 0
    /// Whether ticks are evaluated as they come; not while what was missed is made up for.
    public var isLive = true
    /// When alerts were last looked at by the clock: once a second, whether there are ticks or not; `nil` before the first time.
    public var evaluatedAt: Timestamp?
}
