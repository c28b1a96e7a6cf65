import FeedLanguage
import HTTPClient
import Logging
import Market
import NIOPosix
import Synchronization
import Testing

@testable import Ingest

@Suite("Live changes of running feeds")
struct FeedSupervisorTests {
    private static func feedFile(messages: String = quotes + trades, subscribe: String = "subscribe") -> String {
        """
        feed: sim
        title: Simulator
        asset: auto
        connect:
          websocket: ws://127.0.0.1:1/
          limits: {symbolsPerConnection: 2, messagesPerSecond: 100}
        symbols: {separator: "-"}
        subscribe: {send: {type: \(subscribe), symbols: ["{symbols}"]}}
        unsubscribe: {send: {type: unsubscribe, symbols: ["{symbols}"]}}
        messages:
        \(messages)
          - when: {type: [subscribed, unsubscribed, heartbeat]}
            control: true
          - when: {type: error}
            error: {message: message}
        """
    }
    private static let trades = """
          - when: {type: trade}
            trade: {symbol: symbol, price: price, size: size, side: side, time: time, id: id}

        """
    private static let quotes = """
          - when: {type: quote}
            quote: {symbol: symbol, bid: bid, ask: ask, time: time}

        """

    /// A supervisor over the simulated exchange, with the ticks that it gives.
    private final class Setup: Sendable {
        let server: SimulatorServer
        let client = HTTPClient(version: "test")
        let supervisor: FeedSupervisor
        private let ticks: AsyncStream<Tick>
        private let running: Task<Void, Never>
        private let log = Mutex<[(connection: String, traffic: FeedTraffic)]>([])

        init() async throws {
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let loops = MultiThreadedEventLoopGroup.singleton
            self.server = try await SimulatorServer.start(.init(port: 0, rate: 2000), on: loops.next(), logger: logger)
            let (ticks, input) = AsyncStream.makeStream(of: Tick.self, bufferingPolicy: .bufferingNewest(10_000))
            self.ticks = ticks
            let supervisor = try FeedSupervisor(eventLoopGroup: loops, httpClient: self.client, logger: logger) {
                for tick in $0 { input.yield(tick) }
            }
            self.supervisor = supervisor
            self.running = Task { await supervisor.run() }
        }

        var url: String { "ws://127.0.0.1:\(self.server.port)/" }

        /// Waits for ticks until `condition` holds for all that came in the meantime.
        func ticks(until condition: (Tick) -> Bool) async {
            for await tick in self.ticks where condition(tick) { return }
        }

        /// Waits for a tick of each symbol.
        func ticks(ofAll symbols: [String]) async {
            var missing = Set(symbols)
            await self.ticks { tick in
                missing.remove(tick.symbol.name)
                return missing.isEmpty
            }
        }

        func end() async {
            self.running.cancel()
            await self.running.value
            await self.server.stop()
            await self.client.shutdown()
        }
    }

    private static func symbols(_ names: String...) throws -> [Symbol] { try names.map { try Symbol($0) } }

    @Test(
        "Symbols come and go over running connections, which open and close as needed", .timeLimit(.minutes(5)))
    func symbols() async throws {
        let setup = try await Setup()
        let venue = try Venue("sim")
        let feed = try Feed.load(yaml: Self.feedFile(), file: "sim.yaml")
        await setup.supervisor.add(feed, symbols: try Self.symbols("BTC-USD", "AAPL"), url: setup.url)
        await setup.ticks(ofAll: ["BTC-USD", "AAPL"])
        let monitor = try #require(setup.supervisor.monitors.first)
        #expect(monitor.connections == 1)

        await setup.supervisor.setSymbols(
            feed: venue, symbols: try Self.symbols("BTC-USD", "AAPL", "ETH-USD", "MSFT", "TSLA"))
        await setup.ticks(ofAll: ["BTC-USD", "AAPL", "ETH-USD", "MSFT", "TSLA"])
        #expect(monitor.connections == 3)
        #expect(monitor.status.reconnects == 0)
        #expect(monitor.status.state == "live")

        await setup.supervisor.setSymbols(feed: venue, symbols: try Self.symbols("BTC-USD", "NVDA"))
        await setup.ticks(ofAll: ["BTC-USD", "NVDA"])
        while monitor.live > 1 { await setup.ticks { _ in true } }
        #expect(monitor.connections == 3)
        #expect(monitor.status.reconnects == 0)
        #expect(monitor.status.symbols.map(\.symbol) == ["BTC-USD", "NVDA"])
        // What was sent before the exchange heard of it may still come; after a heartbeat's time nothing does.
        await setup.ticks { _ in monitor.status.symbols.allSatisfy { $0.state == "subscribed" } }
        let wanted = await setup.supervisor.symbols(of: venue)
        #expect(try wanted == Self.symbols("BTC-USD", "NVDA"))

        await setup.supervisor.remove(feed: venue)
        #expect(setup.supervisor.monitors.isEmpty)
        #expect(await setup.supervisor.setSymbols(feed: venue, symbols: []) == false)
        await setup.end()
        #expect(monitor.live == 0)
    }

