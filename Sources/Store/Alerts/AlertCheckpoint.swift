public import Alerts
public import Market
public import Notifications

/// What an evaluator has found up to a place in the journal, to be stored as a whole.
public struct AlertCheckpoint: Sendable {
    /// What an alert remembers.
    public struct StateRow: Sendable {
        /// The alert.
        public let id: Int64
        /// The revision of its condition that the state belongs to.
        public let revision: Int64
        /// What it remembers.
        public let state: AlertState
        /// Whether the storm guard has paused it.
        public let isStorm: Bool

        /// Makes a row from its parts.
        public init(id: Int64, revision: Int64, state: AlertState, isStorm: Bool = false) {
            self.id = id
            self.revision = revision
            self.state = state
            self.isStorm = isStorm
        }
    }

    /// How far a stream of ticks has been evaluated.
    public struct StreamRow: Sendable, Hashable {
        /// The instrument.
        public let symbol: Symbol
        /// Where it trades.
        public let venue: Venue
        /// Whether alerts without a venue follow it.
        public let isPrimary: Bool
        /// The price that the next one is compared with.
        public let lastPrice: Decimal64?
        /// The event time of that trade: an older one is no news.
        public let eventTime: Timestamp?
        /// When its newest tick was received.
        public let receivedTime: Timestamp
        /// All its ticks before this place are evaluated.
        public let place: JournalPlace

        /// Makes a row from its parts.
        public init(
            symbol: Symbol, venue: Venue, isPrimary: Bool, lastPrice: Decimal64?, eventTime: Timestamp?,
            receivedTime: Timestamp, place: JournalPlace
        ) {
            self.symbol = symbol
            self.venue = venue
            self.isPrimary = isPrimary
            self.lastPrice = lastPrice
            self.eventTime = eventTime
            self.receivedTime = receivedTime
            self.place = place
        }
    }

    /// A firing with what it sends.
    public struct Event: Sendable {
        /// The firing.
        public let fired: FiredAlert
        /// What it sends.
        public let payloads: NotificationPayloads

        /// Makes an event from its parts.
        public init(_ fired: FiredAlert, _ payloads: NotificationPayloads) {
            self.fired = fired
            self.payloads = payloads
        }
    }

    /// The journal, and up to where all ticks of all streams are evaluated; `nil` moves nothing.
    public var position: (journal: String, place: JournalPlace)?
    /// Streams that had ticks since the last checkpoint.
    public var streams: [StreamRow] = []
    /// Alerts that changed since then.
    public var states: [StateRow] = []
    /// What fired since then, in order.
    public var events: [Event] = []

    /// Makes an empty one.
    public init() {}
}
