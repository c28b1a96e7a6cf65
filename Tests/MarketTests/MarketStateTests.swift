import Testing

@testable import Market

@Suite("Market state")
struct MarketStateTests {
    @Test("Change is measured from the price 24 hours ago")
    func change() throws {
        var state = try MarketState(symbol: Symbol("BTC-USD"), venue: Venue("coinbase"), asset: .crypto)
        state.apply(try trade("100", minute: 0))
        state.apply(try trade("110", minute: 60))
        #expect(state.change == Decimal64("10"))
        #expect(state.percentChange == Decimal64("10"))
        // A day and a minute later the first trade is the reference; another day later the second.
        state.apply(try trade("121", minute: 1441))
        #expect(state.open == Decimal64("100"))
        #expect(state.low == Decimal64("110"))
        state.apply(try trade("121", minute: 1500))
        #expect(state.open == Decimal64("110"))
        #expect(state.percentChange == Decimal64("10"))
        #expect(state.volume == Decimal64("2"))
    }

    @Test("A late trade counts in the window and leaves the last price alone")
    func lateTrade() throws {
        var state = try MarketState(symbol: Symbol("BTC-USD"), venue: Venue("coinbase"), asset: .crypto)
        #expect(state.apply(try trade("100", minute: 10)))
        #expect(!state.apply(try trade("50", minute: 5)))
        #expect(state.lastPrice == Decimal64("100"))
        #expect(state.low == Decimal64("50"))
        #expect(state.open == Decimal64("50"))
        #expect(state.volume == Decimal64("2"))
    }

    @Test("The ticker payload names every field once, prices as strings")
    func payload() throws {
        var state = try MarketState(symbol: Symbol("BTC-USD"), venue: Venue("coinbase"), asset: .crypto)
        state.apply(try trade("64262.42", minute: 0))
        state.apply(
            try Quote(
                symbol: Symbol("BTC-USD"), venue: Venue("coinbase"), bid: Decimal64("64250.11"),
                ask: Decimal64("64250.12"),
                eventTime: time(minute: 1), receivedTime: time(minute: 1)
            )
        )
        state.apply(try trade("64250.12", minute: 2, side: .sell))
        var bytes: [UInt8] = []
        state.writeTickerJSON(to: &bytes, sequence: 7)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"symbol":"BTC-USD","venue":"coinbase","price":"64250.12","size":"1","side":"sell","bid":"64250.11","ask":"64250.12","change":"-12.3","percentChange":"-0.0191","reference":"24h","open":"64262.42","high":"64262.42","low":"64250.12","volume":"2","eventTime":"1970-01-01T00:02:00.000000Z","receivedTime":"1970-01-01T00:02:00.000000Z","sequence":7}"#
        )
    }

    @Test("A restored state equals the one that saw the trades")
    func restore() throws {
        var seen = try MarketState(symbol: Symbol("BTC-USD"), venue: Venue("coinbase"), asset: .crypto)
        let trades = try [
            trade("100", minute: 0), trade("90", minute: 0), trade("120", minute: 3), trade("110", minute: 4),
        ]
        for trade in trades { seen.apply(trade) }
        var size = DecimalSum()
        size.add(try Decimal64(1))
        var twice = size
        twice.add(try Decimal64(1))
        let price = { (text: String) in try #require(Decimal64(text)) }
        var restored = try MarketState(symbol: Symbol("BTC-USD"), venue: Venue("coinbase"), asset: .crypto)
        restored.restore(
            buckets: [
                .init(
                    minute: 0, open: try price("100"), high: try price("100"), low: try price("90"),
                    close: try price("90"), volume: twice),
                .init(
                    minute: 3, open: try price("120"), high: try price("120"), low: try price("120"),
                    close: try price("120"), volume: size),
                .init(
                    minute: 4, open: try price("110"), high: try price("110"), low: try price("110"),
                    close: try price("110"), volume: size),
            ],
            trade: trades[3], quote: nil
        )
        #expect(restored == seen)
    }

    @Test("The window agrees with a scan over all trades", arguments: UInt64(0)..<100)
    func windowProperty(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var window = RollingWindow(minutes: 10)
        var all: [(minute: Int64, price: Decimal64)] = []
        var minute: Int64 = 100
        for _ in 0..<300 {
            minute += Int64.random(in: 0...2, using: &random)
            let late = Int.random(in: 0..<10, using: &random) == 0 ? Int64.random(in: 0...9, using: &random) : 0
            let price = try Decimal64(Int64.random(in: 90...110, using: &random))
            window.add(price: price, size: try Decimal64(2), at: time(minute: minute - late))
            all.append((minute - late, price))
            // The window ends with the newest trade, not with a clock.
            let newest = all.map(\.minute).max() ?? 0
            let inside = all.filter { $0.minute > newest - 10 }
            #expect(window.high == inside.map(\.price).max())
            #expect(window.low == inside.map(\.price).min())
            #expect(window.volume == (try Decimal64(Int64(inside.count * 2))))
        }
    }
}

func time(minute: Int64) -> Timestamp { Timestamp(nanoseconds: minute * 60_000_000_000) }

func trade(_ price: String, minute: Int64, side: Side = .buy) throws -> Trade {
    try Trade(
        symbol: Symbol("BTC-USD"), venue: Venue("coinbase"), price: #require(Decimal64(price)), size: Decimal64(1),
        side: side,
        id: nil, eventTime: time(minute: minute), receivedTime: time(minute: minute)
    )
}
