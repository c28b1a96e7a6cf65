public import Channels
import Glibc
public import Logging
public import ServiceLifecycle
import Synchronization

/// Tells apps' own servers what happens on their channels (protocol section 10).
///
/// Activities come in on event loops and are queued; each endpoint has a task of its own, so that a slow one delays nobody.
public final class WebhookService: Service {
    /// Times and bounds.
    public struct Limits: Sendable {
        /// How long goings wait.
        public var delay = ActivityDelay.Limits()
        /// What may wait for an endpoint, and for how long.
        public var queue = WebhookQueue.Limits()
        /// How long a graceful end may take: what waits is tried once more.
        ///
        /// Default 1.5 s.
        public var stopTimeout = Duration.milliseconds(1500)

        /// The defaults.
        public init() {}
    }

    private let lanes: [String: WebhookLane]
    private let limits: Limits
    private let post: @Sendable (WebhookRequest) async -> WebhookAnswer
    private let logger: Logger

    /// A service that sends nothing before ``run()``.
    ///
    /// - Parameters:
    ///   - endpoints: Each app with its endpoints; apps without any cost nothing.
    ///   - limits: Times and bounds.
    ///   - logger: Where failing endpoints are told, once each.
    ///   - send: Sends a request and says how it ended.
    public init(
        endpoints: [(app: App, endpoints: [WebhookEndpoint])],
        limits: Limits = Limits(),
        logger: Logger,
        send: @escaping @Sendable (WebhookRequest) async -> WebhookAnswer
    ) {
        self.lanes = Dictionary(
            endpoints.filter { !$0.endpoints.isEmpty }.map { app, endpoints in
                (app.id, WebhookLane(app: app, endpoints: endpoints, limits: limits))
            },
            uniquingKeysWith: { first, _ in first }
        )
        self.limits = limits
        self.post = send
        self.logger = logger
    }

    /// Takes what happened on the channels of the app with this id; from any thread, never blocks.
    public func take(_ activity: ChannelActivity, app id: String) {
        self.lanes[id]?.take(activity)
    }

    /// Counts over all endpoints.
    public var counters: WebhookQueue.Counters {
        var total = WebhookQueue.Counters()
        for line in self.lanes.values.flatMap(\.lines) {
            let counters = line.counters
            total.delivered += counters.delivered
            total.retries += counters.retries
            total.droppedFull += counters.droppedFull
            total.droppedExpired += counters.droppedExpired
            total.waiting += counters.waiting
        }
        return total
    }

    /// The counters in Prometheus' text format.
    public var metrics: String {
        let counters = self.counters
        return """
            # TYPE tickwire_webhooks_delivered_total counter
            tickwire_webhooks_delivered_total \(counters.delivered)
            # TYPE tickwire_webhooks_retries_total counter
            tickwire_webhooks_retries_total \(counters.retries)
            # TYPE tickwire_webhooks_dropped_total counter
            tickwire_webhooks_dropped_total{reason="full"} \(counters.droppedFull)
            tickwire_webhooks_dropped_total{reason="expired"} \(counters.droppedExpired)
            # TYPE tickwire_webhooks_waiting gauge
            tickwire_webhooks_waiting \(counters.waiting)

            """
    }

    /// Sends until it is cancelled or shut down gracefully; then tries what waits once more.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                for lane in self.lanes.values {
                    group.addTask { await lane.releaseHeld() }
                    for line in lane.lines { group.addTask { await self.serve(line) } }
                }
                // Without endpoints there is nothing to do until the end.
                if self.lanes.isEmpty { group.addTask { try? await gracefulShutdown() } }
            }
        }
        guard !Task.isCancelled else { return }
        await self.sendLast()
    }

    private func serve(_ line: WebhookLine) async {
        var signals = line.signals.makeAsyncIterator()
        while !Task.isCancelled {
            switch line.next(milliseconds: Self.milliseconds(), isLast: false) {
            case .doNothing: guard await signals.next() != nil else { return }
            case .wait(let until):
                // A cancelled sleep ends the loop.
                try? await Task.sleep(until: until, clock: .continuous)
            case .send(let body): await self.send(body, to: line)
            }
        }
    }

    /// Empties the queues as far as the endpoints take it in time.
    private func sendLast() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled when all is sent.
                try? await Task.sleep(for: self.limits.stopTimeout)
            }
            group.addTask {
                await withTaskGroup(of: Void.self) { lines in
                    for lane in self.lanes.values {
                        lane.flush()
                        for line in lane.lines { lines.addTask { await self.serveLast(line) } }
                    }
                }
            }
            _ = await group.next()
            group.cancelAll()
        }
        let waiting = self.counters.waiting
        if waiting > 0 {
            self.logger.warning("Webhook events not delivered at the end", metadata: ["count": "\(waiting)"])
        }
    }

    private func serveLast(_ line: WebhookLine) async {
        while !Task.isCancelled {
            guard case .send(let body) = line.next(milliseconds: Self.milliseconds(), isLast: true) else { return }
            guard await self.send(body, to: line) else { return }
        }
    }

    @discardableResult
    private func send(_ body: [UInt8], to line: WebhookLine) async -> Bool {
        let dropped = line.counters.droppedFull + line.counters.droppedExpired
        let wasFailing = line.isFailing
        let answer = await self.post(WebhookRequest(url: line.endpoint.url, body: body, app: line.app))
        var reason = ""
        switch answer {
        case .status(200...299):
            line.finished(.delivered)
            if wasFailing { self.logger.info("Webhook endpoint answers again", metadata: self.metadata(line)) }
            return true
        case .interrupted:
            line.finished(.interrupted)
            return false
        case .status(let status): reason = "it answered \(status)"
        case .noAnswer(let text): reason = text
        }
        line.finished(.failed)
        var metadata = self.metadata(line)
        metadata["error"] = "\(reason)"
        // Once when it begins to fail, and whenever events are lost.
        if !wasFailing { self.logger.warning("Webhook endpoint fails, events wait", metadata: metadata) }
        let lost = line.counters.droppedFull + line.counters.droppedExpired - dropped
        if lost > 0 {
            metadata["count"] = "\(lost)"
            self.logger.warning("Webhook events dropped", metadata: metadata)
        }
        return false
    }

    /// The app and the host: paths and queries of endpoints may hold secrets.
    private func metadata(_ line: WebhookLine) -> Logger.Metadata {
        let rest = line.endpoint.url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2)
        let host = (rest.first ?? "").prefix { $0 != "/" && $0 != "?" }.split(separator: "@").last ?? ""
        return ["app.id": "\(line.app.id)", "webhook.host": "\(host)"]
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
