public import FeedLanguage
public import HTTPClient
public import Logging
public import Market
public import NIOCore
import NIOSSL
import Synchronization

/// Runs feeds: for each as many connections as its symbols and streams need, or a poller.
///
/// Feeds and symbols can be added, replaced and removed while it runs; what is not concerned goes on untouched.
public actor FeedSupervisor {
    /// A stream of a feed: connections to one address that differ in their symbols.
    private struct Stream {
        var feed: Feed
        var plan = ConnectionPlan()
        var runners: [Int: (runner: any FeedRunner, monitor: ConnectionMonitor)] = [:]
    }

    private struct RunningFeed {
        var feed: Feed
        var selection: SymbolSelection
        /// What is asked for, by the selection and the users' choices.
        var entries: [SymbolSelection.Entry] = []
        let url: String?
        let monitor: FeedMonitor
        let gate: ConnectionGate
        var streams: [Stream] = []
    }

    private let eventLoopGroup: any EventLoopGroup
    private let httpClient: HTTPClient
    private let logger: Logger
    private let tap: FeedTap?
    private let events: FeedEventSink
    private let prepare: @Sendable (FeedSetup) -> Void
    private let sink: @Sendable ([Tick]) -> Void
    private let tls: NIOSSLContext
    private var running: [Venue: RunningFeed] = [:]
    private var choices: [SymbolChoice] = []
    private let shownMonitors = Mutex<[FeedMonitor]>([])
    private let runners: AsyncStream<any FeedRunner>
    private let runnerInput: AsyncStream<any FeedRunner>.Continuation

    /// Makes a supervisor without feeds.
    ///
    /// - Parameters:
    ///   - eventLoopGroup: Connections are spread over its loops.
    ///   - httpClient: For polled feeds, and for what streaming ones ask before they connect.
    ///   - logger: For what happens to connections.
    ///   - tap: Sees all traffic; for recorders.
    ///   - events: Takes what happens to connections, on their event loops and in order with their ticks.
    ///   - prepare: Takes what a feed goes on with, before its connections do: when it is added, when a changed file is taken
    ///     over, when other symbols are wanted, and when it is removed, with no symbols.
    ///   - sink: Takes the ticks of one read, in order, on the connection's event loop.
    /// - Throws: `NIOSSLError` when TLS cannot be set up.
    public init(
        eventLoopGroup: any EventLoopGroup, httpClient: HTTPClient, logger: Logger, tap: FeedTap? = nil,
        events: @escaping FeedEventSink = { _, _ in }, prepare: @escaping @Sendable (FeedSetup) -> Void = { _ in },
        sink: @escaping @Sendable ([Tick]) -> Void
    ) throws {
        self.eventLoopGroup = eventLoopGroup
        self.httpClient = httpClient
        self.logger = logger
        self.tap = tap
        self.events = events
        self.prepare = prepare
        self.sink = sink
        self.tls = try NIOSSLContext(configuration: .makeClientConfiguration())
        (self.runners, self.runnerInput) = AsyncStream.makeStream(of: (any FeedRunner).self)
    }

    /// The feeds' health, in the order they were added.
    public nonisolated var monitors: [FeedMonitor] { self.shownMonitors.withLock { $0 } }

    /// Runs what is added, until cancelled; then it closes the connections.
    public nonisolated func run() async {
        await withDiscardingTaskGroup { group in
            for await runner in self.runners { group.addTask { await runner.run() } }
            group.cancelAll()
        }
    }

    /// Starts a feed; one that runs already is replaced.
    ///
    /// - Parameters:
    ///   - feed: A feed whose tests have passed.
    ///   - selection: What to subscribe to, best first; see ``FeedReport/symbols`` for those that cannot be.
    ///   - url: Where to connect instead of the file's URL.
    public func add(_ feed: Feed, selection: SymbolSelection, url: String? = nil) {
        guard self.running[feed.name] == nil else { return self.replace(feed, selection: selection) }
        let monitor = FeedMonitor(feed, logger: self.logger)
        self.shownMonitors.withLock { $0.append(monitor) }
        var running = RunningFeed(
            feed: feed, selection: selection, url: url, monitor: monitor, gate: ConnectionGate(limits: feed.limits))
        self.apply(&running)
        self.running[feed.name] = running
    }

    /// Starts a feed with a list of symbols; one that runs already is replaced.
    public func add(_ feed: Feed, symbols: [Symbol], url: String? = nil) {
        self.add(feed, selection: SymbolSelection(.list(symbols)), url: url)
    }

    /// Plays a recording in a feed's place.
    ///
    /// - Parameters:
    ///   - replay: The recording and what becomes of it.
    ///   - feed: The feed, or the one of its streams that was recorded.
    public func add(_ replay: FeedReplay, of feed: Feed) {
        let monitor = FeedMonitor(feed, kind: "replay", logger: self.logger)
        let connection = ConnectionMonitor(name: "1", feed: monitor, tap: nil)
        monitor.setConnections([connection])
        self.shownMonitors.withLock { $0.append(monitor) }
        self.runnerInput.yield(
            ReplayRunner(feed: feed, replay: replay, monitor: connection, sink: self.sink(connection))
        )
    }

    /// Wants another list of symbols of a running feed; what users have added and removed stays on top of it.
    ///
    /// Connections get messages for the difference; symbols that stay are not interrupted.
    ///
    /// - Returns: Whether the feed runs.
    @discardableResult
    public func setSymbols(feed: Venue, symbols: [Symbol]) -> Bool {
        guard var running = self.running[feed] else { return false }
        running.selection.base = .list(symbols)
        self.apply(&running)
        self.running[feed] = running
        return true
    }

    /// What users have added and removed, oldest first: for all feeds that run and those that will be added.
    ///
    /// Connections get messages for the difference; feeds and symbols that are not concerned are not touched.
    public func setChoices(_ choices: [SymbolChoice]) {
        self.choices = choices
        for (name, running) in self.running {
            guard running.selection.entries(for: running.feed, choices: choices) != running.entries else { continue }
            var running = running
            self.apply(&running)
            self.running[name] = running
        }
    }

    /// The symbols that are wanted of a running feed; `nil` when it does not run.
    public func symbols(of feed: Venue) -> [Symbol]? { self.running[feed]?.entries.map(\.symbol) }

    /// Goes on with a changed feed file.
    ///
    /// Connections stay open when only the meaning of frames changed, and are opened anew when the address or the messages did.
    ///
    /// - Parameters:
    ///   - feed: The feed of the same name, whose tests have passed; one that does not run is ignored.
    ///   - selection: What to subscribe to from now on; `nil` for the same, where the file's `defaults` are the new file's.
    public func replace(_ feed: Feed, selection: SymbolSelection? = nil) {
        guard var running = self.running[feed.name] else { return }
        running.feed = feed
        running.selection = selection ?? running.selection
        self.apply(&running)
        running.monitor.replaced(feed)
        self.running[feed.name] = running
    }

    /// A running feed's file was read again: goes on with it when it is fit to run, and otherwise says why not.
    func reload(_ name: Venue, file: String, _ result: Result<Feed, FeedProblem>) {
        guard let running = self.running[name] else { return }
        switch result {
        case .failure(let problem): running.monitor.refused(problem)
        case .success(let feed) where feed.name != name:
            running.monitor.refused(
                FeedProblem(lines: [
                    "\(file): the feed was named '\(name)' and is now '\(feed.name)'. Name it as before, or start again."
                ])
            )
        case .success(let feed): self.replace(feed)
        }
    }

    /// Ends a feed and forgets it.
    public func remove(feed: Venue) {
        guard let running = self.running.removeValue(forKey: feed) else { return }
        self.prepare(Self.setup(running, [], before: running.entries.map(\.symbol)))
        for stream in running.streams {
            for entry in stream.runners.values { entry.runner.stop() }
        }
        self.shownMonitors.withLock { $0.removeAll { $0 === running.monitor } }
    }

    // MARK: Steps

    /// Brings a feed's connections to what its file and its symbols ask for.
    private func apply(_ running: inout RunningFeed) {
        let before = running.entries.map(\.symbol)
        running.entries = running.selection.entries(for: running.feed, choices: self.choices)
        let symbols = running.entries.map(\.symbol)
        self.prepare(Self.setup(running, symbols, before: before))
        var known: [Symbol] = []
        var refused: [(symbol: Symbol, reason: String)] = []
        for symbol in symbols {
            if running.feed.nativeSymbol(for: symbol) == nil {
                refused.append((symbol, "the feed file has no name for it"))
            } else if running.selection.available?.contains(symbol) == false {
                refused.append((symbol, "\(running.feed.title) does not have it"))
            } else {
                known.append(symbol)
            }
        }
        self.updateStreams(&running)
        for index in running.streams.indices {
            for symbol in self.connect(&running.streams[index], known, running) {
                guard !refused.contains(where: { $0.symbol == symbol }) else { continue }
                refused.append((symbol, "this venue's connections are full"))
            }
        }
        running.monitor.setConnections(
            running.streams.flatMap { stream in
                stream.runners.sorted { $0.key < $1.key }.map(\.value.monitor)
            }
        )
        running.monitor.setRefused(refused)
        running.monitor.setOrigins(running.entries)
    }

    private static func setup(_ running: RunningFeed, _ symbols: [Symbol], before: [Symbol]) -> FeedSetup {
        let old = Set(before)
        let new = Set(symbols)
        return FeedSetup(
            feed: running.feed, symbols: symbols, added: symbols.filter { !old.contains($0) },
            dropped: before.filter { !new.contains($0) }, url: running.url.flatMap { AddressOverride($0) })
    }

    /// Matches running streams with those of the file, by name and kind.
    private func updateStreams(_ running: inout RunningFeed) {
        var old = running.streams
        running.streams = running.feed.streams.map { feed in
            guard
                let index = old.firstIndex(where: {
                    $0.feed.streamName == feed.streamName && $0.feed.isPolled == feed.isPolled
                })
            else { return Stream(feed: feed) }
            var stream = old.remove(at: index)
            if stream.feed !== feed {
                for entry in stream.runners.values { entry.runner.replaceFeed(feed) }
            }
            stream.feed = feed
            return stream
        }
        for stream in old {
            for entry in stream.runners.values { entry.runner.stop() }
        }
    }

    /// Opens, changes and closes a stream's connections; returns the symbols that find no place.
    private func connect(_ stream: inout Stream, _ symbols: [Symbol], _ running: RunningFeed) -> [Symbol] {
        let feed = stream.feed
        let changes = stream.plan.update(
            symbols, capacity: feed.isPolled ? .max : feed.limits.symbolsPerConnection,
            connectionsMax: feed.isPolled ? 1 : feed.limits.connections
        )
        for change in changes {
            switch change {
            case .close(let number): stream.runners.removeValue(forKey: number)?.runner.stop()
            case .replaceSymbols(let number, let symbols):
                guard let entry = stream.runners[number] else { continue }
                entry.monitor.replaceSymbols(symbols)
                entry.runner.replaceSymbols(symbols)
            case .open(let number, let symbols):
                let name = feed.streamName.map { "\($0) \(number)" } ?? String(number)
                let monitor = ConnectionMonitor(name: name, feed: running.monitor, tap: self.tap)
                monitor.replaceSymbols(symbols)
                let runner = self.runner(for: feed, symbols, running, monitor)
                stream.runners[number] = (runner, monitor)
                self.runnerInput.yield(runner)
            }
        }
        return stream.plan.refused
    }

    private func runner(
        for feed: Feed, _ symbols: [Symbol], _ running: RunningFeed, _ monitor: ConnectionMonitor
    ) -> any FeedRunner {
        switch feed.transport {
        case .webSocket:
            StreamRunner(
                feed: feed, symbols: symbols, client: self.httpClient,
                surroundings: StreamSurroundings(
                    eventLoop: self.eventLoopGroup.next(), tls: self.tls, monitor: monitor, gate: running.gate,
                    override: running.url.flatMap { AddressOverride($0) }, sink: self.sink(monitor)
                ), events: self.events
            )
        case .poll:
            PollRunner(
                feed: feed, symbols: symbols, urlOverride: running.url, client: self.httpClient, monitor: monitor,
                sink: self.sink(monitor)
            )
        }
    }

    private func sink(_ monitor: ConnectionMonitor) -> @Sendable ([Tick]) -> Void {
        let sink = self.sink
        return { ticks in
            monitor.received(ticks)
            sink(ticks)
        }
    }
}

extension Feed {
    var isPolled: Bool {
        switch self.transport {
        case .webSocket: false
        case .poll: true
        }
    }
}
