public import Market

/// What an alert remembers between evaluations, and over a restart.
public struct AlertState: Hashable, Sendable {
    /// Whether the next time the condition is true fires; false from a firing until the condition was false again.
    public var isArmed: Bool
    /// The newest price the alert was evaluated with; `nil` before the first.
    public var lastPrice: Decimal64?
    /// When it last fired; `nil` before the first time.
    public var lastFiredAt: Timestamp?
    /// The price it last fired at, for `again`.
    public var lastFiredPrice: Decimal64?
    /// Of `crosses P`, the side on which the price counts as being, from which it can cross; `nil` before it is known.
    public var cameFrom: PriceSide?
    /// How often it has fired: the number of its newest crossing, 0 before the first.
    public var crossingCount: Int64
    /// Since when and how often in a row the condition has been true, while that is to be confirmed.
    public var confirming: Confirming?
    /// When it fired lately, for the storm guard; oldest first.
    public var recentFirings: [Timestamp]
    /// What became of the last times the condition was true, newest last; at most ``evaluationsMax``.
    public var evaluations: [AlertEvaluation]

    /// A condition that is true but not yet for long enough.
    public struct Confirming: Hashable, Sendable {
        /// When it became true.
        public var since: Timestamp
        /// At how many evaluations in a row it has been true.
        public var count: Int
        /// Of a new high or low, the extreme that was passed and must stay passed.
        public var reference: Decimal64?
        /// Why the time at which it became true is late, if it is.
        ///
        /// Not stored: a restart has a lateness of its own.
        public var lateness: AlertLateness?

        /// Makes a record from its parts.
        public init(since: Timestamp, count: Int, reference: Decimal64? = nil, lateness: AlertLateness? = nil) {
            self.since = since
            self.count = count
            self.reference = reference
            self.lateness = lateness
        }
    }

    /// How many evaluations are remembered.
    public static let evaluationsMax = 5

    /// Makes a state; without arguments that of a new alert.
    public init(
        isArmed: Bool = true, lastPrice: Decimal64? = nil, lastFiredAt: Timestamp? = nil,
        lastFiredPrice: Decimal64? = nil, cameFrom: PriceSide? = nil, crossingCount: Int64 = 0,
        confirming: Confirming? = nil,
        recentFirings: [Timestamp] = [], evaluations: [AlertEvaluation] = []
    ) {
        self.isArmed = isArmed
        self.lastPrice = lastPrice
        self.lastFiredAt = lastFiredAt
        self.lastFiredPrice = lastFiredPrice
        self.cameFrom = cameFrom
        self.crossingCount = crossingCount
        self.confirming = confirming
        self.recentFirings = recentFirings
        self.evaluations = evaluations
    }
}

/// What became of one time at which an alert's condition was true.
public struct AlertEvaluation: Hashable, Sendable {
    /// What was decided.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// It fired.
        case fired
        /// It fired too soon after the last time.
        case cooldown
        /// Its user had snoozed it.
        case snoozed
        /// The market was closed, and the alert is for its hours only.
        case closed
        /// It was true, but not for long enough to be confirmed.
        case unconfirmed
    }

    /// When; the tick's time.
    public var time: Timestamp
    /// The last price then; `nil` when none was known.
    public var price: Decimal64?
    /// What was decided.
    public var outcome: Outcome

    /// Makes a record from its parts.
    public init(time: Timestamp, price: Decimal64?, outcome: Outcome) {
        self.time = time
        self.price = price
        self.outcome = outcome
    }
}
