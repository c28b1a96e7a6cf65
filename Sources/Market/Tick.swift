/// Which side took the liquidity.
public enum Side: UInt8, Sendable, Hashable {
    /// The buyer was the taker.
    case buy
    /// The seller was the taker.
    case sell
    /// The venue does not say.
    case unknown

    /// The word used on the wire and in the database.
    public var name: String {
        switch self {
        case .buy: "buy"
        case .sell: "sell"
        case .unknown: "unknown"
        }
    }
}

/// What kind of instrument a feed carries; it decides the reference of `change`.
public enum AssetClass: String, Sendable, Hashable, CaseIterable {
    /// Trades around the clock; change is measured from the price 24 h ago.
    case crypto
    /// Trades in sessions; change is measured from the day's reference price.
    case stock
    /// Currencies, treated as crypto is.
    case fx
}

/// Marks that a tick carries from the feed to the database and the clients.
public struct TickFlags: OptionSet, Sendable, Hashable {
    /// The bits, as stored in PostgreSQL.
    public let rawValue: UInt16
    /// Wraps stored bits.
    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// Part of a snapshot or a replay of an old trade: never fires an alert.
    @inlinable public static var snapshot: TickFlags { TickFlags(rawValue: 1 << 0) }
    /// The message had no event time: the receive time stands in for it.
    @inlinable public static var noEventTime: TickFlags { TickFlags(rawValue: 1 << 1) }
    /// The event time was implausible: the receive time stands in for it.
    @inlinable public static var implausibleTime: TickFlags { TickFlags(rawValue: 1 << 2) }
    /// A price or size had more than 18 significant digits and was rounded half-even.
    @inlinable public static var rounded: TickFlags { TickFlags(rawValue: 1 << 3) }
    /// Asked for afterwards to fill a hole in the feed: never news, never fires an alert.
    @inlinable public static var backfilled: TickFlags { TickFlags(rawValue: 1 << 4) }
    /// Its sequence number is below the highest seen before: it came late, it was not missing.
    @inlinable public static var outOfOrder: TickFlags { TickFlags(rawValue: 1 << 5) }
    /// Played from a recording: fires no alert.
    @inlinable public static var replayed: TickFlags { TickFlags(rawValue: 1 << 8) }

    /// The marks with their names in text formats.
    private static let named: [(flag: TickFlags, name: String)] = [
        (.snapshot, "snapshot"), (.noEventTime, "noEventTime"), (.implausibleTime, "implausibleTime"),
        (.rounded, "rounded"), (.backfilled, "backfilled"), (.outOfOrder, "outOfOrder"), (.replayed, "replayed"),
    ]

    /// The names of the marks, in the order of the bits.
    public var names: [String] { Self.named.filter { self.contains($0.flag) }.map(\.name) }

    /// All names, for messages.
    public static var allNames: [String] { Self.named.map(\.name) }

    /// Finds a mark by its name; `nil` for other text.
    public init?(name: String) {
        guard let flag = Self.named.first(where: { $0.name == name })?.flag else { return nil }
        self = flag
    }
}

/// An executed price and size.
public struct Trade: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// Where it traded.
    public var venue: Venue
    /// The executed price, in the quote currency.
    public var price: Decimal64
    /// The executed amount in the base currency or in shares; `nil` when the venue does not say.
    public var size: Decimal64?
    /// The taker's side.
    public var side: Side
    /// The venue's id of the trade as text; `nil` when it gives none.
    public var id: String?
    /// When the venue says it happened; the receive time where it does not (see ``TickFlags``).
    public var eventTime: Timestamp
    /// When the frame arrived here.
    public var receivedTime: Timestamp
    /// The venue's own sequence number.
    public var venueSequence: Int64?
    /// Marks.
    public var flags: TickFlags

    /// Makes a trade from its parts.
    @inlinable
    public init(
        symbol: Symbol, venue: Venue, price: Decimal64, size: Decimal64?, side: Side, id: String?, eventTime: Timestamp,
        receivedTime: Timestamp, venueSequence: Int64? = nil, flags: TickFlags = []
    ) {
        self.symbol = symbol
        self.venue = venue
        self.price = price
        self.size = size
        self.side = side
        self.id = id
        self.eventTime = eventTime
        self.receivedTime = receivedTime
        self.venueSequence = venueSequence
        self.flags = flags
    }
}

/// Best buy and sell offers, with the last price where the venue sends it along.
public struct Quote: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// Where it is quoted.
    public var venue: Venue
    /// The best buy offer.
    public var bid: Decimal64?
    /// The best sell offer.
    public var ask: Decimal64?
    /// The amount offered at the bid.
    public var bidSize: Decimal64?
    /// The amount offered at the ask.
    public var askSize: Decimal64?
    /// The last price as the venue's ticker repeats it: recorded, never a second trade.
    public var last: Decimal64?
    /// When the venue says it happened; the receive time where it does not (see ``TickFlags``).
    public var eventTime: Timestamp
    /// When the frame arrived here.
    public var receivedTime: Timestamp
    /// The venue's own sequence number.
    public var venueSequence: Int64?
    /// Marks.
    public var flags: TickFlags

    /// Makes a quote from its parts.
    @inlinable
    public init(
        symbol: Symbol, venue: Venue, bid: Decimal64?, ask: Decimal64?, bidSize: Decimal64? = nil,
        askSize: Decimal64? = nil, last: Decimal64? = nil, eventTime: Timestamp, receivedTime: Timestamp,
        venueSequence: Int64? = nil, flags: TickFlags = []
    ) {
        self.symbol = symbol
        self.venue = venue
        self.bid = bid
        self.ask = ask
        self.bidSize = bidSize
        self.askSize = askSize
        self.last = last
        self.eventTime = eventTime
        self.receivedTime = receivedTime
        self.venueSequence = venueSequence
        self.flags = flags
    }
}

/// One update to a symbol's market state.
public enum Tick: Sendable, Hashable {
    /// An executed price and size.
    case trade(Trade)
    /// Best offers.
    case quote(Quote)

    /// The instrument.
    public var symbol: Symbol {
        switch self {
        case .trade(let trade): trade.symbol
        case .quote(let quote): quote.symbol
        }
    }
    /// Where it happened.
    public var venue: Venue {
        switch self {
        case .trade(let trade): trade.venue
        case .quote(let quote): quote.venue
        }
    }
    /// When the venue says it happened.
    public var eventTime: Timestamp {
        switch self {
        case .trade(let trade): trade.eventTime
        case .quote(let quote): quote.eventTime
        }
    }
    /// When the frame arrived here.
    public var receivedTime: Timestamp {
        switch self {
        case .trade(let trade): trade.receivedTime
        case .quote(let quote): quote.receivedTime
        }
    }
    /// Marks.
    public var flags: TickFlags {
        get {
            switch self {
            case .trade(let trade): trade.flags
            case .quote(let quote): quote.flags
            }
        }
        set {
            switch self {
            case .trade(var trade):
                trade.flags = newValue
                self = .trade(trade)
            case .quote(var quote):
                quote.flags = newValue
                self = .quote(quote)
            }
        }
    }
}
