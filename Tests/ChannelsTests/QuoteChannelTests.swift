import Testing

@testable import Channels

@Suite("Names of derived market channels")
struct QuoteChannelTests {
    @Test(
        "A ticker may have an interval, delta, or both",
        arguments: [
            ("ticker-BTC-USD;1s", "ticker-BTC-USD", QuoteInterval.second, false),
            ("ticker-BTC-USD@kraken;100ms", "ticker-BTC-USD@kraken", .tenth, false),
            ("ticker-AAPL;1m;delta", "ticker-AAPL", .minute, true),
            ("private-ticker-AAPL;250ms", "private-ticker-AAPL", .quarter, false),
            ("presence-ticker-AAPL@x;5s;delta", "presence-ticker-AAPL@x", .fiveSeconds, true),
            ("ticker-AAPL;delta", "ticker-AAPL", nil, true),
        ] as [(String, String, QuoteInterval?, Bool)])
    func tickers(name: String, base: String, interval: QuoteInterval?, isDelta: Bool) {
        #expect(QuoteChannel(name) == .ticker(base: base, interval: interval, isDelta: isDelta))
        #expect(QuoteChannel.problem(with: name) == nil)
        #expect(QuoteChannel.source(name) == .none)
    }

    @Test("The market needs an interval", arguments: QuoteInterval.allCases)
    func market(interval: QuoteInterval) {
        #expect(QuoteChannel("market;\(interval.rawValue)") == .market(interval))
    }

    @Test(
        "Other names are not derived",
        arguments: [
            "ticker-BTC-USD", "ticker-BTC-USD;", "ticker-BTC-USD;2s", "ticker-BTC-USD;1s;", "ticker-BTC-USD;1s;1s",
            "ticker-BTC-USD;delta;1s", "ticker-BTC-USD;1s;delta;x", "market", "market;", "market;delta",
            "market;1s;delta",
            "trades-BTC-USD;1s", "candles-BTC-USD;1m", "chat;1s", "private-chat;1s", "private-encrypted-ticker-A;1s",
        ])
    func others(name: String) {
        #expect(QuoteChannel(name) == nil)
    }

    @Test("A wrong variant is told with those there are")
    func problems() throws {
        let intervals = "100ms, 250ms, 500ms, 1s, 5s, 1m"
        for name in ["ticker-A;2s", "ticker-A;", "market;2s", "market"] {
            let problem = try #require(QuoteChannel.problem(with: name))
            #expect(problem.contains(intervals), "\(name)")
        }
        let order = try #require(QuoteChannel.problem(with: "ticker-A;delta;1s"))
        #expect(order.contains("ticker-A;1s;delta"))
        #expect(QuoteChannel.problem(with: "ticker-A") == nil)
    }

    @Test("Tickers are what others are made of")
    func sources() {
        #expect(QuoteChannel.source("ticker-BTC-USD") == .primary)
        #expect(QuoteChannel.source("ticker-BTC-USD@kraken") == .venue)
        #expect(QuoteChannel.source("private-ticker-BTC-USD") == .guarded)
        #expect(QuoteChannel.source("presence-ticker-BTC-USD@kraken") == .guarded)
        for name in ["trades-BTC-USD", "ticker", "private-chat", "market;1s"] {
            #expect(QuoteChannel.source(name) == .none)
        }
    }
}
