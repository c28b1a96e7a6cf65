public import Market

/// A random-walk market: the same seed gives the same prices in the same order.
public struct SimulatedMarket: Sendable {
    /// One instrument of the market.
    struct Instrument: Sendable {
        let symbol: Symbol
        /// The price the walk is pulled back to, in steps of `10^-decimals`.
        let anchor: Int64
        let decimals: Int
        let sizeDecimals: Int
        var price: Int64
        var volatility: Int64
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
    private var nextTradeID: UInt64
    private var sequence: UInt64 = 0

    /// The symbols it trades.
    public var symbols: [Symbol] { self.instruments.map(\.symbol) }

    /// Opens the market.
    ///
    /// - Parameters:
    ///   - seed: Decides every price, size and side.
    ///   - firstTradeID: Ids count up from here; choose one no earlier run has reached.
    public init(seed: UInt64, firstTradeID: UInt64) {
        self.random = SplitMix64(state: seed)
        self.nextTradeID = firstTradeID
        self.instruments = Self.listing.map { item in
            guard let symbol = Symbol(utf8: item.name.utf8) else {
                preconditionFailure("'\(item.name)' in the simulator's listing is not a symbol")
            }
            return Instrument(
                symbol: symbol, anchor: item.price, decimals: item.decimals, sizeDecimals: item.sizeDecimals,
                price: item.price, volatility: max(1, item.price / 20_000)
            )
        }
    }

    /// Writes the next message of the simulator's dialect (Feeds/sim.yaml): a trade two times out of three, otherwise a quote.
    ///
    /// - Parameters:
    ///   - time: The message's event time.
    ///   - bytes: Grows by one JSON object.
    /// - Returns: The index of the message's symbol in ``symbols``.
    public mutating func writeNextMessage(at time: Timestamp, to bytes: inout [UInt8]) -> Int {
        let index = Int(self.random.next(below: UInt64(self.instruments.count)))
        self.sequence += 1
        self.walk(index)
        let instrument = self.instruments[index]
        if self.random.next(below: 3) < 2 {
            self.writeTrade(instrument, to: &bytes)
        } else {
            self.writeQuote(instrument, to: &bytes)
        }
        bytes.append(literal: ",\"time\":\"")
        time.write(to: &bytes)
        bytes.append(literal: "\",\"seq\":")
        bytes.append(integer: self.sequence)
        bytes.append(literal: "}")
        return index
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

    private mutating func writeTrade(_ instrument: Instrument, to bytes: inout [UInt8]) {
        bytes.append(literal: "{\"type\":\"trade\",\"symbol\":\"")
        instrument.symbol.write(to: &bytes)
        Self.append(instrument.price, decimals: instrument.decimals, key: "\",\"price\":\"", to: &bytes)
        let size = self.nextSize(of: instrument)
        Self.append(size, decimals: instrument.sizeDecimals, key: "\",\"size\":\"", to: &bytes)
        bytes.append(literal: "\",\"side\":\"")
        bytes.append(contentsOf: (self.random.next(below: 2) == 0 ? "buy" : "sell").utf8)
        bytes.append(literal: "\",\"id\":\"")
        bytes.append(integer: self.nextTradeID)
        bytes.append(literal: "\"")
        self.nextTradeID += 1
    }

    private mutating func writeQuote(_ instrument: Instrument, to bytes: inout [UInt8]) {
        let halfSpread = max(1, instrument.volatility / 4)
        bytes.append(literal: "{\"type\":\"quote\",\"symbol\":\"")
        instrument.symbol.write(to: &bytes)
        let bid = max(1, instrument.price - halfSpread)
        Self.append(bid, decimals: instrument.decimals, key: "\",\"bid\":\"", to: &bytes)
        Self.append(bid + 2 * halfSpread, decimals: instrument.decimals, key: "\",\"ask\":\"", to: &bytes)
        let bidSize = self.nextSize(of: instrument)
        let askSize = self.nextSize(of: instrument)
        Self.append(bidSize, decimals: instrument.sizeDecimals, key: "\",\"bidSize\":\"", to: &bytes)
        Self.append(askSize, decimals: instrument.sizeDecimals, key: "\",\"askSize\":\"", to: &bytes)
        bytes.append(literal: "\"")
    }

    /// Small sizes are common, large ones rare: 1…10^k steps with k drawn anew each time.
    private mutating func nextSize(of instrument: Instrument) -> Int64 {
        var limit: UInt64 = 10
        for _ in 0..<self.random.next(below: UInt64(max(3, instrument.sizeDecimals))) { limit *= 10 }
        return Int64(1 + self.random.next(below: limit))
    }

    private static func append(_ value: Int64, decimals: Int, key: StaticString, to bytes: inout [UInt8]) {
        bytes.append(literal: key)
        guard let decimal = try? Decimal64(mantissa: value, exponent: -decimals) else {
            preconditionFailure("\(value)e-\(decimals) is beyond 18 digits, which the walk's anchor rules out")
        }
        decimal.write(to: &bytes)
    }
}

/// The SplitMix64 generator: small, fast, and the same on every machine.
///
/// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
struct SplitMix64: Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in `0..<bound`.
    mutating func next(below bound: UInt64) -> UInt64 {
        self.next().multipliedFullWidth(by: bound).high
    }
}
