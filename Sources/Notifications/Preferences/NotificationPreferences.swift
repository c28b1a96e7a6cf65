public import Market

/// What becomes of a notification that comes in quiet hours.
public enum QuietAction: String, Hashable, Sendable, CaseIterable {
    /// It is sent without sound.
    case silent
    /// It is sent when the quiet hours end, unless it is worthless by then.
    case `defer`
    /// It is not sent.
    case drop
}

/// A user's wishes about notifications.
public struct NotificationPreferences: Hashable, Sendable {
    /// When peace reigns; `nil` is never.
    public var quietHours: QuietHours?
    /// What happens then.
    public var quietAction: QuietAction
    /// How many notifications a time; urgent ones have as many again.
    public var budget: NotificationBudget
    /// The services that may be used; `nil` is all.
    public var services: Set<String>?

    /// Makes preferences; what is not given is the standard.
    public init(
        quietHours: QuietHours? = nil, quietAction: QuietAction = .silent, budget: NotificationBudget = .standard,
        services: Set<String>? = nil
    ) {
        self.quietHours = quietHours
        self.quietAction = quietAction
        self.budget = budget
        self.services = services
    }

    /// What becomes of a notification.
    public enum Decision: Hashable, Sendable {
        /// It is sent now.
        case send
        /// It is sent now, without sound.
        case sendSilently
        /// It is sent at this time, with what else waits for it if that is more than ``heldMax``.
        case sendLater(Timestamp)
        /// It is sent together with all else that waits: when the next notification is earned, or, if it comes in quiet hours
        /// that defer, not before this time.
        case merge(Timestamp, isSilent: Bool, isDeferred: Bool)
        /// It is not sent.
        case drop(reason: String)
    }

    /// So many notifications of quiet hours are sent each on its own when they end; more become one summary.
    public static let heldMax = 3

    /// What is left of a user's budgets.
    public struct Levels: Hashable, Sendable {
        /// Of all but urgent notifications.
        public var usual: NotificationBudget.Level
        /// Of urgent ones, which none of the others can use up.
        public var urgent: NotificationBudget.Level

        /// Makes levels.
        public init(usual: NotificationBudget.Level, urgent: NotificationBudget.Level) {
            self.usual = usual
            self.urgent = urgent
        }
    }

    /// Decides about one notification, which goes to any number of the user's devices.
    ///
    /// Urgent ones are sent whatever the hour. One that is to wait longer than it is worth anything is sent silently at
    /// once: the user then finds it in the morning. What goes beyond the budget waits for the next one that is earned, and is
    /// then told of together.
    ///
    /// - Parameters:
    ///   - priority: How urgent it is.
    ///   - expiresAt: When it will be worthless.
    ///   - now: The time.
    ///   - levels: What is left of the budgets; changed by what is sent.
    ///   - offset: Seconds east of Greenwich of the user's clock at an instant.
    /// - Returns: What becomes of it.
    public func decide(
        priority: NotificationPriority, expiresAt: Timestamp, now: Timestamp, levels: inout Levels,
        offset: (Timestamp) -> Int
    ) -> Decision {
        var decision = Decision.send
        if priority != .urgent, let end = self.quietHours?.end(at: now, offset: offset) {
            switch self.quietAction {
            case .silent: decision = .sendSilently
            case .defer: decision = end < expiresAt ? .sendLater(end) : .sendSilently
            case .drop: return .drop(reason: "it came in the user's quiet hours")
            }
        }
        let path: WritableKeyPath<Levels, NotificationBudget.Level> = priority == .urgent ? \.urgent : \.usual
        guard let wait = self.budget.take(from: &levels[keyPath: path], now: now) else { return decision }
        let earned = now.advanced(byNanoseconds: Int64(wait / .nanoseconds(1)))
        switch decision {
        case .sendLater(let end): return .merge(max(end, earned), isSilent: false, isDeferred: true)
        case .sendSilently: return .merge(earned, isSilent: true, isDeferred: false)
        case .send, .merge, .drop: return .merge(earned, isSilent: false, isDeferred: false)
        }
    }
}
