public import Market

/// A random-walk market: the same seed gives the same messages in the same order.
public struct SimulatedMarket: Sendable {
    /// One instrument of the market.
    private struct Instrument: Sendable {
        let symbol: Symbol
        /// The price the walk is pulled back to, in steps of `10^-decimals`.
        let anchor: Int64
        let decimals: Int
        let sizeDecimals: Int
        var price: Int64
        let volatility: Int64
        var nextTradeID: UInt64
        var nextQuoteNumber: UInt64
    }

    /// The instruments it trades: eight crypto pairs and eight stocks, with a plausible price and the decimals they trade in.
    private static let listing: [(name: String, price: Int64, decimals: Int, sizeDecimals: Int)] = [
        ("BTC-USD", 64_250_00, 2, 8), ("ETH-USD", 3_120_00, 2, 8), ("SOL-USD", 148_250, 3, 4),
        ("XRP-USD", 52_410, 5, 2),
        ("DOGE-USD", 11_873, 5, 1), ("ADA-USD", 38_140, 5, 2), ("LTC-USD", 71_34, 2, 6), ("LINK-USD", 13_512, 3, 4),
        ("AAPL", 228_52, 2, 0), ("MSFT", 415_10, 2, 0), ("NVDA", 131_76, 2, 0), ("AMZN", 186_40, 2, 0),
        ("GOOGL", 167_06, 2, 0), ("META", 567_36, 2, 0), ("TSLA", 248_98, 2, 0), ("BRK.B", 458_12, 2, 0),
    ]

    private var instruments: [Instrument]
    private var random: SplitMix64

    /// The symbols it trades.
    public var symbols: [Symbol] { self.instruments.map(\.symbol) }

    /// Opens the market.
    ///
    /// - Parameters:
    ///   - seed: Decides every price, size and side.
    ///   - firstTradeID: Each symbol's trades and quotes are numbered from here; choose a number no earlier run has reached.
    public init(seed: UInt64, firstTradeID: UInt64) {
        self.random = SplitMix64(seed: seed)
        self.instruments = Self.listing.map { item in
            guard let symbol = Symbol(utf8: item.name.utf8) else {
                preconditionFailure("'\(item.name)' in the simulator's listing is not a symbol")
            }
            return Instrument(
                symbol: symbol, anchor: item.price, decimals: item.decimals, sizeDecimals: item.sizeDecimals,
                price: item.price, volatility: max(1, item.price / 20_000), nextTradeID: firstTradeID,
                nextQuoteNumber: firstTradeID
            )
        }
    }

    /// What happens next: a trade two times out of three, otherwise a quote.
    mutating func next(at time: Timestamp) -> SimulatedMessage {
        let index = Int(self.random.next(below: UInt64(self.instruments.count)))
        self.walk(index)
        let instrument = self.instruments[index]
        if self.random.next(below: 3) < 2 {
            self.instruments[index].nextTradeID += 1
            let size = self.nextSize(of: instrument)
            return .trade(
                SimulatedTrade(
                    symbolIndex: index, id: instrument.nextTradeID, price: instrument.price, size: size,
                    isBuy: self.random.next(below: 2) == 0, time: time
                )
            )
        }
        self.instruments[index].nextQuoteNumber += 1
        let halfSpread = max(1, instrument.volatility / 4)
        let bid = max(1, instrument.price - halfSpread)
        return .quote(
            SimulatedQuote(
                symbolIndex: index, number: instrument.nextQuoteNumber, bid: bid, ask: bid + 2 * halfSpread,
                bidSize: self.nextSize(of: instrument), askSize: self.nextSize(of: instrument), time: time
            )
        )
    }

    /// One step of the walk, pulled gently towards the anchor so that a long run keeps plausible prices.
    private mutating func walk(_ index: Int) {
        let instrument = self.instruments[index]
        let span = UInt64(instrument.volatility * 2 + 1)
        var step = Int64(self.random.next(below: span)) - instrument.volatility
        let distance = instrument.price - instrument.anchor
        if abs(distance) > instrument.anchor / 20, self.random.next(below: 4) == 0 {
            step = distance > 0 ? -instrument.volatility : instrument.volatility
        }
        self.instruments[index].price = max(1, instrument.price + step)
    }

    /// Small sizes are common, large ones rare: 1…10^k steps with k drawn anew each time.
    private mutating func nextSize(of instrument: Instrument) -> Int64 {
        var limit: UInt64 = 10
        for _ in 0..<self.random.next(below: UInt64(max(3, instrument.sizeDecimals))) { limit *= 10 }
        return Int64(1 + self.random.next(below: limit))
    }

    // MARK: The dialect of Feeds/sim.yaml

    /// Appends a message as one JSON object.
    func write(_ message: SimulatedMessage, to bytes: inout [UInt8]) {
        switch message {
        case .trade(let trade): self.write(trade, to: &bytes)
        case .quote(let quote): self.write(quote, to: &bytes)
        }
    }

    /// Appends a trade as one JSON object.
    func write(_ trade: SimulatedTrade, to bytes: inout [UInt8]) {
        let instrument = self.instruments[trade.symbolIndex]
        bytes.append(literal: "{\"type\":\"trade\",\"symbol\":\"")
        instrument.symbol.write(to: &bytes)
        Self.append(trade.price, decimals: instrument.decimals, key: "\",\"price\":\"", to: &bytes)
        Self.append(trade.size, decimals: instrument.sizeDecimals, key: "\",\"size\":\"", to: &bytes)
        bytes.append(literal: "\",\"side\":\"")
        bytes.append(contentsOf: (trade.isBuy ? "buy" : "sell").utf8)
        bytes.append(literal: "\",\"id\":\"")
        bytes.append(integer: trade.id)
        Self.appendEnd(trade.time, number: trade.id, to: &bytes)
    }

    private func write(_ quote: SimulatedQuote, to bytes: inout [UInt8]) {
        let instrument = self.instruments[quote.symbolIndex]
        bytes.append(literal: "{\"type\":\"quote\",\"symbol\":\"")
        instrument.symbol.write(to: &bytes)
        Self.append(quote.bid, decimals: instrument.decimals, key: "\",\"bid\":\"", to: &bytes)
        Self.append(quote.ask, decimals: instrument.decimals, key: "\",\"ask\":\"", to: &bytes)
        Self.append(quote.bidSize, decimals: instrument.sizeDecimals, key: "\",\"bidSize\":\"", to: &bytes)
        Self.append(quote.askSize, decimals: instrument.sizeDecimals, key: "\",\"askSize\":\"", to: &bytes)
        Self.appendEnd(quote.time, number: quote.number, to: &bytes)
    }

    private static func appendEnd(_ time: Timestamp, number: UInt64, to bytes: inout [UInt8]) {
        bytes.append(literal: "\",\"time\":\"")
        time.write(to: &bytes)
        bytes.append(literal: "\",\"seq\":")
        bytes.append(integer: number)
        bytes.append(literal: "}")
    }

    private static func append(_ value: Int64, decimals: Int, key: StaticString, to bytes: inout [UInt8]) {
        bytes.append(literal: key)
        guard let decimal = try? Decimal64(mantissa: value, exponent: -decimals) else {
            preconditionFailure("\(value)e-\(decimals) is beyond 18 digits, which the walk's anchor rules out")
        }
        decimal.write(to: &bytes)
    }
}
