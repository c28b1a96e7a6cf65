public import Market

/// When an event happens, and what chance there is in it: sessions neither read clocks nor roll dice.
public struct Moment: Hashable, Sendable {
    /// On the clock that never jumps: what deadlines are measured with.
    public var instant: ContinuousClock.Instant
    /// On the wall clock: what the world goes by, and what messages with a time in them say.
    public var time: Timestamp
    /// Any number, another one for each event: spreads the tries of many clients, and makes UUIDs.
    public var random: UInt64

    /// Makes a moment.
    public init(instant: ContinuousClock.Instant, time: Timestamp, random: UInt64 = 0) {
        self.instant = instant
        self.time = time
        self.random = random
    }
}
