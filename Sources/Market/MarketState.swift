/// What `change` is measured from.
public enum ChangeReference: String, Sendable, Hashable {
    /// The price 24 hours ago: crypto and FX.
    case price24hAgo = "24h"
    /// The last price of the regular session before the current trading day: stocks.
    case previousClose
    /// The trading day's first price: stocks whose previous close was not seen.
    case dayOpen
}

/// The market state of one symbol at one venue: last trade, best offers, and the window its change is measured in.
public struct MarketState: Sendable, Equatable {
    /// The instrument.
    public let symbol: Symbol
    /// Where it trades.
    public let venue: Venue
    /// Decides the window.
    public let asset: AssetClass
    /// The price of the newest trade by event time.
    public private(set) var lastPrice: Decimal64?
    /// The size of the newest trade.
    public private(set) var lastSize: Decimal64?
    /// The taker's side of the newest trade.
    public private(set) var lastSide: Side = .unknown
    /// The best buy offer.
    public private(set) var bid: Decimal64?
    /// The best sell offer.
    public private(set) var ask: Decimal64?
    /// The amount offered at the bid.
    public private(set) var bidSize: Decimal64?
    /// The amount offered at the ask.
    public private(set) var askSize: Decimal64?
    /// Event time of the newest tick.
    public private(set) var eventTime: Timestamp?
    /// Receive time of the newest tick.
    public private(set) var receivedTime: Timestamp?
    /// When the newest trade happened: an older one does not change the state.
    public private(set) var lastTradeTime: Timestamp?
    /// What the venue said last about its trading; `nil` when it has said nothing since this process was started.
    public var trading: TradingState?
    private var window: RollingWindow
    private var stockDay: StockDay?

    /// A stock's window begins anew with each session; over a long weekend one session's day lasts up to five days.
    private static let sessionMinutesMax: Int64 = 7 * 1440

    /// A state that has seen nothing.
    ///
    /// - Parameters:
    ///   - symbol: The instrument.
    ///   - venue: Where it trades.
    ///   - asset: Decides the window and the reference of ``change``.
    ///   - calendar: The trading days of a stock.
    public init(symbol: Symbol, venue: Venue, asset: AssetClass, calendar: TradingCalendar = .xnys) {
        self.symbol = symbol
        self.venue = venue
        self.asset = asset
        self.stockDay = asset == .stock ? StockDay(calendar: calendar) : nil
        self.window = asset == .stock ? RollingWindow(minutes: Self.sessionMinutesMax) : RollingWindow()
    }

    /// Takes a trade in.
    ///
    /// A trade older than the newest one counts in the window but does not move the last price.
    ///
    /// - Returns: Whether the state that clients see has changed.
    @discardableResult
    public mutating func apply(_ trade: Trade) -> Bool {
        if self.belongsToWindow(price: trade.price, at: trade.eventTime) {
            self.window.add(price: trade.price, size: trade.size, at: trade.eventTime)
        }
        if let lastTradeTime, trade.eventTime < lastTradeTime { return false }
        self.lastTradeTime = trade.eventTime
        self.lastPrice = trade.price
        self.lastSize = trade.size
        self.lastSide = trade.side
        self.eventTime = max(self.eventTime ?? trade.eventTime, trade.eventTime)
        self.receivedTime = trade.receivedTime
        return true
    }

    /// Takes best offers in.
    ///
    /// Fields that a quote leaves out keep their value.
    public mutating func apply(_ quote: Quote) {
        if let bid = quote.bid { self.bid = bid }
        if let ask = quote.ask { self.ask = ask }
        if let size = quote.bidSize { self.bidSize = size }
        if let size = quote.askSize { self.askSize = size }
        self.eventTime = max(self.eventTime ?? quote.eventTime, quote.eventTime)
        self.receivedTime = quote.receivedTime
    }

    /// What ``change`` is measured from.
    public var reference: ChangeReference {
        guard let stockDay else { return .price24hAgo }
        return stockDay.previousClose == nil ? .dayOpen : .previousClose
    }
    /// The price that ``change`` is measured from: `nil` before the first trade.
    public var referencePrice: Decimal64? { self.previousClose ?? self.window.open }
    /// A stock's last price of the regular session before this one; `nil` when no trade of it was seen.
    public var previousClose: Decimal64? { self.stockDay?.previousClose }
    /// The price at the window's start: `nil` before the first trade.
    public var open: Decimal64? { self.window.open }
    /// The window's highest price.
    public var high: Decimal64? { self.window.high }
    /// The window's lowest price.
    public var low: Decimal64? { self.window.low }
    /// The window's traded volume.
    public var volume: Decimal64? { self.window.open == nil ? nil : self.window.volume }

    /// `lastPrice − referencePrice`; `nil` before the first trade.
    public var change: Decimal64? {
        guard let lastPrice, let reference = self.referencePrice else { return nil }
        // Prices 10^18 apart have no exact difference: no change is shown.
        return try? lastPrice.subtracting(reference)
    }

    /// `change ÷ referencePrice × 100`, rounded half-even to four decimals.
    public var percentChange: Decimal64? {
        guard let change, let reference = self.referencePrice, !reference.isZero else { return nil }
        guard let ratio = try? change.divided(by: reference, decimals: 6) else { return nil }  // As above.
        return try? Decimal64(mantissa: ratio.mantissa, exponent: Int(ratio.exponent) + 2)
    }

