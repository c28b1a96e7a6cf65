public import Channels
import Foundation
public import HTTPClient
public import Logging
import Synchronization

/// Publishes through a server with the Pusher HTTP API: a Tickwire gateway, hosted Pusher, or any compatible one.
///
/// Events leave in signed batches. While the server does not answer, or the budget does not allow more, they wait up to a
/// bound: ticks collapse to the newest of each channel, and beyond the bound ``PublishQueue`` says what goes. A server that
/// refuses the app or its key is asked once a minute.
public final class HTTPPublisher: EventPublisher {
    /// Counts since start.
    public struct Counters: Sendable, Equatable {
        /// Events that the server took.
        public var published = 0
        /// Messages that the server counts for them, as far as they are known.
        public var messages = 0
        /// Ticks that a newer one stands for.
        public var merged = 0
        /// Events that were given up: too many waited, or the server refused them.
        public var dropped = 0
        /// Trades among those.
        public var droppedTrades = 0
        /// Events that wait.
        public var waiting = 0

        /// Nothing has happened yet.
        public init() {}
    }

    private struct State {
        var queue: PublishQueue
        var counters = Counters()
    }

    private enum Result {
        case accepted(messages: Int)
        case refused(reason: String)
        case blocked(reason: String)
        case failed(reason: String)
    }

    /// How long a server that refuses the app is left alone.
    private static let blockedPause = Duration.seconds(60)

