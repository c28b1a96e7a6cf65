import FeedLanguage
import Foundation
import Market
import Testing

@testable import Ingest

@Suite("Simulated market")
struct SimulatedMarketTests {
    @Test("The same seed gives the same messages, another seed others")
    func determinism() {
        #expect(messages(seed: 7, count: 500) == messages(seed: 7, count: 500))
        #expect(messages(seed: 7, count: 500) != messages(seed: 8, count: 500))
    }

    @Test("Eight crypto pairs and eight stocks trade, and every one of them does")
    func symbols() {
        var market = SimulatedMarket(seed: 1, firstTradeID: 1)
        #expect(market.symbols.filter { $0.quoteCurrency != nil }.count == 8)
        #expect(market.symbols.filter { $0.quoteCurrency == nil }.count == 8)
        let seen = Set((0..<2000).map { _ in market.next(at: Timestamp(nanoseconds: 0)).symbolIndex })
        #expect(seen.count == 16)
    }

    @Test("Prices stay plausible over a long run", arguments: UInt64(0)..<5)
    func plausible(seed: UInt64) {
        var market = SimulatedMarket(seed: seed, firstTradeID: 1)
        for _ in 0..<100_000 { _ = market.next(at: Timestamp(nanoseconds: 0)) }
        for _ in 0..<200 {
            guard case .trade(let trade) = market.next(at: Timestamp(nanoseconds: 0)), trade.symbolIndex == 0 else {
                continue
            }
            #expect((50_000_00...80_000_00).contains(trade.price))
        }
    }

    @Test("Each symbol's trades are numbered one by one, and so are its quotes")
    func numbering() {
        var market = SimulatedMarket(seed: 3, firstTradeID: 100)
        var trades = [UInt64](repeating: 100, count: 16)
        var quotes = trades
        for _ in 0..<5_000 {
            switch market.next(at: Timestamp(nanoseconds: 0)) {
            case .trade(let trade):
                #expect(trade.id == trades[trade.symbolIndex])
                trades[trade.symbolIndex] += 1
            case .quote(let quote):
                #expect(quote.number == quotes[quote.symbolIndex])
                quotes[quote.symbolIndex] += 1
            }
        }
    }

    @Test("A trade is written as Feeds/sim.yaml reads it")
    func dialect() {
        let market = SimulatedMarket(seed: 1, firstTradeID: 1)
        let trade = SimulatedTrade(
            symbolIndex: 0, id: 7, price: 64_250_10, size: 1_050_000, isBuy: false, time: Timestamp(nanoseconds: 1_000))
        var bytes: [UInt8] = []
        market.write(trade, to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"type":"trade","symbol":"BTC-USD","price":"64250.1","size":"0.0105","side":"sell","id":"7","time":"1970-01-01T00:00:00.000001Z","seq":7}"#
        )
    }

    private func messages(seed: UInt64, count: Int) -> [UInt8] {
        var market = SimulatedMarket(seed: seed, firstTradeID: 1)
        var bytes: [UInt8] = []
        for index in 0..<count { market.write(market.next(at: Timestamp(nanoseconds: Int64(index))), to: &bytes) }
        return bytes
    }
}

@Suite("WebSocket URL")
struct WebSocketURLTests {
    @Test(
        "Parts are found",
        arguments: [
            ("ws://localhost", false, "localhost", 80, "/"),
            ("wss://a.example/x?y=1", true, "a.example", 443, "/x?y=1"),
            ("ws://127.0.0.1:6080/", false, "127.0.0.1", 6080, "/"), ("ws://[::1]:9/p", false, "::1", 9, "/p"),
            ("wss://a.example?streams=b", true, "a.example", 443, "/?streams=b"),
        ]
    )
    func parts(text: String, isSecure: Bool, host: String, port: Int, path: String) throws {
        let url = try WebSocketURL(text)
        #expect(url.isSecure == isSecure)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.path == path)
    }

    @Test(
        "What is not a WebSocket URL is refused",
        arguments: ["", "http://a", "ws://", "ws://a:0", "ws://a:99999", "ws://a b", "ws://u:p@a", "wss:/a"]
    )
    func refused(text: String) {
        #expect(throws: IngestError.invalidURL(text)) { try WebSocketURL(text) }
    }

    @Test("A key in the query is not printed")
    func redaction() throws {
        #expect(try WebSocketURL("wss://a.example/x?token=secret").description == "wss://a.example:443/x")
    }
}
