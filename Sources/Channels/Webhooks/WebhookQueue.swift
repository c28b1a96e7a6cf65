/// The events that wait for one endpoint, and the request that is on its way to it.
///
/// One request at a time, so events arrive in the order they happened. A request that fails is repeated with exponential
/// pauses until its first event is five minutes old; meanwhile the others wait, up to a bound, where the oldest go.
public struct WebhookQueue: Sendable {
    /// Times and bounds.
    public struct Limits: Sendable {
        /// Events that may wait.
        ///
        /// Default 10 000.
        public var eventsMax = 10_000
        /// Bytes that may wait.
        ///
        /// Default 16 MiB.
        public var bytesMax = 16 << 20
        /// Events of one batched request.
        ///
        /// Default 100.
        public var batchMax = 100
        /// How long a batched request waits for more events.
        ///
        /// Default 100 ms.
        public var batchDelay = Duration.milliseconds(100)
        /// The pause after the first failure; each further one doubles it.
        ///
        /// Default 1 s.
        public var pauseMin = Duration.seconds(1)
        /// The longest pause.
        ///
        /// Default 60 s.
        public var pauseMax = Duration.seconds(60)
        /// How old an event may become before it is given up.
        ///
        /// Default 5 min, as hosted.
        public var expiry = Duration.seconds(300)

        /// The defaults.
        public init() {}
    }

    /// What the caller does next.
    public enum Step: Equatable, Sendable {
        /// Wait until something is added.
        case doNothing
        /// Ask again at this time.
        case wait(until: ContinuousClock.Instant)
        /// Send this body, then say how it ended with ``finished(_:now:random:)``.
        case send([UInt8])
    }

    /// How a request ended.
    public enum Outcome: Equatable, Sendable {
        /// A status from 200 to 299.
        case delivered
        /// Any other status, or none.
        case failed
        /// It was interrupted from our side: it counts as not tried.
        case interrupted
    }

    /// Counts of events since start.
    public struct Counters: Equatable, Sendable {
        /// Events that the endpoint took.
        public var delivered = 0
        /// Requests that failed and were repeated.
        public var retries = 0
        /// Events that went because too many waited.
        public var droppedFull = 0
        /// Events that went because they were too old.
        public var droppedExpired = 0
        /// Events that wait now, those on their way included.
        public var waiting = 0

        /// Nothing has happened yet.
        public init() {}
    }

    private struct Waiting {
        let event: WebhookEvent
        let since: ContinuousClock.Instant
    }

    private struct Batch {
        let body: [UInt8]
        let eventCount: Int
        let since: ContinuousClock.Instant
    }

    private enum State {
        /// No request is made up.
        case idle
        /// After a failure whose events were given up.
        case resting(until: ContinuousClock.Instant)
        /// A request is on its way.
        case sending(Batch)
        /// A request has failed and is repeated.
        case pausing(Batch, until: ContinuousClock.Instant)
    }

    private let isBatched: Bool
    private let limits: Limits
    private var state = State.idle
    private var events: [Waiting] = []
    private var bytes = 0
    private var failures = 0
    private var totals = Counters()

    /// An empty queue.
    public init(isBatched: Bool, limits: Limits = Limits()) {
        self.isBatched = isBatched
        self.limits = limits
    }

    /// Counts since start.
    public var counters: Counters {
        var counters = self.totals
        counters.waiting = self.events.count
        switch self.state {
        case .idle, .resting: break
        case .sending(let batch), .pausing(let batch, _): counters.waiting += batch.eventCount
        }
        return counters
    }

    /// Whether the newest request failed.
    public var isFailing: Bool { self.failures > 0 }

    /// An event happened.
    public mutating func append(_ event: WebhookEvent, now: ContinuousClock.Instant) {
        self.events.append(Waiting(event: event, since: now))
        self.bytes += event.json.count
        guard self.events.count > self.limits.eventsMax || self.bytes > self.limits.bytesMax else { return }
        // A sixteenth at once: moving the rest up for every single event would cost more than it saves.
        var count = 0
        let target = (self.limits.eventsMax - self.limits.eventsMax / 16, self.limits.bytesMax)
        while self.events.count - count > target.0 || self.bytes > target.1 {
            self.bytes -= self.events[count].event.json.count
            count += 1
        }
        self.events.removeFirst(count)
        self.totals.droppedFull += count
    }

    /// What to do now.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - milliseconds: The time in milliseconds since 1970, for the body.
    ///   - isLast: Whether the program ends: then nothing waits for company or for the end of a pause.
    /// - Returns: One step; ask again after it.
    public mutating func next(now: ContinuousClock.Instant, milliseconds: Int64, isLast: Bool = false) -> Step {
        switch self.state {
        case .sending: return .doNothing
        case .pausing(let batch, let until):
            guard now >= until || isLast else { return .wait(until: until) }
            self.state = .sending(batch)
            return .send(batch.body)
        case .resting(let until):
            guard now >= until || isLast else { return .wait(until: until) }
            self.state = .idle
        case .idle: break
        }
        self.dropExpired(now)
        guard let first = self.events.first else { return .doNothing }
        if self.isBatched, !isLast, self.events.count < self.limits.batchMax {
            let until = first.since + self.limits.batchDelay
            guard now >= until else { return .wait(until: until) }
        }
        let taken = self.events.prefix(self.isBatched ? self.limits.batchMax : 1)
        let batch = Batch(
            body: WebhookEvent.body(of: taken.map(\.event), milliseconds: milliseconds), eventCount: taken.count,
            since: first.since
        )
        self.bytes -= taken.reduce(0) { $0 + $1.event.json.count }
        self.events.removeFirst(batch.eventCount)
        self.state = .sending(batch)
        return .send(batch.body)
    }

    /// The request that ``next(now:milliseconds:isLast:)`` gave has ended.
    ///
    /// - Parameters:
    ///   - outcome: How.
    ///   - now: The time.
    ///   - random: Any number, evenly distributed: half of a pause is left to it.
    public mutating func finished(_ outcome: Outcome, now: ContinuousClock.Instant, random: UInt64) {
        guard case .sending(let batch) = self.state else {
            preconditionFailure("a webhook request ended that was not on its way")
        }
        switch outcome {
        case .delivered:
            self.totals.delivered += batch.eventCount
            self.failures = 0
            self.state = .idle
        case .interrupted:
            self.state = .pausing(batch, until: now)
        case .failed:
            self.failures += 1
            let until = now + self.pause(random)
            if until - batch.since < self.limits.expiry {
                self.totals.retries += 1
                self.state = .pausing(batch, until: until)
            } else {
                self.totals.droppedExpired += batch.eventCount
                self.state = .resting(until: until)
            }
        }
    }

    /// Doubles with every failure; from half of it to all of it, so that endpoints of one host do not come together.
    private func pause(_ random: UInt64) -> Duration {
        let full = min(self.limits.pauseMax, self.limits.pauseMin * (1 << min(self.failures - 1, 20)))
        return full / 2 + full / 2 * (Double(random >> 11) / Double(1 << 53))
    }

    private mutating func dropExpired(_ now: ContinuousClock.Instant) {
        let expired = self.events.prefix { now - $0.since >= self.limits.expiry }
        guard !expired.isEmpty else { return }
        self.bytes -= expired.reduce(0) { $0 + $1.event.json.count }
        self.totals.droppedExpired += expired.count
        self.events.removeFirst(expired.count)
    }
}
