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
        var bytes: [UInt8] = []
        let seen = Set((0..<2000).map { _ in market.writeNextMessage(at: Timestamp(nanoseconds: 0), to: &bytes) })
        #expect(seen.count == 16)
    }

    @Test("Prices stay plausible over a long run", arguments: UInt64(0)..<5)
    func plausible(seed: UInt64) throws {
        struct Message: Decodable {
            var symbol: String
            var price: String?
        }
        var market = SimulatedMarket(seed: seed, firstTradeID: 1)
        var bytes: [UInt8] = []
        for _ in 0..<100_000 {
            bytes.removeAll(keepingCapacity: true)
            _ = market.writeNextMessage(at: Timestamp(nanoseconds: 0), to: &bytes)
        }
        for _ in 0..<200 {
            bytes.removeAll(keepingCapacity: true)
            _ = market.writeNextMessage(at: Timestamp(nanoseconds: 0), to: &bytes)
            let message = try JSONDecoder().decode(Message.self, from: Data(bytes))
            guard message.symbol == "BTC-USD", let price = message.price else { continue }
            let value = try #require(Decimal64(price))
            #expect(try Decimal64(50_000) < value && value < Decimal64(80_000))
        }
    }

    private func messages(seed: UInt64, count: Int) -> [UInt8] {
        var market = SimulatedMarket(seed: seed, firstTradeID: 1)
        var bytes: [UInt8] = []
        for index in 0..<count { _ = market.writeNextMessage(at: Timestamp(nanoseconds: Int64(index)), to: &bytes) }
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
