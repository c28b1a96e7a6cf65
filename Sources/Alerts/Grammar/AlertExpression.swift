public import Market

/// How often an alert may fire.
public enum AlertMode: String, Hashable, Sendable, CaseIterable {
    /// Fires one time and is spent.
    case once
    /// Fires every time the condition becomes true; what an expression without a mode means.
    case `repeat`
}

/// What a condition needs beyond one tick before it counts.
public enum AlertConfirmation: Hashable, Sendable {
    /// `confirm 2 ticks`: true at so many evaluations in a row, the first included; at least 2.
    case ticks(Int)
    /// `confirm 5s`: true for so long without a break.
    case time(Duration)
}

/// How urgently a firing is delivered.
public enum AlertPriority: String, Hashable, Sendable, CaseIterable {
    /// Without sound, when the device is looked at.
    case passive
    /// As the user has set up; the default.
    case active
    /// Through focus and silence where the service allows it.
    case urgent
}

/// When an alert on a stock is evaluated; crypto and currencies trade at all hours.
public enum AlertHours: String, Hashable, Sendable, CaseIterable {
    /// The exchange's regular session only.
    case regular
    /// Regular, pre-market and post-market sessions.
    case extended
    /// At any time; the default. `silent` counts the regular session only, unless hours are named.
    case all
}

/// What may follow a condition.
public struct AlertOptions: Hashable, Sendable {
    /// How often it may fire.
    public var mode: AlertMode
    /// For how long after a firing further ones are suppressed; whole seconds, `nil` for none.
    public var cooldown: Duration?
    /// `rearm 0.5%`: how far the price (or what else is measured) must come back behind the threshold before the alert can
    /// fire again; `nil`: it only has to be behind it.
    public var rearm: AlertAmount?
    /// What must hold before a firing counts.
    public var confirmation: AlertConfirmation?
    /// `again 2%`: fires once more, without coming back first, whenever the price has moved so far since the last firing.
    public var again: AlertAmount?
    /// When the alert expires; exclusive.
    public var until: Timestamp?
    /// How urgently it is delivered.
    public var priority: AlertPriority
    /// When it is evaluated.
    public var hours: AlertHours

    /// Makes options; without arguments the defaults.
    public init(
        mode: AlertMode = .repeat, cooldown: Duration? = nil, rearm: AlertAmount? = nil,
        confirmation: AlertConfirmation? = nil, again: AlertAmount? = nil, until: Timestamp? = nil,
        priority: AlertPriority = .active, hours: AlertHours = .all
    ) {
        self.mode = mode
        self.cooldown = cooldown
        self.rearm = rearm
        self.confirmation = confirmation
        self.again = again
        self.until = until
        self.priority = priority
        self.hours = hours
    }
}

/// A condition with its options, as a user writes it: `crosses above 70000 once cooldown 15m`.
public struct AlertExpression: Hashable, Sendable {
    /// What must become true.
    public let condition: AlertCondition
    /// How it fires.
    public let options: AlertOptions

    /// Makes an expression from its parts.
    public init(condition: AlertCondition, options: AlertOptions = AlertOptions()) {
        self.condition = condition
        self.options = options
    }
}
