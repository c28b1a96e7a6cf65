public import Market

/// A tick that is read from the journal.
public struct NumberedTick: Sendable {
    /// The tick.
    public var tick: Tick
    /// Its number among those of its kind.
    public var number: Int64

    /// Makes one from its parts.
    public init(_ tick: Tick, number: Int64) {
        self.tick = tick
        self.number = number
    }
}
