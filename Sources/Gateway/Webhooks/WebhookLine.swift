import Channels
import Synchronization

/// One endpoint with its queue.
final class WebhookLine: Sendable {
    let app: App
    let endpoint: WebhookEndpoint
    private let queue: Mutex<WebhookQueue>
    let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(app: App, endpoint: WebhookEndpoint, limits: WebhookQueue.Limits) {
        self.app = app
        self.endpoint = endpoint
        self.queue = Mutex(WebhookQueue(isBatched: endpoint.isBatched, limits: limits))
        (self.signals, self.signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var counters: WebhookQueue.Counters { self.queue.withLock { $0.counters } }
    var isFailing: Bool { self.queue.withLock { $0.isFailing } }

    /// Queues what the endpoint wants of `activities`.
    func add(_ activities: [ChannelActivity], now: ContinuousClock.Instant) {
        let wanted = activities.filter { self.endpoint.wants($0) }.map { WebhookEvent($0) }
        guard !wanted.isEmpty else { return }
        self.queue.withLock { queue in
            for event in wanted { queue.append(event, now: now) }
        }
        self.signal.yield()
    }

    func next(milliseconds: Int64, isLast: Bool) -> WebhookQueue.Step {
        self.queue.withLock { $0.next(now: .now, milliseconds: milliseconds, isLast: isLast) }
    }

    func finished(_ outcome: WebhookQueue.Outcome) {
        let random = UInt64.random(in: .min ... .max)
        self.queue.withLock { $0.finished(outcome, now: .now, random: random) }
    }
}