    @Test("Other rules are taken over without a reconnect, another subscription with one", .timeLimit(.minutes(5)))
    func replacing() async throws {
        let setup = try await Setup()
        let venue = try Venue("sim")
        let tradesOnly = try Feed.load(yaml: Self.feedFile(messages: Self.trades), file: "sim.yaml")
        await setup.supervisor.add(tradesOnly, symbols: try Self.symbols("BTC-USD"), url: setup.url)
        let monitor = try #require(setup.supervisor.monitors.first)
        while monitor.status.samples.isEmpty { await setup.ticks { _ in true } }
        #expect(monitor.status.samples[0].outcome == "unmatched")

        await setup.supervisor.reload(
            venue, file: "sim.yaml", .failure(FeedProblem(lines: ["sim.yaml:3:1: unknown key 'assset'"])))
        await setup.ticks { _ in true }
        #expect(monitor.status.problem?.lines == ["sim.yaml:3:1: unknown key 'assset'"])

        let both = try Feed.load(yaml: Self.feedFile(), file: "sim.yaml")
        await setup.supervisor.reload(venue, file: "sim.yaml", .success(both))
        await setup.ticks { tick in if case .quote = tick { true } else { false } }
        #expect(monitor.connections == 1)
        #expect(monitor.status.problem == nil)
        #expect(monitor.status.reloads == 1)
        // A frame that was under way at the change may still have been read by the old rules; none is after the first quote.
        let samples = monitor.status.samples.count
        for _ in 0..<20 { await setup.ticks { tick in if case .quote = tick { true } else { false } } }
        #expect(monitor.status.samples.count == samples)

        let other = try Feed.load(
            yaml: Self.feedFile(subscribe: "subscribe, again: true"), file: "sim.yaml")
        await setup.supervisor.reload(venue, file: "sim.yaml", .success(other))
        while monitor.connections < 2 { await setup.ticks { _ in true } }
        // The old connection is closed when the new one delivers.
        while monitor.live != 1 { await setup.ticks { _ in true } }

        let renamed = try Feed.load(
            yaml: Self.feedFile().replacing("feed: sim", with: "feed: other"), file: "sim.yaml")
        await setup.supervisor.reload(venue, file: "sim.yaml", .success(renamed))
        #expect(monitor.status.problem?.lines.first?.contains("'other'") == true)
        await setup.end()
    }

