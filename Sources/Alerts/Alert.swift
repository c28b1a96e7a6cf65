public import Market

/// What an alert remembers between evaluations.
public struct AlertState: Hashable, Sendable {
    /// Whether the next time the condition is true fires; false from a firing until the condition was false again.
    public var isArmed: Bool
    /// The newest price the alert was evaluated with; `nil` before the first.
    public var lastPrice: Decimal64?
    /// When it last fired; `nil` before the first time.
    public var lastFiredAt: Timestamp?
    /// How often it has fired: the number of its newest crossing, 0 before the first.
    public var crossingCount: Int64

    /// Makes a state; without arguments that of a new alert.
    public init(
        isArmed: Bool = true, lastPrice: Decimal64? = nil, lastFiredAt: Timestamp? = nil, crossingCount: Int64 = 0
    ) {
        self.isArmed = isArmed
        self.lastPrice = lastPrice
        self.lastFiredAt = lastFiredAt
        self.crossingCount = crossingCount
    }
}

/// A stored condition on a symbol that notifies a user when it becomes true.
public struct Alert: Hashable, Sendable, Identifiable {
    /// The database's id.
    public let id: Int64
    /// Whose alert it is: the USER of the channel `private-alerts-USER`.
    public var user: String
    /// The instrument it watches.
    public var symbol: Symbol
    /// The venue it is bound to; `nil` follows the symbol's primary venue.
    public var venue: Venue?
    /// The condition with its options.
    public var expression: AlertExpression
    /// Where a firing is also posted to.
    public var webhookURL: String?
    /// What it remembers.
    public var state: AlertState

    /// Makes an alert from its parts.
    public init(
        id: Int64, user: String, symbol: Symbol, venue: Venue? = nil, expression: AlertExpression,
        webhookURL: String? = nil, state: AlertState = AlertState()
    ) {
        self.id = id
        self.user = user
        self.symbol = symbol
        self.venue = venue
        self.expression = expression
        self.webhookURL = webhookURL
        self.state = state
    }

    /// Whether a `once` alert has fired and was not armed again since: it is never evaluated.
    public var isSpent: Bool { self.expression.mode == .once && !self.state.isArmed && self.state.crossingCount > 0 }
}

/// One firing of an alert: the crossing that is stored, notified and explained.
public struct FiredAlert: Hashable, Sendable {
    /// The alert, its state as it is after the firing.
    public var alert: Alert
    /// The trade that made the condition true.
    public var trade: Trade
    /// The price before that trade; `nil` when none was known.
    public var previousPrice: Decimal64?
    /// The number of the crossing, from 1 for each alert; `(alert.id, crossing)` is unique for ever.
    public var crossing: Int64
    /// When it was evaluated.
    public var firedAt: Timestamp

    /// Makes a firing from its parts.
    public init(alert: Alert, trade: Trade, previousPrice: Decimal64?, crossing: Int64, firedAt: Timestamp) {
        self.alert = alert
        self.trade = trade
        self.previousPrice = previousPrice
        self.crossing = crossing
        self.firedAt = firedAt
    }
}
