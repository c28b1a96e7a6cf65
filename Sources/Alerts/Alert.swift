public import Market

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
    /// The text of its notifications; `nil` for the standard one.
    public var template: AlertTemplate?
    /// How numbers are written in its notifications, a BCP 47 tag such as `de-CH`; `nil` for the service's own.
    public var locale: String?
    /// Why it is not evaluated; `nil` while it is.
    public var pause: AlertPause?
    /// Until when it stays silent; what happens before is not made up for.
    public var snoozedUntil: Timestamp?
    /// How often its condition was changed: a state belongs to one condition.
    public var revision: Int64
    /// What it remembers.
    public var state: AlertState

    /// Makes an alert from its parts.
    public init(
        id: Int64, user: String, symbol: Symbol, venue: Venue? = nil, expression: AlertExpression,
        webhookURL: String? = nil, template: AlertTemplate? = nil, locale: String? = nil, pause: AlertPause? = nil,
        snoozedUntil: Timestamp? = nil, revision: Int64 = 0, state: AlertState = AlertState()
    ) {
        self.id = id
        self.user = user
        self.symbol = symbol
        self.venue = venue
        self.expression = expression
        self.webhookURL = webhookURL
        self.template = template
        self.locale = locale
        self.pause = pause
        self.snoozedUntil = snoozedUntil
        self.revision = revision
        self.state = state
    }

    /// Whether its `until` has come: it is never evaluated from then on.
    public func isExpired(at now: Timestamp) -> Bool { self.expression.options.until.map { $0 <= now } ?? false }

    /// Whether a `once` alert has fired and was not armed again since: it is never evaluated.
    public var isSpent: Bool {
        self.expression.options.mode == .once && !self.state.isArmed && self.state.crossingCount > 0
    }
}

/// Why an alert is not evaluated.
public enum AlertPause: String, Hashable, Sendable, CaseIterable {
    /// Its user paused it.
    case user
    /// It fired too often: see ``StormGuard``.
    case storm
}

/// The text of an alert's notifications, with fields such as `{symbol}` and `{price}` that are filled in when it is sent.
public struct AlertTemplate: Hashable, Sendable {
    /// The headline; `nil` for the standard one.
    public var title: String?
    /// The text below it; `nil` for the standard one.
    public var body: String?

    /// Makes a template from its parts.
    public init(title: String? = nil, body: String? = nil) {
        self.title = title
        self.body = body
    }
}

/// When an alert fires too often: it then fires a last time, says so and is paused.
public struct StormGuard: Hashable, Sendable {
    /// How many firings within ``window`` are fine.
    public var firingsMax: Int
    /// The time they are counted over.
    public var window: Duration

    /// Makes a guard; without arguments 20 firings in 10 minutes.
    public init(firingsMax: Int = 20, window: Duration = .seconds(600)) {
        self.firingsMax = firingsMax
        self.window = window
    }
}
