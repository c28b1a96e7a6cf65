/// How fast messages may go out on one connection.
struct SendPace: Sendable {
    private let interval: Duration
    private let perHour: Int?
    private var next: ContinuousClock.Instant
    /// When the counted messages of the last hour went out, oldest first.
    private var sent: [ContinuousClock.Instant] = []

    private static let hour = Duration.seconds(3600)

    init(limits: FeedLimits, from start: ContinuousClock.Instant) {
        self.interval = .seconds(1) / limits.messagesPerSecond
        self.perHour = limits.messagesPerHour
        self.next = start
    }

    /// The earliest instant for one more message.
    ///
    /// - Parameter isCounted: Whether it counts towards the limit of an hour: keep-alive messages do not.
    /// - Returns: That instant; one that has passed means now.
    func permit(isCounted: Bool) -> ContinuousClock.Instant {
        guard isCounted, let perHour, self.sent.count >= perHour else { return self.next }
        return max(self.next, self.sent[self.sent.count - perHour] + Self.hour)
    }

    /// A message goes out.
    mutating func take(isCounted: Bool, now: ContinuousClock.Instant) {
        // A late timer does not save up a burst.
        self.next = now + self.interval
        guard isCounted, let perHour else { return }
        self.sent.append(now)
        if self.sent.count > perHour { self.sent.removeFirst(self.sent.count - perHour) }
    }

    /// The venue wants to be left alone until then.
    mutating func pause(until instant: ContinuousClock.Instant) { self.next = max(self.next, instant) }
}