    private let url: String
    private let app: App
    private let settings: PublisherSettings
    private let encryption: ChannelEncryption?
    private let client: HTTPClient
    private let logger: Logger
    private let state: Mutex<State>
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// Makes a publisher; nothing is sent before ``run()``.
    ///
    /// - Parameters:
    ///   - url: The server's base, `http://HOST:PORT`.
    ///   - app: Whose channels; the secret signs.
    ///   - settings: Limits, and the budget to keep to.
    ///   - encryption: Publishes what goes to `ticker-SYMBOL` and `trades-SYMBOL` to `private-encrypted-…` too; `nil` does not.
    ///   - client: Sends the requests.
    ///   - logger: Where failures are told.
    public init(
        url: String, app: App, settings: PublisherSettings = PublisherSettings(), encryption: ChannelEncryption? = nil,
        client: HTTPClient, logger: Logger
    ) {
        self.url = url
        self.app = app
        self.settings = settings
        self.encryption = encryption
        self.client = client
        self.logger = logger
        self.state = Mutex(
            State(
                queue: PublishQueue(
                    bound: settings.queueMax, isRationed: settings.isRationed, tradeAgeMax: settings.tradeAgeMax)))
        (self.wakeUps, self.wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Counts since start.
    public var counters: Counters {
        self.state.withLock { state in
            let losses = state.queue.losses
            var counters = state.counters
            counters.waiting = state.queue.count
            counters.merged = losses.merged
            counters.dropped += losses.ticks + losses.trades + losses.others
            counters.droppedTrades = losses.trades
            return counters
        }
    }

    /// Queues events for the next requests.
    public func publish(_ events: [ChannelEvent]) {
        let now = ContinuousClock.now
        let alwaysMerges = self.settings.isRationed || self.settings.interval > .zero
        self.state.withLock { state in
            // What is only kept for later subscribers has no word in the HTTP API.
            for event in events where event.retention != .keepOnly {
                // A queue that is half full is behind: then the newest price matters, not each of them.
                let mayMerge = alwaysMerges || state.queue.count > self.settings.queueMax / 2
                state.queue.append(event, mayMerge: mayMerge, now: now)
                if self.encryption != nil, EncryptedChannels.isMarket(event.channel) {
                    var copy = event
                    copy.channel = EncryptedChannels.prefix + event.channel
                    state.queue.append(copy, mayMerge: mayMerge, now: now)
                }
            }
        }
        self.wakeUp.yield()
    }

    /// Sends until cancelled.
    public func run() async {
        var budget = MessageBudget(perSecond: self.settings.messagesPerSecond, perDay: self.settings.messagesPerDay)
        var lastRound: ContinuousClock.Instant?
        for await _ in self.wakeUps {
            if self.settings.interval > .zero {
                do {
                    try await Task.sleep(
                        until: (lastRound ?? .now) + self.settings.interval, tolerance: .zero, clock: .continuous)
                } catch { return }
                lastRound = .now
            }
            let end = self.state.withLock { $0.queue.nextNumber }
            do {
                while try await self.sendNext(before: end, &budget) {}
            } catch { return }
            // What came meanwhile has its own wake-up only if it was not taken for this one's.
            if self.state.withLock({ $0.queue.count > 0 }) { self.wakeUp.yield() }
        }
    }

    /// Sends one request, again and again until the server has taken or refused it.
    ///
    /// - Returns: `false` when nothing is left to send.
    private func sendNext(before end: Int, _ budget: inout MessageBudget) async throws -> Bool {
        let count: Int
        switch budget.allowance(now: .now, unixSeconds: Int64(Date().timeIntervalSince1970)) {
        case .messages(let allowed): count = min(allowed, self.settings.batchMax)
        case .pause(let pause):
            guard self.state.withLock({ $0.queue.count > 0 }) else { return false }
            try await Task.sleep(for: min(pause, .seconds(60)))
            return true
        }
        let batch = self.state.withLock { $0.queue.take(count, before: end, now: .now) }
        if batch.isEmpty { return false }
        let sealed = batch.map { self.sealed($0) }
        let (fitting, large) = sealed.reduce(into: ([ChannelEvent](), 0)) { result, event in
            if event.data.count <= self.settings.dataBytesMax { result.0.append(event) } else { result.1 += 1 }
        }
        if large > 0 {
            self.drop(large, reason: "their data exceeds \(self.settings.dataBytesMax) bytes")
        }
        if !fitting.isEmpty { budget.spend(try await self.deliver(fitting)) }
        return true
    }

    /// Sends `batch` until it is accepted or refused.
    ///
    /// - Returns: The messages it cost.
    private func deliver(_ batch: [ChannelEvent]) async throws -> Int {
        var failures = 0
        while true {
            switch await self.send(batch) {
            case .accepted(let messages):
                if failures > 0 { self.logger.info("Server takes events again") }
                self.state.withLock { state in
                    state.counters.published += batch.count
                    state.counters.messages += messages
                }
                return messages
            case .refused(let reason):
                guard batch.count > 1 else {
                    self.drop(1, reason: reason)
                    return 0
                }
                // One bad event must not take the others with it.
                var messages = 0
                for event in batch { messages += try await self.deliver([event]) }
                return messages
            case .blocked(let reason):
                try Task.checkCancellation()
                if failures == 0 {
                    self.logger.error(
                        "Server refuses the app: check its id, key and secret, the plan's limits, and this machine's clock",
                        metadata: ["error": "\(reason)"])
                }
                failures += 1
                try await Task.sleep(for: Self.blockedPause)
            case .failed(let reason):
                try Task.checkCancellation()
                self.logger.warning("Events wait for the server", metadata: ["error": "\(reason)"])
                failures += 1
                let seconds = min(30, 0.25 * Double(1 << min(failures - 1, 7))) * Double.random(in: 0.8...1.2)
                try await Task.sleep(for: .seconds(seconds))
            }
        }
    }

    private func send(_ batch: [ChannelEvent]) async -> Result {
        let path = "/apps/\(self.app.id)/batch_events"
        let body = PublishBody.batch(batch, asksForCounts: self.settings.countsDeliveries)
        let query = RequestSigning(app: self.app).query(
            method: "POST", path: path, body: body, now: Int64(Date().timeIntervalSince1970))
        do {
            let response = try await self.client.execute(
                HTTPRequest(
                    method: "POST", url: "\(self.url)\(path)?\(query)",
                    headers: [HTTPHeader("Content-Type", "application/json")], body: body, timeout: .seconds(10)))
            let reason = "status \(response.status): \(String(decoding: response.body.prefix(200), as: UTF8.self))"
            switch PublishVerdict(status: response.status) {
            case .accepted:
                guard self.settings.countsDeliveries else { return .accepted(messages: batch.count) }
                return .accepted(messages: PublishBody.messages(of: batch.count, answer: response.body))
            case .refused: return .refused(reason: reason)
            case .blocked: return .blocked(reason: reason)
            case .failed: return .failed(reason: reason)
            }
        } catch {
            return .failed(reason: "\(error)")
        }
    }

    private func sealed(_ event: ChannelEvent) -> ChannelEvent {
        guard let encryption, event.channel.hasPrefix(EncryptedChannels.prefix) else { return event }
        return encryption.sealed(event, for: event.channel)
    }

    private func drop(_ count: Int, reason: String) {
        self.logger.error("Events dropped", metadata: ["count": "\(count)", "error": "\(reason)"])
        self.state.withLock { $0.counters.dropped += count }
    }
}
