public import FeedLanguage
public import HTTPClient
public import Logging
public import Market
public import NIOCore
import NIOSSL
import Synchronization

/// Runs feeds.
///
/// A connection for each shard of symbols, or a poller. Feeds can be added while it runs.
public final class FeedSupervisor: Sendable {
    private struct State {
        var monitors: [FeedMonitor] = []
        var streams: [StreamRunner] = []
    }

    private let eventLoopGroup: any EventLoopGroup
    private let httpClient: HTTPClient
    private let logger: Logger
    private let sink: @Sendable ([Tick]) -> Void
    private let tls: NIOSSLContext
    private let state = Mutex(State())
    private let pollers: AsyncStream<PollRunner>
    private let pollerInput: AsyncStream<PollRunner>.Continuation

    /// Makes a supervisor without feeds.
    ///
    /// - Parameters:
    ///   - eventLoopGroup: Connections are spread over its loops.
    ///   - httpClient: For polled feeds.
    ///   - logger: For what happens to connections.
    ///   - sink: Takes the ticks of one read, in order, on the connection's event loop.
    /// - Throws: `NIOSSLError` when TLS cannot be set up.
    public init(
        eventLoopGroup: any EventLoopGroup, httpClient: HTTPClient, logger: Logger,
        sink: @escaping @Sendable ([Tick]) -> Void
    ) throws {
        self.eventLoopGroup = eventLoopGroup
        self.httpClient = httpClient
        self.logger = logger
        self.sink = sink
        self.tls = try NIOSSLContext(configuration: .makeClientConfiguration())
        (self.pollers, self.pollerInput) = AsyncStream.makeStream(of: PollRunner.self)
    }

    /// The feeds' health.
    public var monitors: [FeedMonitor] { self.state.withLock { $0.monitors } }

    /// Starts a feed.
    ///
    /// - Parameters:
    ///   - feed: A feed whose tests have passed.
    ///   - symbols: What to subscribe to; symbols that the venue's rules cannot spell are left out.
    ///   - url: Where to connect instead of the file's URL.
    public func add(_ feed: Feed, symbols: [Symbol], url: String? = nil) {
        let monitor = FeedMonitor(name: feed.name.name, logger: self.logger)
        switch feed.transport {
        case .webSocket:
            let runners = feed.shards(of: symbols).map { shard in
                StreamRunner(
                    feed: feed, symbols: shard, urlOverride: url, eventLoop: self.eventLoopGroup.next(), tls: self.tls,
                    monitor: monitor, sink: self.sink
                )
            }
            self.state.withLock { state in
                state.monitors.append(monitor)
                state.streams.append(contentsOf: runners)
            }
            for runner in runners { runner.start() }
        case .poll:
            self.state.withLock { $0.monitors.append(monitor) }
            self.pollerInput.yield(
                PollRunner(
                    feed: feed, symbols: symbols, urlOverride: url, client: self.httpClient,
                    monitor: monitor, sink: self.sink
                )
            )
        }
    }

    /// Polls until cancelled, then closes the connections.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for await poller in self.pollers { group.addTask { await poller.run() } }
            group.cancelAll()
        }
        for stream in self.state.withLock({ $0.streams }) {
            // The closure throws nothing; a loop that is shut down has no connection left.
            try? await stream.stop().get()
        }
    }
}
