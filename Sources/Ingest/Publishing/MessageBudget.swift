/// How many messages may be published: so many a second, and a day's worth spread evenly over what is left of the day.
///
/// Days are UTC's, as hosted Pusher counts. What a process spent is forgotten when it ends.
struct MessageBudget {
    private static let secondsPerDay: Int64 = 86_400

    private let perSecond: Int?
    private let perDay: Int?
    private var day: Int64?
    private var spentToday = 0
    /// Messages that may be sent now; negative after deliveries that were not foreseen.
    private var tokens = 1.0
    private var updatedAt: ContinuousClock.Instant?

    init(perSecond: Int?, perDay: Int?) {
        self.perSecond = perSecond
        self.perDay = perDay
    }

    /// What may be done now.
    enum Allowance: Equatable {
        /// So many messages may be sent, at least one.
        case messages(Int)
        /// None before so long.
        case pause(Duration)
    }

    /// How much may be sent now.
    ///
    /// - Parameters:
    ///   - now: The time on the clock that measures pauses.
    ///   - unixSeconds: The time of day, in seconds since 1970.
    /// - Returns: A number of messages, or a pause.
    mutating func allowance(now: ContinuousClock.Instant, unixSeconds: Int64) -> Allowance {
        guard self.perSecond != nil || self.perDay != nil else { return .messages(.max) }
        let day = unixSeconds / Self.secondsPerDay
        if self.day != day {
            self.day = day
            self.spentToday = 0
            // A new day owes nothing to the old one.
            self.tokens = max(self.tokens, 0)
        }
        let secondsLeft = Self.secondsPerDay - unixSeconds % Self.secondsPerDay
        var rate = Double(self.perSecond ?? .max)
        if let perDay {
            let left = perDay - self.spentToday
            guard left > 0 else { return .pause(.seconds(secondsLeft)) }
            rate = min(rate, Double(left) / Double(secondsLeft))
        }
        if let updatedAt { self.tokens += rate * ((now - updatedAt) / .seconds(1)) }
        self.updatedAt = now
        // A second's worth may be sent at once, and always one message.
        self.tokens = min(self.tokens, max(1, rate))
        guard self.tokens >= 1 else { return .pause(.seconds((1 - self.tokens) / rate)) }
        return .messages(Int(self.tokens))
    }

    /// Messages were sent or delivered.
    mutating func spend(_ messages: Int) {
        self.tokens -= Double(messages)
        self.spentToday += messages
    }
}
