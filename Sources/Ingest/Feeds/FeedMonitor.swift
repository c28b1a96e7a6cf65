import Atomics
public import FeedLanguage
import Logging
import Market
import Synchronization

/// What is known of one feed's health, shared by its connections.
///
/// Any thread.
public final class FeedMonitor: Sendable {
    /// How many frames of a kind that no rule takes, or that cannot be read, are logged and kept.
    private static let samplesMax = 5
    /// How much of such a frame is shown.
    private static let sampleBytesMax = 300

    private struct Facts {
        var feed: Feed
        var kind: String
        var connections: [ConnectionMonitor] = []
        /// Symbols that no connection carries, and why.
        var refused: [(symbol: Symbol, reason: String)] = []
        /// Where the symbols come from, by name.
        var origins: [String: String] = [:]
        var budgets: [FeedReport.Budget] = []
        var samples: [FeedReport.Sample] = []
        var problem: FeedReport.Problem?
        var reloads = 0
    }

    /// The feed's name.
    public let name: String
    /// What became of its frames.
    public let frames = FrameTally()
    private let tickCount = ManagedAtomic(0)
    private let connectFailureCount = ManagedAtomic(0)
    private let connectionCount = ManagedAtomic(0)
    private let reconnectCount = ManagedAtomic(0)
    private let liveCount = ManagedAtomic(0)
    private let pollState = Mutex<PollState?>(nil)
    private let lastFrame = ManagedAtomic<Int64>(0)
    private let lastTick = ManagedAtomic<Int64>(0)
    private let lag = LagHistogram()
    private let facts: Mutex<Facts>
    private let logger: Logger

    init(_ feed: Feed, kind: String? = nil, logger: Logger) {
        self.name = feed.name.name
        let transport =
            switch feed.transport {
            case .webSocket: "websocket"
            case .poll: "polled"
            }
        self.facts = Mutex(Facts(feed: feed, kind: kind ?? transport))
        var logger = logger
        logger[metadataKey: "feed.name"] = "\(feed.name)"
        self.logger = logger
    }

    /// Connections that are open now.
    public var live: Int { self.liveCount.load(ordering: .relaxed) }
    /// Connections opened since start; for a polled feed, answers received.
    public var connections: Int { self.connectionCount.load(ordering: .relaxed) }
    /// Attempts to connect, or requests, that failed since start.
    public var connectFailures: Int { self.connectFailureCount.load(ordering: .relaxed) }

    // MARK: Told by the connections

    func opened(isAgain: Bool) {
        self.connectionCount.wrappingIncrement(ordering: .relaxed)
        self.liveCount.wrappingIncrement(ordering: .relaxed)
        if isAgain { self.reconnectCount.wrappingIncrement(ordering: .relaxed) }
        self.logger.info("Feed connected")
    }

    func closed(reason: String) {
        self.liveCount.wrappingDecrement(ordering: .relaxed)
        self.logger.warning("Feed disconnected", metadata: ["error": "\(self.redacted(reason))"])
    }

    func ended() {
        self.liveCount.wrappingDecrement(ordering: .relaxed)
        self.logger.info("Feed connection ended")
    }

    /// A polled feed's budget, pace and refusals; `nil` for a stream.
    public var polling: PollState? { self.pollState.withLock { $0 } }

    func polled(_ state: PollState) { self.pollState.withLock { $0 = state } }

    func answered() { self.connectionCount.wrappingIncrement(ordering: .relaxed) }

    func failedToConnect(reason: String) {
        // The first failure and then ever rarer ones: a feed that is away for a day must not fill the log.
        let count = self.connectFailureCount.wrappingIncrementThenLoad(ordering: .relaxed)
        let isPowerOfTwo = count & (count - 1) == 0
        self.logger.log(
            level: isPowerOfTwo ? .warning : .debug, "Feed does not connect",
            metadata: ["error": "\(self.redacted(reason))", "feed.failures": "\(count)"]
        )
    }

    /// Counts a frame, and keeps the first few that the feed file does not understand.
    func count(_ outcome: FrameOutcome, frame: UnsafeRawBufferPointer) {
        self.frames.count(outcome)
        self.lastFrame.store(Timestamp.now.nanoseconds, ordering: .relaxed)
        switch outcome {
        case .ticks, .control, .reply, .acknowledged, .registered, .ignored: return
        case .reconnect: self.logger.info("Feed asks for a new connection")
        case .unmatched: self.sample("Frame matches no rule", outcome, detail: nil, frame)
        case .malformed(let detail): self.sample("Frame cannot be read", outcome, detail: detail, frame)
        case .providerError(let error): self.sample("Feed reports an error", outcome, detail: error.message, frame)
        case .fatal(let message): self.sample("Feed refuses us", outcome, detail: message, frame)
        }
    }

    func received(_ ticks: [Tick]) {
        guard let last = ticks.last else { return }
        self.tickCount.wrappingIncrement(by: ticks.count, ordering: .relaxed)
        self.lastTick.store(last.receivedTime.nanoseconds, ordering: .relaxed)
        // One tick of a read stands for all: they came together. Old ones and those without a time tell nothing.
        guard last.flags.isDisjoint(with: [.snapshot, .noEventTime, .implausibleTime]) else { return }
        let nanoseconds = last.receivedTime.nanoseconds - last.eventTime.nanoseconds
        self.lag.record(milliseconds: Int(nanoseconds / 1_000_000))
    }