    @Test(
        "What users add and remove comes over the running connection, and what the feed cannot have is told",
        .timeLimit(.minutes(5)))
    func choices() async throws {
        let setup = try await Setup()
        let venue = try Venue("sim")
        await setup.supervisor.setChoices([
            SymbolChoice(symbol: try Symbol("ETH-USD"), isWanted: false),
            SymbolChoice(symbol: try Symbol("MSFT"), isWanted: true),
        ])
        let yaml = Self.feedFile().replacing("symbolsPerConnection: 2", with: "symbolsPerConnection: 9")
        let feed = try Feed.load(yaml: yaml, file: "sim.yaml")
        let base = SymbolSelection.Base.list(try Self.symbols("BTC-USD", "ETH-USD"))
        await setup.supervisor.add(
            feed, selection: SymbolSelection(base, available: Set(setup.server.symbols)), url: setup.url)
        #expect(try await setup.supervisor.symbols(of: venue) == Self.symbols("BTC-USD", "MSFT"))
        await setup.ticks(ofAll: ["BTC-USD", "MSFT"])

        await setup.supervisor.setChoices([
            SymbolChoice(symbol: try Symbol("AAPL"), feed: venue, isWanted: true),
            SymbolChoice(symbol: try Symbol("XYZ-USD"), isWanted: true),
            SymbolChoice(symbol: try Symbol("TSLA"), feed: try Venue("other"), isWanted: true),
        ])
        await setup.ticks(ofAll: ["BTC-USD", "ETH-USD", "AAPL"])
        let monitor = try #require(setup.supervisor.monitors.first)
        #expect(monitor.connections == 1 && monitor.status.reconnects == 0)
        let shown = monitor.status.symbols.map { "\($0.symbol) \($0.origin ?? "") \($0.state) \($0.reason ?? "")" }
        #expect(
            shown == [
                "AAPL added subscribed ", "BTC-USD --symbols subscribed ", "ETH-USD --symbols subscribed ",
                "XYZ-USD added refused Simulator does not have it",
            ])
        await setup.end()
    }

    @Test("Symbols without a name at the venue are shown as refused, with the reason")
    func unnamed() async throws {
        let setup = try await Setup()
        let yaml = Self.feedFile().replacing(#"{separator: "-"}"#, with: "{table: {BTC-USD: BTC-USD}}")
        let feed = try Feed.load(yaml: yaml, file: "sim.yaml")
        await setup.supervisor.add(feed, symbols: try Self.symbols("BTC-USD", "XYZ"), url: setup.url)
        let status = try #require(setup.supervisor.monitors.first).status
        #expect(status.symbols.map(\.symbol) == ["BTC-USD", "XYZ"])
        #expect(status.symbols[1].state == "refused")
        #expect(status.symbols[1].reason == "the feed file has no name for it")
        await setup.end()
    }

    @Test("A changed file is taken over when it is fit to run, and otherwise reported", .timeLimit(.minutes(5)))
    func reloading() async throws {
        let setup = try await Setup()
        let directory = try TemporaryDirectory()
        let file = directory.path + "/sim.yaml"
        try directory.write(Self.feedFile(messages: Self.trades), to: "sim.yaml")
        let feed = try FeedLibrary.load(file: file).get()
        await setup.supervisor.add(feed, symbols: try Self.symbols("BTC-USD"), url: setup.url)
        let monitor = try #require(setup.supervisor.monitors.first)
        let reloader = FeedReloader(supervisor: setup.supervisor)
        await reloader.watch(try Venue("sim"), file: file)

        try directory.write(Self.feedFile().replacing("asset: auto", with: "assset: auto"), to: "sim.yaml")
        for _ in 0..<2 { await reloader.look() }
        let line = try #require(monitor.status.problem?.lines.first)
        #expect(line.hasPrefix(file + ":3:1: "))

        try directory.remove("sim.yaml")
        for _ in 0..<2 { await reloader.look() }
        #expect(monitor.status.problem?.lines.first?.contains("cannot be read") == true)

        try directory.write(Self.feedFile(), to: "sim.yaml")
        for _ in 0..<2 { await reloader.look() }
        await setup.ticks { tick in if case .quote = tick { true } else { false } }
        #expect(monitor.status.problem == nil)
        #expect(monitor.connections == 1)
        await setup.end()
    }

    @Test("A changed file's own symbols, numbers and requests for what was missed are told before they are in use")
    func preparing() async throws {
        let seen = Mutex<[String]>([])
        let changes = Mutex<[String]>([])
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let client = HTTPClient(version: "test")
        let supervisor = try FeedSupervisor(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, httpClient: client, logger: logger,
            prepare: { setup in
                let symbols = setup.symbols.map(\.name).joined(separator: ",")
                let moved = setup.url?.request("https://acme.test/h") ?? ""
                let isRepairable = setup.feed.backfill != nil
                seen.withLock { $0.append("\(symbols) \(setup.feed.sequencing.trades) \(isRepairable) \(moved)") }
                let signs = setup.added.map { "+\($0)" } + setup.dropped.map { "-\($0)" }
                changes.withLock { $0.append(signs.joined(separator: " ")) }
            }, sink: { _ in }
        )
        func last() -> String? { seen.withLock { $0.last } }
        let directory = try TemporaryDirectory()
        let file = directory.path + "/sim.yaml"
        let venue = try Venue("sim")
        let text = Self.feedFile(messages: Self.trades) + "\ndefaults: [BTC-USD]\n"
        try directory.write(text, to: "sim.yaml")
        let reloader = FeedReloader(supervisor: supervisor)
        await supervisor.setChoices([SymbolChoice(symbol: try Symbol("AAPL"), isWanted: true)])
        await supervisor.add(
            try FeedLibrary.load(file: file).get(), selection: SymbolSelection(.defaults), url: "ws://127.0.0.1:1/")
        await reloader.watch(venue, file: file)
        #expect(last() == "BTC-USD,AAPL none false http://127.0.0.1:1/h")

        try directory.write(text + "nonsense: 1\n", to: "sim.yaml")
        for _ in 0..<2 { await reloader.look() }
        #expect(seen.withLock { $0.count } == 1)

        let counted = text.replacing("id: id}", with: "id: id, sequence: {from: seq, step: 1}}")
            .replacing("defaults: [BTC-USD]", with: "defaults: [ETH-USD, SOL-USD]")
        try directory.write(counted + "backfill: {get: \"https://acme.test/h?s={symbol}\"}\n", to: "sim.yaml")
        for _ in 0..<2 { await reloader.look() }
        #expect(last() == "ETH-USD,SOL-USD,AAPL contiguous true http://127.0.0.1:1/h")

        // A list that was given is not the file's to change.
        await supervisor.setSymbols(feed: venue, symbols: try Self.symbols("TSLA"))
        try directory.write(text, to: "sim.yaml")
        for _ in 0..<2 { await reloader.look() }
        #expect(last() == "TSLA,AAPL none false http://127.0.0.1:1/h")
        await supervisor.remove(feed: venue)
        #expect(
            changes.withLock { $0 } == [
                "+BTC-USD +AAPL", "+ETH-USD +SOL-USD -BTC-USD", "+TSLA -ETH-USD -SOL-USD", "", "-TSLA -AAPL",
            ])
        await client.shutdown()
    }
}
