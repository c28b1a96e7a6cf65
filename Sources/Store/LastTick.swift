public import Market

/// The newest state of a symbol at a venue: everything a `ticker` payload needs.
public struct LastTick: Sendable, Hashable {
    /// The instrument.
    public var symbol: Symbol
    /// Where it trades.
    public var venue: Venue
    /// The price of the newest trade; `nil` while only quotes came.
    public var lastPrice: Decimal64?
    /// The size of the newest trade.
    public var size: Decimal64?
    /// The taker's side of the newest trade.
    public var side: Side
    /// The best buy offer.
    public var bid: Decimal64?
    /// The best sell offer.
    public var ask: Decimal64?
    /// The amount offered at the bid.
    public var bidSize: Decimal64?
    /// The amount offered at the ask.
    public var askSize: Decimal64?
    /// The window's first price.
    public var open: Decimal64?
    /// The window's highest price.
    public var high: Decimal64?
    /// The window's lowest price.
    public var low: Decimal64?
    /// The window's volume.
    public var volume: Decimal64?
    /// The price that change is measured from.
    public var reference: Decimal64?
    /// The venue's time of the newest tick.
    public var eventTime: Timestamp
    /// When the newest tick arrived here.
    public var receivedTime: Timestamp
    /// The number of the newest event on the symbol's channel.
    public var sequence: Int64

    /// Makes a state from its parts.
    public init(
        symbol: Symbol, venue: Venue, lastPrice: Decimal64?, size: Decimal64? = nil, side: Side = .unknown,
        bid: Decimal64? = nil, ask: Decimal64? = nil, bidSize: Decimal64? = nil, askSize: Decimal64? = nil,
        open: Decimal64? = nil, high: Decimal64? = nil, low: Decimal64? = nil, volume: Decimal64? = nil,
        reference: Decimal64? = nil, eventTime: Timestamp, receivedTime: Timestamp, sequence: Int64
    ) {
        self.symbol = symbol
        self.venue = venue
        self.lastPrice = lastPrice
        self.size = size
        self.side = side
        self.bid = bid
        self.ask = ask
        self.bidSize = bidSize
        self.askSize = askSize
        self.open = open
        self.high = high
        self.low = low
        self.volume = volume
        self.reference = reference
        self.eventTime = eventTime
        self.receivedTime = receivedTime
        self.sequence = sequence
    }

    var venueSymbol: VenueSymbol { VenueSymbol(self.symbol, self.venue) }
}
