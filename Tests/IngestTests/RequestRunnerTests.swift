import FeedLanguage
import HTTPClient
import Logging
import Market
import Synchronization
import Testing
import TickwireTesting

@testable import Ingest

@Suite("Asking over HTTP", .timeLimit(.minutes(5)))
struct RequestRunnerTests {
    private static func feed(_ connect: String, _ more: String = "") throws -> Feed {
        try Feed.load(
            yaml: """
                feed: acme
                asset: crypto
                connect: \(connect)
                messages:
                  - when: {error: {exists: true}}
                    error: {message: error}
                  - when: {"$": {type: array}}
                    each: "."
                    trade: {symbol: "@symbol", price: p, id: i}
                \(more)
                """, file: "acme.yaml")
    }

    private static func monitor(_ feed: Feed) -> FeedMonitor {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return FeedMonitor(feed, logger: logger)
    }

    /// Runs a poller until `count` ticks or `requests` requests have come.
    private static func poll(
        _ feed: Feed, symbols: [String] = ["BTC-USD"], ticks count: Int, server: LoopbackServer
    ) async throws -> (prices: [String], monitor: FeedMonitor) {
        let client = HTTPClient(version: "test")
        let monitor = Self.monitor(feed)
        let (ticks, input) = AsyncStream.makeStream(of: Tick.self)
        let runner = PollRunner(
            feed: feed, symbols: try symbols.map { try Symbol($0) }, urlOverride: server.url, client: client,
            monitor: ConnectionMonitor(name: "1", feed: monitor, tap: nil)
        ) { for tick in $0 { input.yield(tick) } }
        let running = Task { await runner.run() }
        var prices: [String] = []
        var iterator = ticks.makeAsyncIterator()
        while prices.count < count, let tick = await iterator.next() {
            if case .trade(let trade) = tick { prices.append(trade.price.description) }
        }
        runner.stop()
        await running.value
        await client.shutdown()
        return (prices, monitor)
    }