    /// Puts back what was stored before a restart.
    ///
    /// Call before the first tick.
    ///
    /// - Parameters:
    ///   - buckets: The stored trades by minute, oldest first: those of the window and, for a stock, of the session before it.
    ///   - trade: The newest stored trade.
    ///   - quote: The newest stored quote.
    public mutating func restore(buckets: [RollingWindow.Bucket], trade: Trade?, quote: Quote?) {
        for bucket in buckets {
            // Sessions begin and end with a minute, so a bucket belongs to one as a trade does.
            let start = Timestamp(nanoseconds: bucket.minute * 60_000_000_000)
            if self.belongsToWindow(price: bucket.close, at: start) { self.window.add(bucket) }
        }
        if let quote { self.apply(quote) }
        if let trade {
            self.lastTradeTime = trade.eventTime
            self.lastPrice = trade.price
            self.lastSize = trade.size
            self.lastSide = trade.side
            self.eventTime = max(self.eventTime ?? trade.eventTime, trade.eventTime)
            self.receivedTime = max(self.receivedTime ?? trade.receivedTime, trade.receivedTime)
            // Trades older than the window are gone from the buckets, but the last price is still the reference.
            if self.window.open == nil, self.belongsToWindow(price: trade.price, at: trade.eventTime) {
                self.window.add(price: trade.price, size: nil, at: trade.eventTime)
            }
        }
    }

    /// Whether a trade counts in the window; a stock's first trade of a new session begins a new one.
    private mutating func belongsToWindow(price: Decimal64, at time: Timestamp) -> Bool {
        switch self.stockDay?.add(price: price, at: time) {
        case nil, .ofSession: return true
        case .ofEarlierSession: return false
        case .beginsSession:
            self.window = RollingWindow(minutes: Self.sessionMinutesMax)
            return true
        }
    }
}

extension MarketState {
    /// Appends the ticker payload.
    ///
    /// The `data` of `tick` and `snapshot` events (docs/channels.md). Fields without a value are left out.
    ///
    /// - Parameters:
    ///   - bytes: Grows by one JSON object.
    ///   - sequence: The channel's sequence number of this event.
    public func writeTickerJSON(to bytes: inout [UInt8], sequence: UInt64) {
        bytes.append(literal: "{\"symbol\":\"")
        self.symbol.write(to: &bytes)
        bytes.append(literal: "\",\"venue\":\"")
        self.venue.write(to: &bytes)
        bytes.append(literal: "\"")
        Self.append(self.lastPrice, key: ",\"price\":\"", to: &bytes)
        Self.append(self.lastSize, key: ",\"size\":\"", to: &bytes)
        if self.lastPrice != nil, self.lastSide != .unknown {
            bytes.append(literal: ",\"side\":\"")
            bytes.append(contentsOf: self.lastSide.name.utf8)
            bytes.append(literal: "\"")
        }
        Self.append(self.bid, key: ",\"bid\":\"", to: &bytes)
        Self.append(self.ask, key: ",\"ask\":\"", to: &bytes)
        Self.append(self.change, key: ",\"change\":\"", to: &bytes)
        Self.append(self.percentChange, key: ",\"percentChange\":\"", to: &bytes)
        if self.window.open != nil {
            bytes.append(literal: ",\"reference\":\"")
            bytes.append(contentsOf: self.reference.rawValue.utf8)
            bytes.append(literal: "\"")
        }
        Self.append(self.previousClose, key: ",\"previousClose\":\"", to: &bytes)
        Self.append(self.open, key: ",\"open\":\"", to: &bytes)
        Self.append(self.high, key: ",\"high\":\"", to: &bytes)
        Self.append(self.low, key: ",\"low\":\"", to: &bytes)
        Self.append(self.volume, key: ",\"volume\":\"", to: &bytes)
        if let eventTime {
            bytes.append(literal: ",\"eventTime\":\"")
            eventTime.write(to: &bytes)
            bytes.append(literal: "\"")
        }
        if let receivedTime {
            bytes.append(literal: ",\"receivedTime\":\"")
            receivedTime.write(to: &bytes)
            bytes.append(literal: "\"")
        }
        if self.trading == .halted { bytes.append(literal: ",\"halted\":true") }
        bytes.append(literal: ",\"sequence\":")
        bytes.append(integer: sequence)
        bytes.append(literal: "}")
    }

    private static func append(_ value: Decimal64?, key: StaticString, to bytes: inout [UInt8]) {
        guard let value else { return }
        bytes.append(literal: key)
        value.write(to: &bytes)
        bytes.append(literal: "\"")
    }
}

extension Trade {
    /// Appends the `data` of a `trade` event on `trades-SYMBOL` (docs/channels.md).
    ///
    /// - Parameters:
    ///   - bytes: Grows by one JSON object.
    ///   - sequence: The channel's sequence number of this event.
    public func writeJSON(to bytes: inout [UInt8], sequence: UInt64) {
        bytes.append(literal: "{\"symbol\":\"")
        self.symbol.write(to: &bytes)
        bytes.append(literal: "\",\"venue\":\"")
        self.venue.write(to: &bytes)
        bytes.append(literal: "\",\"price\":\"")
        self.price.write(to: &bytes)
        bytes.append(literal: "\"")
        if let size {
            bytes.append(literal: ",\"size\":\"")
            size.write(to: &bytes)
            bytes.append(literal: "\"")
        }
        bytes.append(literal: ",\"side\":\"")
        bytes.append(contentsOf: self.side.name.utf8)
        bytes.append(literal: "\"")
        if let id {
            bytes.append(literal: ",\"id\":")
            bytes.appendJSONString(id)
        }
        bytes.append(literal: ",\"eventTime\":\"")
        self.eventTime.write(to: &bytes)
        bytes.append(literal: "\",\"receivedTime\":\"")
        self.receivedTime.write(to: &bytes)
        bytes.append(literal: "\",\"sequence\":")
        bytes.append(integer: sequence)
        bytes.append(literal: "}")
    }
}
