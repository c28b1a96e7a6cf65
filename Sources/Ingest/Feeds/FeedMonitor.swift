import Atomics
public import FeedLanguage
import Logging
import Synchronization

/// What is known of one feed's health, shared by its connections.
///
/// Any thread.
public final class FeedMonitor: Sendable {
    /// How many frames of a kind that no rule takes, or that cannot be read, are shown in the log.
    private static let samplesMax = 5

    /// The feed's name.
    public let name: String
    /// What became of its frames.
    public let frames = FrameTally()
    private let connectFailureCount = ManagedAtomic(0)
    private let connectionCount = ManagedAtomic(0)
    private let liveCount = ManagedAtomic(0)
    private let samples = Mutex<[String: Int]>([:])
    private let pollState = Mutex<PollState?>(nil)
    private let logger: Logger

    init(name: String, logger: Logger) {
        self.name = name
        var logger = logger
        logger[metadataKey: "feed.name"] = "\(name)"
        self.logger = logger
    }

    /// Connections that are open now.
    public var live: Int { self.liveCount.load(ordering: .relaxed) }
    /// Connections opened since start; for a polled feed, answers received.
    public var connections: Int { self.connectionCount.load(ordering: .relaxed) }
    /// Attempts to connect, or requests, that failed since start.
    public var connectFailures: Int { self.connectFailureCount.load(ordering: .relaxed) }

    func opened() {
        self.connectionCount.wrappingIncrement(ordering: .relaxed)
        self.liveCount.wrappingIncrement(ordering: .relaxed)
        self.logger.info("Feed connected")
    }

    func closed(reason: String) {
        self.liveCount.wrappingDecrement(ordering: .relaxed)
        self.logger.warning("Feed disconnected", metadata: ["error": "\(reason)"])
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
            metadata: ["error": "\(reason)", "feed.failures": "\(count)"]
        )
    }

    /// Counts a frame, and shows the first few that the feed file does not understand.
    func count(_ outcome: FrameOutcome, frame: UnsafeRawBufferPointer) {
        self.frames.count(outcome)
        switch outcome {
        case .ticks, .control, .reply, .acknowledged, .registered, .ignored: return
        case .reconnect: self.logger.info("Feed asks for a new connection")
        case .unmatched: self.sample("Frame matches no rule", detail: nil, frame)
        case .malformed(let detail): self.sample("Frame cannot be read", detail: detail, frame)
        case .providerError(let error): self.sample("Feed reports an error", detail: error.message, frame)
        case .fatal(let message): self.sample("Feed refuses us", detail: message, frame)
        }
    }

    private func sample(_ message: String, detail: String?, _ frame: UnsafeRawBufferPointer) {
        let seen = self.samples.withLock { samples in
            samples[message, default: 0] += 1
            return samples[message, default: 0]
        }
        guard seen <= Self.samplesMax else { return }
        var metadata: Logger.Metadata = ["frame": "\(String(decoding: frame.prefix(300), as: UTF8.self))"]
        if let detail { metadata["error"] = "\(detail)" }
        self.logger.warning("\(message)", metadata: metadata)
    }
}
