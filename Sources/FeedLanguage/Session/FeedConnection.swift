import Market

/// What a ``FeedSession`` knows of the socket that is open.
struct FeedConnection: Sendable {
    /// A message that waits for its turn.
    enum Outgoing: Equatable, Sendable {
        case subscription(SubscriptionTemplate.Draft)
        case keepAlive(MessageTemplate)

        /// Whether it counts towards the venue's limit of an hour.
        var isCounted: Bool {
            switch self {
            case .subscription: true
            case .keepAlive: false
            }
        }
    }

    let openedAt: ContinuousClock.Instant
    /// When anything came in.
    var lastFrame: ContinuousClock.Instant
    /// When a tick came in, or when the subscription was out.
    var lastTick: ContinuousClock.Instant
    /// An acknowledgement or a tick has come.
    var isLive = false
    /// It carries everything that it will: another connection for the same symbols may end.
    var isEstablished = false
    /// When the last message of the subscription went out.
    var subscribedAt: ContinuousClock.Instant?
    /// Messages that wait, the next one last.
    var queue: [Outgoing] = []
    var pace: SendPace
    var nextKeepAlive: ContinuousClock.Instant?
    /// Messages rendered so far.
    var counter = 0
    /// The ids that the venue has given to each symbol's channels.
    var channels: [Symbol: [String]] = [:]
    /// The number of the last frame, where the venue numbers them.
    var lastSequence: Int64?
    /// A successor is being opened; then this connection ends whether or not the successor is live.
    var successorDeadline: ContinuousClock.Instant?
    /// The last error that the venue reported while the connection was being set up.
    var lastError: String?

    init(openedAt: ContinuousClock.Instant, limits: FeedLimits) {
        self.openedAt = openedAt
        self.lastFrame = openedAt
        self.lastTick = openedAt
        self.pace = SendPace(limits: limits, from: openedAt)
    }

    /// Puts messages behind those that wait.
    mutating func enqueue(_ drafts: [SubscriptionTemplate.Draft]) {
        guard !drafts.isEmpty else { return }
        self.queue.insert(contentsOf: drafts.reversed().map(Outgoing.subscription), at: 0)
        self.subscribedAt = nil
    }

    /// The names that messages still to be sent will mention.
    var queuedNames: Set<String> {
        var names: Set<String> = []
        for case .subscription(let draft) in self.queue { names.formUnion(draft.symbols) }
        return names
    }

    /// Takes the messages that may go out now.
    mutating func sendDue(now: ContinuousClock.Instant, render: (Outgoing, _ counter: Int) -> String) -> [String] {
        var messages: [String] = []
        while let next = self.queue.last, now >= self.pace.permit(isCounted: next.isCounted) {
            self.queue.removeLast()
            self.counter += 1
            messages.append(render(next, self.counter))
            self.pace.take(isCounted: next.isCounted, now: now)
        }
        if self.queue.isEmpty, self.subscribedAt == nil {
            self.subscribedAt = now
            // Mute is measured from when there was something to hear.
            self.lastTick = max(self.lastTick, now)
        }
        return messages
    }

    /// When the next waiting message may go out.
    var nextSend: ContinuousClock.Instant? { self.queue.last.map { self.pace.permit(isCounted: $0.isCounted) } }

    /// Notes the number of a frame; the numbers on both sides when some between them are missing.
    mutating func note(sequence: Int64) -> (from: Int64, to: Int64)? {
        defer { self.lastSequence = sequence }
        // A number that falls is a venue that counts anew.
        guard let last = self.lastSequence, sequence > last, sequence - 1 > last else { return nil }
        return (from: last, to: sequence)
    }
}