    @Test("An unchanged answer is asked for with its ETag and gives nothing; a new one gives its price")
    func entityTag() async throws {
        let requests = Mutex<[ReceivedRequest]>([])
        let server = LoopbackServer { request in
            let count = requests.withLock { requests in
                requests.append(request)
                return requests.count
            }
            switch count {
            case 1:
                return .send(LoopbackServer.answer(headers: "ETag: \"v1\"\r\n", body: #"[{"p":"1","i":1}]"#))
            case 2: return .send("HTTP/1.1 304 Not Modified\r\n\r\n")
            default: return .send(LoopbackServer.answer(body: #"[{"p":"2","i":2}]"#))
            }
        }
        let feed = try Self.feed("{poll: {get: \"https://acme.test/t?s={symbol}\", every: 250ms}}")
        let (prices, monitor) = try await Self.poll(feed, ticks: 2, server: server)
        #expect(prices == ["1", "2"])
        let seen = requests.withLock { $0 }
        #expect(seen[0].line == "GET /t?s=BTC-USD HTTP/1.1")
        #expect(seen[0].headers["user-agent"] == "Tickwire/test")
        #expect(seen[0].headers["if-none-match"] == nil)
        #expect(seen[1].headers["if-none-match"] == "\"v1\"" && seen[2].headers["if-none-match"] == "\"v1\"")
        #expect(monitor.polling != nil)
        server.stop()
    }

    @Test("Retry-After is kept, errors inside a 200 are told, and pages follow by header")
    func errorsAndPages() async throws {
        let lines = Mutex<[(line: String, at: ContinuousClock.Instant)]>([])
        let server = LoopbackServer { request in
            let count = lines.withLock { lines in
                lines.append((request.line, ContinuousClock().now))
                return lines.count
            }
            switch count {
            case 1: return .send(LoopbackServer.answer("429 Too Many", headers: "Retry-After: 1\r\n"))
            case 2: return .send(LoopbackServer.answer(body: #"{"error":"maintenance"}"#))
            case 3: return .send(LoopbackServer.answer(headers: "Next: p2\r\n", body: #"[{"p":"1","i":1}]"#))
            default: return .send(LoopbackServer.answer(body: #"[{"p":"2","i":2}]"#))
            }
        }
        let feed = try Self.feed(
            "{poll: {get: \"https://acme.test/t\", every: 250ms, budget: {perMinute: 100}, page: {header: next, parameter: page}}}"
        )
        let (prices, monitor) = try await Self.poll(feed, ticks: 2, server: server)
        #expect(prices == ["1", "2"])
        let seen = lines.withLock { $0 }
        #expect(seen[1].at - seen[0].at >= .milliseconds(990))
        #expect(seen[3].line == "GET /t?page=p2 HTTP/1.1")
        #expect(monitor.polling?.lastError == "the provider reports an error: maintenance")
        let left = try #require(monitor.polling?.budget.first?.left)
        #expect(left <= 96)
        server.stop()
    }

    @Test("A hole is filled page after page; a passing failure is tried again")
    func backfill() async throws {
        let lines = Mutex<[String]>([])
        let server = LoopbackServer { request in
            let count = lines.withLock { lines in
                lines.append(request.line)
                return lines.count
            }
            switch count {
            case 1: return .send(LoopbackServer.answer("500 Oops"))
            case 2: return .send(LoopbackServer.answer(body: #"[{"p":"1","i":5},{"p":"1","i":6}]"#))
            default: return .send(LoopbackServer.answer(body: #"[{"p":"1","i":6},{"p":"2","i":7},{"p":"1","i":8}]"#))
            }
        }
        let feed = try Self.feed(
            "{websocket: \"wss://acme.test\"}",
            "backfill: {get: \"https://acme.test/h?s={symbol}&fromId={fromId}\", page: {lastId: fromId}}")
        let client = HTTPClient(version: "test")
        let runner = BackfillRunner(client: client)
        runner.setFeed(feed, url: AddressOverride(server.url))
        let range = TradeRange(symbol: try Symbol("BTC-USD"), bounds: TickBounds(fromID: "5", toID: "8"))
        #expect(runner.canRepair(feed.name))
        #expect(try await runner.trades(in: range, of: feed.name).map(\.id) == ["6", "7"])
        #expect(lines.withLock { $0.last } == "GET /h?s=BTC-USD&fromId=6 HTTP/1.1")
        runner.removeFeed(feed.name)
        await #expect(throws: FeedRequestError.notDescribed(venue: feed.name, section: "backfill")) {
            try await runner.trades(in: range, of: feed.name)
        }
        await client.shutdown()
        server.stop()
    }

    @Test("A list is fetched once and kept; a refusal is an error with the provider's status")
    func discovery() async throws {
        let count = Mutex(0)
        let server = LoopbackServer { request in
            count.withLock { $0 += 1 }
            if request.line.contains("/none") { return .send(LoopbackServer.answer("404 Not Found")) }
            return .send(LoopbackServer.answer(body: #"[{"id":"BTC-USD"},{"id":"ETH-USD"}]"#))
        }
        let client = HTTPClient(version: "test")
        let runner = DiscoveryRunner(client: client)
        let url = AddressOverride(server.url)
        let feed = try Self.feed(
            "{websocket: \"wss://acme.test\"}", "discover: {get: \"https://acme.test/products\", symbol: id}")
        for _ in 0..<2 {
            #expect(try await runner.listings(of: feed, url: url).map(\.native) == ["BTC-USD", "ETH-USD"])
        }
        #expect(count.withLock { $0 } == 1)
        let wrong = try Self.feed(
            "{websocket: \"wss://acme.test\"}", "discover: {get: \"https://acme.test/none\", symbol: id}")
        let expected = FeedRequestError.refused(venue: feed.name, reason: "HTTP status 404 (not found)")
        await #expect(throws: expected) { try await runner.listings(of: wrong, url: url) }
        await client.shutdown()
        server.stop()
    }
}
