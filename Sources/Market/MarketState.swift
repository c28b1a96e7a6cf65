/// What `change` is measured from.
public enum ChangeReference: String, Sendable, Hashable {
    /// The price 24 hours ago: crypto and FX.
    case price24hAgo = "24h"
    /// The day's first price: stocks.
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
    private var lastTradeTime: Timestamp?
    private var window: RollingWindow
    private var day: Int64?

    /// A state that has seen nothing.
    public init(symbol: Symbol, venue: Venue, asset: AssetClass) {
        self.symbol = symbol
        self.venue = venue
        self.asset = asset
        self.window = RollingWindow()
    }

    /// Takes a trade in.
    ///
    /// A trade older than the newest one counts in the window but does not move the last price.
    ///
    /// - Returns: Whether the state that clients see has changed.
    @discardableResult
    public mutating func apply(_ trade: Trade) -> Bool {
        self.startDayIfNeeded(trade.eventTime)
        if self.asset != .stock || Self.day(of: trade.eventTime) == self.day {
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
    public var reference: ChangeReference { self.asset == .stock ? .dayOpen : .price24hAgo }
    /// The window's reference price: `nil` before the first trade.
    public var open: Decimal64? { self.window.open }
    /// The window's highest price.
    public var high: Decimal64? { self.window.high }
    /// The window's lowest price.
    public var low: Decimal64? { self.window.low }
    /// The window's traded volume.
    public var volume: Decimal64? { self.window.open == nil ? nil : self.window.volume }

    /// `lastPrice − open`; `nil` before the first trade.
    public var change: Decimal64? {
        guard let lastPrice, let open = self.window.open else { return nil }
        return try? lastPrice.subtracting(open)  // Prices 10^18 apart have no exact difference: no change is shown.
    }

    /// `change ÷ open × 100`, rounded half-even to four decimals.
    public var percentChange: Decimal64? {
        guard let change, let open = self.window.open, !open.isZero else { return nil }
        guard let ratio = try? change.divided(by: open, decimals: 6) else { return nil }  // As above.
        return try? Decimal64(mantissa: ratio.mantissa, exponent: Int(ratio.exponent) + 2)
    }

    /// Puts back what was stored before a restart.
    ///
    /// Call before the first tick.
    ///
    /// - Parameters:
    ///   - buckets: The stored trades of the window by minute, oldest first.
    ///   - trade: The newest stored trade.
    ///   - quote: The newest stored quote.
    public mutating func restore(buckets: [RollingWindow.Bucket], trade: Trade?, quote: Quote?) {
        if self.asset == .stock {
            let newestMinute = trade.map { $0.eventTime.nanoseconds / 60_000_000_000 }
            self.day = (trade?.eventTime).map(Self.day(of:))
            for bucket in buckets
            where newestMinute == nil
                || Self.day(of: Timestamp(nanoseconds: bucket.minute * 60_000_000_000)) == self.day
            {
                self.window.add(bucket)
            }
        } else {
            for bucket in buckets { self.window.add(bucket) }
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
            if self.window.open == nil { self.window.add(price: trade.price, size: nil, at: trade.eventTime) }
        }
    }

    private mutating func startDayIfNeeded(_ time: Timestamp) {
        guard self.asset == .stock else { return }
        let day = Self.day(of: time)
        guard day > self.day ?? .min else { return }
        self.day = day
        self.window = RollingWindow()
    }

    /// The exchange day of a stock's trade.
    ///
    /// Until trading calendars exist a day starts at 05:00 UTC, which is midnight in New York in winter: pre-market and
    /// post-market trades of one date share a day all year round.
    private static func day(of time: Timestamp) -> Int64 {
        (time.nanoseconds - 5 * 3_600_000_000_000) / 86_400_000_000_000
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
