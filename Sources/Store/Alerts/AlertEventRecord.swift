public import Alerts
public import Market

/// A stored firing of an alert.
public struct AlertEventRecord: Sendable, Hashable, Identifiable {
    /// The database's id: later firings have greater ones.
    public let id: Int64
    /// The alert.
    public let alertID: Int64
    /// The number of the crossing, from 1 for each alert.
    public let crossing: Int64
    /// What the alert's expression was then.
    public let expression: String
    /// When it was evaluated, or when the timer was due.
    public let firedAt: Timestamp
    /// The tick that made the condition true, or the newest one before a timer did.
    public let cause: FiredAlert.Cause
    /// The price before; `nil` when none was known.
    public let previousPrice: Decimal64?
    /// What the condition measured.
    public let measurement: AlertMeasurement?
    /// Why it came late.
    public let lateness: AlertLateness?
    /// Whether the storm guard paused the alert with it.
    public let isStorm: Bool
}
