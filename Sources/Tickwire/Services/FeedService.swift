import FeedLanguage
import Ingest
import Logging
import Market
import NIOCore
import ServiceLifecycle

/// Runs the chosen feeds, and the simulated market when it is asked for or nothing else connects.
final class FeedService: Service {
    /// How long live feeds have to connect before the simulator takes over.
    private static let fallbackAfter = Duration.seconds(10)

    let settings: Settings
    let feeds: [SelectedFeed]
    let supervisor: FeedSupervisor
    private let reloader: FeedReloader
    let pipeline: MarketPipeline
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    /// How many ticks wait for the database.
    let backlog: @Sendable () -> Int
    let announce: @Sendable (String) -> Void

    init(
        settings: Settings, feeds: [SelectedFeed], supervisor: FeedSupervisor, pipeline: MarketPipeline,
        eventLoopGroup: any EventLoopGroup, logger: Logger,
        backlog: @escaping @Sendable () -> Int, announce: @escaping @Sendable (String) -> Void
    ) {
        self.backlog = backlog
        self.announce = announce
        self.settings = settings
        self.feeds = feeds
        self.supervisor = supervisor
        self.reloader = FeedReloader(supervisor: supervisor)
        self.pipeline = pipeline
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
    }

    func run() async throws {
        for selected in self.feeds where selected.recording == nil {
            await self.supervisor.add(selected.feed, selection: selected.selection, url: selected.url)
            await self.reloader.watch(selected.feed.name, file: selected.file)
        }
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.supervisor.run() }
                group.addTask { await self.reloader.run() }
                group.addTask { try await self.runSimulatorIfNeeded() }
                if self.feeds.contains(where: { $0.recording != nil }) {
                    try await self.playRecordings()
                    if self.feeds.allSatisfy({ $0.recording != nil }) { group.cancelAll() }
                }
                // All end when the service is told to stop; an error of the simulator ends it too.
                for try await _ in group {}
            }
        }
        try await self.pipeline.flush()
    }

    private func runSimulatorIfNeeded() async throws {
        if !self.settings.isDemo {
            guard self.settings.fallback == .sim, self.settings.replays.isEmpty,
                !self.feeds.contains(where: { $0.url != nil && $0.feed.name.name == "sim" })
            else { return }
            do { try await Task.sleep(for: Self.fallbackAfter) } catch { return }
            guard self.supervisor.monitors.allSatisfy({ $0.connections == 0 }) else { return }
            self.logger.warning(
                "No live feed has connected: the simulated market takes over, labelled as venue 'sim'",
                metadata: ["feeds.fallback": "sim"]
            )
        }
        let selected = try FeedSelection.load(FeedSelection.simulator, self.settings)
        let server = try await SimulatorServer.start(
            .init(port: 0, rate: self.settings.simulatorRate, faults: self.settings.simulatorFaults),
            on: self.eventLoopGroup.next(), logger: self.logger
        )
        await self.supervisor.add(
            selected.feed, selection: Self.simulated(selected, all: server.symbols),
            url: "ws://127.0.0.1:\(server.port)/"
        )
        await self.reloader.watch(selected.feed.name, file: selected.file)
        // Until cancelled, which is how the service says stop.
        while !Task.isCancelled { do { try await Task.sleep(for: .seconds(3600)) } catch { break } }
        await server.stop()
    }

    /// What the simulated market is asked for: of the list for the live venues only what it has, and all of it when that is nothing.
    static func simulated(_ selected: SelectedFeed, all: [Symbol]) -> SymbolSelection {
        let available = Set(all)
        let symbols = selected.symbols.filter(available.contains)
        if !symbols.isEmpty, selected.selection.base == .defaults {
            return SymbolSelection(.defaults, available: available)
        }
        return SymbolSelection(symbols.isEmpty ? .simulated(all) : .list(symbols), available: available)
    }
}
