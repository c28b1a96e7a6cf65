public import Market

/// A tick of the history with its place there.
public struct PlacedTick: Sendable, Hashable {
    /// The tick.
    public let tick: Tick
    /// Where it stands.
    public let cursor: TickCursor
    /// When the venue says it happened.
    public var eventTime: Timestamp { self.tick.eventTime }
}
