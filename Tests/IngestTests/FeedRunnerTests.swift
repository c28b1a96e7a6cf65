import FeedLanguage
import HTTPClient
import Logging
import Market
import NIOPosix
import Testing

@testable import Ingest

@Suite("Feed runner against the simulated exchange")
struct FeedRunnerTests {
    private static let feedFile = """
        feed: sim
        title: Simulator
        asset: auto
        connect:
          websocket: ws://127.0.0.1:1/
        symbols: {separator: "-"}
        subscribe: {send: {type: subscribe, symbols: ["{symbols}"]}}
        messages:
          - when: {type: trade}
            trade: {symbol: symbol, price: price, size: size, side: {from: side, map: {buy: buy, sell: sell}}, time: time, id: id}
          - when: {type: quote}
            quote: {symbol: symbol, bid: bid, ask: ask, time: time}
          - when: {type: [subscribed, heartbeat]}
            ignore: true
          - when: {type: error}
            error: {message: message}
        """

    @Test(
        "Ticks of the subscribed symbols come in, and after the exchange was away they come again",
        .timeLimit(.minutes(5)))
    func reconnect() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let quiet = logger
        var server = try await SimulatorServer.start(.init(port: 0, rate: 2000), on: loop, logger: quiet)
        let port = server.port
        let feed = try Feed.load(yaml: Self.feedFile, file: "sim.yaml")
        let client = HTTPClient(version: "test")
        let (ticks, input) = AsyncStream.makeStream(of: Tick.self)
        let supervisor = try FeedSupervisor(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, httpClient: client, logger: quiet
        ) { for tick in $0 { input.yield(tick) } }
        let running = Task { await supervisor.run() }
        await supervisor.add(
            feed, symbols: [try Symbol("BTC-USD"), try Symbol("AAPL")], url: "ws://127.0.0.1:\(port)/")

        var iterator = ticks.makeAsyncIterator()
        var symbols: Set<String> = []
        for _ in 0..<200 { symbols.insert(try #require(await iterator.next()).symbol.name) }
        #expect(symbols == ["BTC-USD", "AAPL"])

        await server.stop()
        server = try await SimulatorServer.start(.init(port: port, rate: 2000), on: loop, logger: quiet)
        let monitor = try #require(supervisor.monitors.first)
        while monitor.connections < 2 { _ = await iterator.next() }
        for _ in 0..<50 { _ = try #require(await iterator.next()) }
        #expect(monitor.live == 1)
        #expect(monitor.frames.values.first { $0.name == "unmatched" }?.count == 0)

        running.cancel()
        await running.value
        await server.stop()
        await client.shutdown()
    }
}
