public import Market

/// An instant on both clocks: the monotonic one for pauses, the wall clock for what the world does.
public struct Moment: Hashable, Sendable {
    /// The monotonic clock's instant.
    public var instant: ContinuousClock.Instant
    /// The same instant on the wall clock.
    public var time: Timestamp

    /// Makes a moment.
    public init(instant: ContinuousClock.Instant, time: Timestamp) {
        self.instant = instant
        self.time = time
    }
}