    /// Keeps what the provider's allowance stands at.
    func setBudgets(_ budgets: [FeedReport.Budget]) { self.facts.withLock { $0.budgets = budgets } }

    /// `text` without the feed's secrets.
    func redacted(_ text: String) -> String { self.facts.withLock { $0.feed }.redacted(text) }

    private func sample(
        _ message: String, _ outcome: FrameOutcome, detail: String?, _ frame: UnsafeRawBufferPointer
    ) {
        let name = FrameTally.name(of: outcome)
        let isFirst = self.facts.withLock { $0.samples.count { $0.outcome == name } < Self.samplesMax }
        guard isFirst else { return }
        let sample = FeedReport.Sample(
            outcome: name, time: Timestamp.now.description, detail: detail.map(self.redacted),
            frame: self.redacted(String(decoding: frame.prefix(Self.sampleBytesMax), as: UTF8.self))
        )
        self.facts.withLock { $0.samples.append(sample) }
        var metadata: Logger.Metadata = ["frame": "\(sample.frame)"]
        if let detail = sample.detail { metadata["error"] = "\(detail)" }
        self.logger.warning("\(message)", metadata: metadata)
    }

    // MARK: Told by the supervisor

    func setConnections(_ connections: [ConnectionMonitor]) { self.facts.withLock { $0.connections = connections } }

    func setRefused(_ refused: [(symbol: Symbol, reason: String)]) {
        let isNew = self.facts.withLock { facts in
            let known = facts.refused.map(\.symbol)
            facts.refused = refused
            return refused.contains { !known.contains($0.symbol) }
        }
        guard isNew else { return }
        let list = refused.map { "\($0.symbol) (\($0.reason))" }.joined(separator: ", ")
        self.logger.warning("Symbols cannot be subscribed", metadata: ["symbols": "\(list)"])
    }

    func setOrigins(_ entries: [SymbolSelection.Entry]) {
        let origins = Dictionary(entries.map { ($0.symbol.name, $0.origin.rawValue) }, uniquingKeysWith: { $1 })
        self.facts.withLock { $0.origins = origins }
    }

    /// A changed file is in use.
    ///
    /// Its frames are judged anew: samples of frames that the old one did not understand are dropped.
    func replaced(_ feed: Feed) {
        self.facts.withLock { facts in
            facts.feed = feed
            facts.problem = nil
            facts.samples = []
            facts.reloads += 1
        }
        self.logger.info("Feed file taken over")
    }

    /// A changed file is not fit to run: the old one stays in use.
    func refused(_ problem: FeedProblem) {
        let isNew = self.facts.withLock { facts in
            guard facts.problem?.lines != problem.lines else { return false }
            facts.problem = .init(lines: problem.lines, since: Timestamp.now.description)
            return true
        }
        guard isNew else { return }
        self.logger.warning(
            "Changed feed file is not fit to run: the old one stays in use", metadata: ["error": "\(problem)"]
        )
    }

    // MARK: Status

    /// Everything at once.
    public var status: FeedReport {
        let facts = self.facts.withLock { $0 }
        let connections = facts.connections.map(\.status)
        let refused = facts.refused.map {
            FeedReport.SymbolEntry(symbol: $0.symbol.name, state: "refused", reason: $0.reason)
        }
        var symbols = (facts.connections.flatMap(\.symbols) + refused).sorted { $0.symbol < $1.symbol }
        for index in symbols.indices { symbols[index].origin = facts.origins[symbols[index].symbol] }
        let frames = self.frames.values
        return FeedReport(
            feed: self.name, title: facts.feed.title, kind: facts.kind, state: Self.state(connections),
            connections: connections,
            symbols: symbols,
            frames: Dictionary(frames.map { ($0.name, $0.count) }, uniquingKeysWith: { $1 }),
            framesTotal: frames.reduce(0) { $0 + $1.count }, ticks: self.tickCount.load(ordering: .relaxed),
            lastFrameTime: Self.time(self.lastFrame), lastTickTime: Self.time(self.lastTick), lag: self.lag.summary,
            connects: self.connections, reconnects: self.reconnectCount.load(ordering: .relaxed),
            connectFailures: self.connectFailures, budgets: facts.budgets, reloads: facts.reloads,
            problem: facts.problem, samples: facts.samples
        )
    }

    private static func state(_ connections: [FeedReport.Connection]) -> String {
        let live = connections.count { $0.state == "live" }
        if live == connections.count, live > 0 { return "live" }
        if live > 0 { return "degraded" }
        return connections.first?.state ?? "stopped"
    }

    private static func time(_ nanoseconds: ManagedAtomic<Int64>) -> String? {
        let value = nanoseconds.load(ordering: .relaxed)
        return value == 0 ? nil : Timestamp(nanoseconds: value).description
    }
}
