/// Whether a lane may send: it stops when its service fails again and again, and tries carefully whether it is back.
///
/// Closed, it sends as it likes. After ``failuresMax`` failures in a row it opens and sends nothing, for longer each time.
/// Failures that come together count as one: a connection that breaks takes everything with it that was on its way. Then one delivery goes alone, and its answer closes it or opens it again. A service that refuses the credential opens it
/// at once. A service that asks for a pause gets it, whatever the state.
public struct Breaker: Hashable, Sendable {
    /// How it is, for people.
    public enum Condition: String, Hashable, Sendable {
        /// It sends.
        case closed
        /// It sends nothing.
        case open
        /// One delivery is on its way, to see whether the service is back.
        case halfOpen = "half-open"
    }

    /// What changed, so that it is told once.
    public enum Change: Hashable, Sendable {
        /// Nothing.
        case none
        /// It opened or stays open until then.
        case opened(until: ContinuousClock.Instant, reason: String)
        /// It closed.
        case closed
    }

    private enum State: Hashable, Sendable {
        case closed(failures: Int, lastAt: ContinuousClock.Instant?)
        case open(until: ContinuousClock.Instant, trips: Int, reason: String)
        case halfOpen(trips: Int, reason: String)
    }

    /// So many failures in a row open it.
    public static let failuresMax = 5
    private static let pause = (first: Duration.seconds(2), longest: Duration.seconds(300))
    private static let suspension = (first: Duration.seconds(60), longest: Duration.seconds(3_600))
    private static let apart = Duration.milliseconds(250)
    private var state = State.closed(failures: 0, lastAt: nil)
    private var throttledUntil: ContinuousClock.Instant?

    /// Makes a closed breaker.
    public init() {}

    /// Makes a breaker of a credential that nothing was sent with yet: the first delivery goes alone.
    public static func untried(now: ContinuousClock.Instant) -> Breaker {
        var breaker = Breaker()
        breaker.state = .open(until: now, trips: -1, reason: "")
        return breaker
    }

    /// How it is.
    public var condition: Condition {
        switch self.state {
        case .closed: .closed
        case .open: .open
        case .halfOpen: .halfOpen
        }
    }

    /// Why it is not closed; `nil` too when nothing was tried yet.
    public var reason: String? {
        switch self.state {
        case .closed: nil
        case .open(_, _, let reason), .halfOpen(_, let reason): reason.isEmpty ? nil : reason
        }
    }

    /// How many of `room` deliveries may be sent now.
    public func allowance(room: Int, now: ContinuousClock.Instant) -> Int {
        if let throttledUntil, now < throttledUntil { return 0 }
        switch self.state {
        case .closed: return max(0, room)
        case .open(let until, _, _): return now < until ? 0 : min(1, max(0, room))
        case .halfOpen: return 0
        }
    }

    /// `count` deliveries are on their way.
    public mutating func began(_ count: Int, now: ContinuousClock.Instant) {
        if count > 0, case .open(let until, let trips, let reason) = self.state, until <= now {
            self.state = .halfOpen(trips: trips, reason: reason)
        }
    }

    /// The service answered, whatever it said.
    public mutating func answered() -> Change {
        switch self.state {
        case .closed:
            self.state = .closed(failures: 0, lastAt: nil)
            return .none
        case .open, .halfOpen:
            self.state = .closed(failures: 0, lastAt: nil)
            return .closed
        }
    }

    /// The one delivery that was to show whether the service is back was never sent.
    public mutating func releasedProbe(now: ContinuousClock.Instant) {
        if case .halfOpen(let trips, let reason) = self.state {
            self.state = .open(until: now, trips: trips, reason: reason)
        }
    }

    /// The service failed: no answer, or one that says it cannot.
    ///
    /// - Parameters:
    ///   - reason: What happened.
    ///   - now: The time.
    ///   - random: Any number, evenly distributed: the jitter.
    /// - Returns: What changed.
    public mutating func failed(_ reason: String, now: ContinuousClock.Instant, random: UInt64) -> Change {
        switch self.state {
        case .closed(_, let lastAt?) where lastAt.duration(to: now) < Self.apart: return .none
        case .closed(let failures, _) where failures + 1 < Self.failuresMax:
            self.state = .closed(failures: failures + 1, lastAt: now)
            return .none
        case .closed: return self.open(trips: 0, Self.pause, reason, now, random)
        case .halfOpen(let trips, _): return self.open(trips: trips + 1, Self.pause, reason, now, random)
        // What was sent before it opened.
        case .open: return .none
        }
    }

    /// The service refuses the credential: nothing sent with it can work.
    ///
    /// - Parameters:
    ///   - reason: What the service said.
    ///   - now: The time.
    ///   - random: Any number, evenly distributed: the jitter.
    /// - Returns: What changed.
    public mutating func suspended(_ reason: String, now: ContinuousClock.Instant, random: UInt64) -> Change {
        switch self.state {
        case .closed: self.open(trips: 0, Self.suspension, reason, now, random)
        case .halfOpen(let trips, _): self.open(trips: trips + 1, Self.suspension, reason, now, random)
        // Of several refusals at once the first counts.
        case .open(_, _, let known) where known == reason: .none
        case .open(_, let trips, _): self.open(trips: trips, Self.suspension, reason, now, random)
        }
    }

    /// The service asks for a pause.
    public mutating func throttled(for pause: Duration, now: ContinuousClock.Instant) {
        let until = now.advanced(by: min(pause, Self.suspension.longest))
        self.throttledUntil = max(self.throttledUntil ?? until, until)
    }

    /// Opens for the first pause, doubled with every trip, less up to a quarter by chance.
    private mutating func open(
        trips: Int, _ bounds: (first: Duration, longest: Duration), _ reason: String, _ now: ContinuousClock.Instant,
        _ random: UInt64
    ) -> Change {
        var pause = bounds.first
        for _ in 0..<min(trips, 20) where pause < bounds.longest { pause = pause * 2 }
        pause = min(pause, bounds.longest)
        let until = now.advanced(by: pause - pause / 4 * (Double(random % 1_000) / 1_000))
        self.state = .open(until: until, trips: trips, reason: reason)
        return .opened(until: until, reason: reason)
    }
}
