import Testing

@testable import Market

@Suite("A stock's trading day")
struct StockDayTests {
    /// Monday before Thanksgiving 2026; New York is five hours behind UTC.
    private static let friday = "2026-11-20", monday = "2026-11-23", tuesday = "2026-11-24"

    @Test("Change is measured from the last price of the previous regular session")
    func previousClose() throws {
        var state = try stock()
        try state.apply(trade("200", "\(Self.monday)T15:00:00Z"))
        try state.apply(trade("210", "\(Self.monday)T20:59:59.999Z"))
        try state.apply(trade("999", "\(Self.monday)T21:00:00Z"))
        #expect(state.reference == .dayOpen)
        #expect(state.change == Decimal64("799"))
        try state.apply(trade("205", "\(Self.tuesday)T09:00:00Z"))
        #expect(state.reference == .previousClose)
        #expect(state.previousClose == Decimal64("210"))
        #expect(state.change == Decimal64("-5"))
        #expect(state.percentChange == Decimal64("-2.381"))
    }

    @Test("Open, high, low and volume are those of the trading day, before and after the session included")
    func window() throws {
        var state = try stock()
        try state.apply(trade("100", "\(Self.monday)T15:00:00Z"))
        try state.apply(trade("205", "\(Self.tuesday)T09:00:00Z"))
        try state.apply(trade("190", "\(Self.tuesday)T15:00:00Z"))
        try state.apply(trade("220", "2026-11-25T00:59:59Z"))
        #expect(state.open == Decimal64("205"))
        #expect(state.high == Decimal64("220"))
        #expect(state.low == Decimal64("190"))
        #expect(state.volume == Decimal64("3"))
        try state.apply(trade("221", "2026-11-25T01:00:00Z"))
        #expect(state.open == Decimal64("221"))
        #expect(state.previousClose == Decimal64("190"))
    }

    @Test("Until the first trade of a new session the old one is shown, over a weekend too")
    func weekend() throws {
        var state = try stock()
        try state.apply(trade("100", "2026-11-19T20:00:00Z"))
        try state.apply(trade("110", "\(Self.friday)T20:00:00Z"))
        try state.apply(
            Quote(
                symbol: Symbol("AAPL"), venue: Venue("sim"), bid: Decimal64("1"), ask: nil,
                eventTime: at("2026-11-21T12:00:00Z"),
                receivedTime: at("2026-11-21T12:00:00Z")))
        #expect(state.previousClose == Decimal64("100"))
        #expect(state.change == Decimal64("10"))
        try state.apply(trade("99", "\(Self.monday)T09:00:00Z"))
        #expect(state.previousClose == Decimal64("110"))
        #expect(state.change == Decimal64("-11"))
    }

    @Test("A half day ends the regular session at 13:00")
    func halfDay() throws {
        var state = try stock()
        try state.apply(trade("100", "2026-11-27T17:59:59Z"))
        try state.apply(trade("105", "2026-11-27T18:00:00Z"))
        try state.apply(trade("106", "2026-11-27T22:00:00Z"))
        #expect(state.open == Decimal64("106"))
        #expect(state.previousClose == Decimal64("100"))
    }

    @Test("When the session before was not seen, the reference is the day's first price, and the payload says so")
    func unseen() throws {
        var state = try stock()
        try state.apply(trade("100", "\(Self.friday)T15:00:00Z"))
        try state.apply(trade("120", "\(Self.tuesday)T15:00:00Z"))
        #expect(state.reference == .dayOpen)
        #expect(state.previousClose == nil)
        #expect(state.change == .zero)
        #expect(payload(state).contains(#""reference":"dayOpen","open":"120""#))
    }

    @Test("A late trade of the session before corrects the close, and counts in no window")
    func lateTrade() throws {
        var state = try stock()
        try state.apply(trade("100", "\(Self.monday)T20:00:00Z"))
        try state.apply(trade("120", "\(Self.tuesday)T15:00:00Z"))
        try state.apply(trade("101", "\(Self.monday)T20:30:00Z"))
        #expect(state.previousClose == Decimal64("101"))
        try state.apply(trade("50", "\(Self.monday)T19:00:00Z"))
        try state.apply(trade("51", "\(Self.monday)T22:00:00Z"))
        try state.apply(trade("52", "\(Self.friday)T20:00:00Z"))
        #expect(state.previousClose == Decimal64("101"))
        #expect(state.low == Decimal64("120"))
        #expect(state.volume == Decimal64("1"))
    }

    @Test("The payload names the reference and its price")
    func payloadNames() throws {
        var state = try stock()
        try state.apply(trade("100", "\(Self.monday)T20:00:00Z"))
        try state.apply(trade("101.5", "\(Self.tuesday)T15:00:00Z"))
        #expect(
            payload(state).contains(
                #""change":"1.5","percentChange":"1.5","reference":"previousClose","previousClose":"100","open":"101.5""#
            ))
    }

    @Test("A restored state equals the one that saw the trades, at every point of a long weekend", arguments: 1...9)
    func restore(count: Int) throws {
        let times = [
            "2026-11-24T15:00:00Z", "2026-11-24T20:59:00Z", "2026-11-24T23:00:00Z", "2026-11-25T10:00:00Z",
            "2026-11-25T15:00:00Z", "2026-11-26T03:00:00Z", "2026-11-27T15:00:00Z", "2026-11-27T19:00:00Z",
            "2026-11-29T12:00:00Z",
        ]
        let trades = try times.prefix(count).enumerated().map { try trade("\(100 + $0.offset)", $0.element) }
        var seen = try stock()
        var restored = try stock()
        for trade in trades { seen.apply(trade) }
        let buckets = trades.map { trade in
            var volume = DecimalSum()
            volume.add(trade.size ?? .zero)
            return RollingWindow.Bucket(
                minute: trade.eventTime.nanoseconds / 60_000_000_000, open: trade.price, high: trade.price,
                low: trade.price,
                close: trade.price, volume: volume
            )
        }
        restored.restore(buckets: buckets, trade: trades.last, quote: nil)
        #expect(restored == seen)
        let next = try trade("1", "2026-11-30T15:00:00Z")
        seen.apply(next)
        restored.apply(next)
        #expect(restored.previousClose == seen.previousClose)
        #expect(restored.change == seen.change)
    }
}

private func stock() throws -> MarketState {
    try MarketState(symbol: Symbol("AAPL"), venue: Venue("sim"), asset: .stock)
}

private func at(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: text)) }

private func trade(_ price: String, _ time: String) throws -> Trade {
    try Trade(
        symbol: Symbol("AAPL"), venue: Venue("sim"), price: #require(Decimal64(price)), size: Decimal64(1), side: .buy,
        id: nil, eventTime: at(time), receivedTime: at(time)
    )
}

private func payload(_ state: MarketState) -> String {
    var bytes: [UInt8] = []
    state.writeTickerJSON(to: &bytes, sequence: 1)
    return String(decoding: bytes, as: UTF8.self)
}
