public import Market

/// One firing of an alert: the crossing that is stored, notified and explained.
public struct FiredAlert: Hashable, Sendable {
    /// The alert, its state as it is after the firing.
    public var alert: Alert
    /// The tick that made the condition true, or the newest one before a timer did.
    public var cause: Cause
    /// The price before; `nil` when none was known.
    public var previousPrice: Decimal64?
    /// What the condition measured, where that is not the price alone.
    public var measurement: AlertMeasurement?
    /// The number of the crossing, from 1 for each alert; `(alert.id, crossing)` is unique for ever.
    public var crossing: Int64
    /// When it was evaluated, or when the timer was due.
    public var firedAt: Timestamp
    /// Why it comes late; `nil` when it does not.
    public var lateness: AlertLateness?
    /// Whether the storm guard paused the alert with this firing.
    public var isStorm: Bool

    /// The market data behind a firing.
    public struct Cause: Hashable, Sendable {
        /// The venue that said so; of a silence, the one that was last heard.
        public var venue: Venue?
        /// The last traded price; `nil` when none was known.
        public var price: Decimal64?
        /// The traded size, if the cause is a trade that has one.
        public var size: Decimal64?
        /// The taker's side.
        public var side: Side
        /// The venue's id of the trade.
        public var tradeID: String?
        /// When the venue says it happened.
        public var eventTime: Timestamp
        /// When it arrived here.
        public var receivedTime: Timestamp

        /// Makes a cause from its parts.
        public init(
            venue: Venue?, price: Decimal64?, size: Decimal64? = nil, side: Side = .unknown, tradeID: String? = nil,
            eventTime: Timestamp, receivedTime: Timestamp
        ) {
            self.venue = venue
            self.price = price
            self.size = size
            self.side = side
            self.tradeID = tradeID
            self.eventTime = eventTime
            self.receivedTime = receivedTime
        }

        /// The cause that is a trade.
        public init(_ trade: borrowing Trade) {
            self.init(
                venue: trade.venue, price: trade.price, size: trade.size, side: trade.side, tradeID: trade.id,
                eventTime: trade.eventTime, receivedTime: trade.receivedTime)
        }
    }

    /// Makes a firing from its parts.
    public init(
        alert: Alert, cause: Cause, previousPrice: Decimal64?, measurement: AlertMeasurement? = nil, crossing: Int64,
        firedAt: Timestamp, lateness: AlertLateness? = nil, isStorm: Bool = false
    ) {
        self.alert = alert
        self.cause = cause
        self.previousPrice = previousPrice
        self.measurement = measurement
        self.crossing = crossing
        self.firedAt = firedAt
        self.lateness = lateness
        self.isStorm = isStorm
    }
}

/// What a condition measured, in words a message can use.
public struct AlertMeasurement: Hashable, Sendable {
    /// The measured amount, in the unit of the condition's own amount: `.percent(5.2)` of `moves 5% in 10m`.
    public var amount: AlertAmount?
    /// The price it was measured from: the window's extreme, the day's reference, the previous high, the other venue's
    /// price, the bid.
    public var reference: Decimal64?
    /// When that price was seen, if it has a time.
    public var referenceTime: Timestamp?

    /// Makes a measurement from its parts.
    public init(amount: AlertAmount? = nil, reference: Decimal64? = nil, referenceTime: Timestamp? = nil) {
        self.amount = amount
        self.reference = reference
        self.referenceTime = referenceTime
    }
}

/// Why a firing comes late.
public struct AlertLateness: Hashable, Sendable {
    /// What hid the crossing.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// The feed had a hole; it happened somewhere in it.
        case gap
        /// The evaluator was not running.
        case restart
    }

    /// What hid the crossing.
    public var reason: Reason
    /// The last time at which all was known to be well.
    public var since: Timestamp

    /// Makes a lateness from its parts.
    public init(reason: Reason, since: Timestamp) {
        self.reason = reason
        self.since = since
    }
}
