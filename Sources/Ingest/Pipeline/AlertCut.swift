public import Alerts
public import Market

/// What the evaluator of a shard has found since it was asked before, at one moment between two batches of ticks.
///
/// Taken and stored as a whole it is exact: every tick before ``place`` is in it, and none behind.
public struct AlertCut: Sendable {
    /// How far a stream of ticks has been evaluated.
    public struct Stream: Sendable, Hashable {
        /// The instrument.
        public var symbol: Symbol
        /// Where it trades.
        public var venue: Venue
        /// Whether alerts without a venue follow it.
        public var isPrimary: Bool
        /// The price that the next one is compared with.
        public var lastPrice: Decimal64?
        /// The event time of the newest trade: an older one is no news.
        public var eventTime: Timestamp?
        /// When the newest tick was received.
        public var receivedTime: Timestamp

        /// Makes a stream's row from its parts.
        public init(
            symbol: Symbol, venue: Venue, isPrimary: Bool, lastPrice: Decimal64?, eventTime: Timestamp?,
            receivedTime: Timestamp
        ) {
            self.symbol = symbol
            self.venue = venue
            self.isPrimary = isPrimary
            self.lastPrice = lastPrice
            self.eventTime = eventTime
            self.receivedTime = receivedTime
        }
    }

    /// What an alert remembers now.
    public struct Change: Sendable, Hashable {
        /// The alert.
        public var id: Int64
        /// The revision of its condition.
        public var revision: Int64
        /// What it remembers.
        public var state: AlertState
        /// Whether the storm guard has paused it.
        public var isStorm: Bool
    }

    /// All ticks of the shard before it have been evaluated.
    public var place: TickPlace
    /// Streams with alerts that had ticks.
    public var streams: [Stream] = []
    /// Alerts that changed; the later of two of one alert counts.
    public var changes: [Change] = []
    /// What fired, in order.
    public var fired: [FiredAlert] = []
}
