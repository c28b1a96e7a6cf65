public import Market

/// How fast recorded frames are played.
public enum ReplaySpeed: Hashable, Sendable {
    /// As fast as they can be taken in.
    case max
    /// So many times as fast as they came.
    case times(Double)

    /// Reads `max` or a number above 0, at most a million: `1` is as recorded, `10` ten times as fast.
    public init?(_ text: String) {
        if text == "max" {
            self = .max
            return
        }
        guard let factor = Double(text), factor > 0, factor <= 1_000_000 else { return nil }
        self = .times(factor)
    }

    /// When a frame is due.
    ///
    /// - Parameter nanoseconds: From the recording's first line to the frame's.
    /// - Returns: From the start of the replay; `nil` when it need not wait.
    func delay(nanoseconds: Int64) -> Duration? {
        switch self {
        case .max: nil
        case .times(let factor): .nanoseconds(Int64(Double(nanoseconds) / factor))
        }
    }
}

/// When the frames of a recording are due.
public struct ReplayPace {
    private let speed: ReplaySpeed
    private let start = ContinuousClock.now
    private var origin: Timestamp?

    /// Starts the clock.
    public init(_ speed: ReplaySpeed) { self.speed = speed }

    /// When a line that was recorded at `time` is to be played; `nil` when that is now or past.
    public mutating func instant(of time: Timestamp) -> ContinuousClock.Instant? {
        let origin = self.origin ?? time
        self.origin = origin
        guard let delay = self.speed.delay(nanoseconds: time.nanoseconds - origin.nanoseconds) else { return nil }
        let due = self.start + delay
        return due > .now ? due : nil
    }
}
