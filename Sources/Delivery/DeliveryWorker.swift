public import HTTPClient
public import Logging
public import Market
public import Notifications
public import ServiceLifecycle
import Synchronization

/// Takes deliveries out of their queue and posts them to webhooks, signed, until they are accepted or expire.
///
/// At least once: the `webhook-id` is the same on every attempt, so a receiver can tell a repetition. At most
/// ``DeliverySettings/concurrencyMax`` are on their way; the rest waits in the queue. When the service stops, nothing new
/// is claimed, what is on its way gets ``DeliverySettings/stopTimeout``, and what remains is given back to the queue.
public final class DeliveryWorker: Service {
    private enum Event: Sendable {
        case woken
        case stopped
        case stopTimeoutPassed
        case claimed([PendingDelivery])
        case claimFailed
        case finished
        case interrupted(PendingDelivery)
        case helperEnded
    }

    private let queue: any DeliveryQueue
    private let client: HTTPClient
    private let signer: WebhookSigner
    private let settings: DeliverySettings
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Timestamp
    private let random: @Sendable () -> UInt64
    private let logger: Logger
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let state = Mutex(DeliveryCounters())

    /// Makes a worker; ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - queue: Where deliveries wait.
    ///   - client: Sends them; whoever made it shuts it down, after this worker has ended.
    ///   - signer: Signs webhooks.
    ///   - settings: Limits and times.
    ///   - clock: Measures pauses.
    ///   - now: The time of day.
    ///   - random: The jitter.
    ///   - logger: Where failures are told.
    public init(
        queue: any DeliveryQueue, client: HTTPClient, signer: WebhookSigner,
        settings: DeliverySettings = DeliverySettings(),
        clock: any Clock<Duration> = ContinuousClock(), now: @escaping @Sendable () -> Timestamp,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0...UInt64.max) }, logger: Logger
    ) {
        self.queue = queue
        self.client = client
        self.signer = signer
        self.settings = settings
        self.clock = clock
        self.now = now
        self.random = random
        self.logger = logger
        (self.signals, self.signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What it has done so far.
    public var counters: DeliveryCounters { self.state.withLock { $0 } }

    /// Makes it look at the queue at once.
    ///
    /// From any thread; several calls may count as one.
    public func wake() { self.signal.yield() }

    /// Works until the service stops gracefully or the task is cancelled.
    ///
    /// Can be called once.
    public func run() async throws {
        self.wake()
        await withGracefulShutdownHandler {
            await self.work()
        } onGracefulShutdown: {
            self.signal.finish()
        }
    }

    private func work() async {
        var interrupted: [PendingDelivery] = []
        await withTaskGroup(of: Event.self) { group in
            group.addTask { await self.waitForSignal() }
            group.addTask { await self.poll() }
            group.addTask { await self.listen() }
            var inFlight = 0
            var mayHaveMore = false
            var isClaiming = false
            var isStopping = false
            while let event = await group.next() {
                switch event {
                case .woken:
                    mayHaveMore = true
                    group.addTask { await self.waitForSignal() }
                case .stopped:
                    isStopping = true
                    group.addTask { await self.waitForStopTimeout() }
                case .stopTimeoutPassed: group.cancelAll()
                case .claimed(let deliveries) where isStopping:
                    isClaiming = false
                    interrupted += deliveries
                case .claimed(let deliveries):
                    isClaiming = false
                    mayHaveMore = mayHaveMore && !deliveries.isEmpty
                    inFlight += deliveries.count
                    for delivery in deliveries { group.addTask { await self.deliver(delivery) } }
                case .claimFailed:
                    isClaiming = false
                    mayHaveMore = false
                case .finished: inFlight -= 1
                case .interrupted(let delivery):
                    inFlight -= 1
                    interrupted.append(delivery)
                case .helperEnded: break
                }
                self.state.withLock { $0.inFlight = Int64(inFlight) }
                if isStopping {
                    if inFlight == 0, !isClaiming { group.cancelAll() }
                } else if mayHaveMore, !isClaiming, inFlight < self.settings.concurrencyMax {
                    isClaiming = true
                    let limit = self.settings.concurrencyMax - inFlight
                    group.addTask { await self.claim(limit: limit) }
                }
            }
        }
        for delivery in interrupted {
            do {
                try await self.queue.release(delivery)
            } catch {
                // The lease ends by itself; another worker takes it then.
                self.logger.debug(
                    "Delivery not given back", metadata: ["delivery.id": "\(delivery.id)", "error": "\(error)"])
            }
        }
    }

    private func waitForSignal() async -> Event {
        for await _ in self.signals { return .woken }
        return .stopped
    }

    private func waitForStopTimeout() async -> Event {
        // Cancellation means the same: stop now.
        try? await self.clock.sleep(for: self.settings.stopTimeout)
        return .stopTimeoutPassed
    }

    private func poll() async -> Event {
        while !Task.isCancelled {
            // A cancelled sleep ends the loop.
            try? await self.clock.sleep(for: self.settings.pollInterval)
            self.wake()
        }
        return .helperEnded
    }

    private func listen() async -> Event {
        do {
            try await self.queue.listen { self.wake() }
        } catch is CancellationError {
        } catch {
            self.logger.warning("Outbox notifications unavailable, polling only", metadata: ["error": "\(error)"])
        }
        return .helperEnded
    }

    private func claim(limit: Int) async -> Event {
        do {
            return .claimed(try await self.queue.claim(limit: limit, lease: self.settings.lease))
        } catch {
            if !Task.isCancelled {
                self.logger.warning("Outbox not readable, trying again", metadata: ["error": "\(error)"])
            }
            return .claimFailed
        }
    }
}

extension DeliveryWorker {
    private func deliver(_ delivery: PendingDelivery) async -> Event {
        guard let answer = await self.send(delivery) else { return .interrupted(delivery) }
        let now = self.now()
        let decision = self.settings.retries.decide(
            answer, attempt: delivery.attempt, createdAt: delivery.createdAt, now: now, random: self.random())
        var status: Int?
        var reason = ""
        switch answer {
        case .status(let code, _):
            status = code
            reason = "the receiver answered \(code)"
        case .noAnswer(let text), .impossible(let text): reason = text
        }
        await self.record(decision, delivery, status: status, reason: reason, now: now)
        return .finished
    }

    /// Posts it once; `nil` when the attempt was interrupted from our side.
    private func send(_ delivery: PendingDelivery) async -> DeliveryAnswer? {
        guard delivery.service == "webhook" else {
            return .impossible(reason: "there is no sender for '\(delivery.service)'")
        }
        let headers = self.signer.headers(
            id: delivery.messageID, unixSeconds: self.now().microseconds / 1_000_000, body: delivery.payload)
        let request = HTTPRequest(
            method: "POST", url: delivery.target, headers: headers.map { HTTPHeader($0.name, $0.value) },
            body: delivery.payload, timeout: self.settings.timeout, maxBodyBytes: 1 << 20,
            addressPolicy: self.settings.allowsPrivateAddresses ? .any : .publicOnly)
        do throws(HTTPClientError) {
            let response = try await self.client.execute(request)
            return .status(response.status, retryAfter: response.header("retry-after"))
        } catch {
            switch error {
            case .cancelled, .shutDown: return nil
            case .invalidRequest: return .impossible(reason: error.description)
            case .cannotResolve, .cannotConnect, .addressRefused, .tls, .timedOut, .bodyTooLarge, .transferFailed, .streamReset, .busy,
                .cannotStart:
                return .noAnswer(reason: error.description)
            }
        }
    }

    /// Writes the decision down, a few times if it must: an answer that is forgotten means a repeated delivery.
    private func record(
        _ decision: DeliveryDecision, _ delivery: PendingDelivery, status: Int?, reason: String, now: Timestamp
    ) async {
        self.count(decision)
        for attempt in 1...5 {
            do {
                switch decision {
                case .complete: try await self.queue.complete(delivery, status: status ?? 0)
                case .retry(let pause):
                    let time = now.advanced(byNanoseconds: Int64(pause / .nanoseconds(1)))
                    try await self.queue.retry(delivery, at: time, status: status, error: reason)
                case .abandon(let reason):
                    try await self.queue.abandon(delivery, status: status, error: reason, disablesTarget: false)
                case .disableTarget(let reason):
                    try await self.queue.abandon(delivery, status: status, error: reason, disablesTarget: true)
                }
                self.tell(decision, delivery)
                return
            } catch {
                self.logger.warning(
                    "Outcome of a delivery not recorded",
                    metadata: ["delivery.id": "\(delivery.id)", "error": "\(error)"])
                if attempt < 5 {
                    // A cancelled sleep makes the remaining tries at once.
                    try? await self.clock.sleep(for: .seconds(1))
                }
            }
        }
    }

    private func count(_ decision: DeliveryDecision) {
        self.state.withLock { counters in
            switch decision {
            case .complete: counters.completed += 1
            case .retry: counters.retried += 1
            case .abandon, .disableTarget: counters.abandoned += 1
            }
        }
    }

    private func tell(_ decision: DeliveryDecision, _ delivery: PendingDelivery) {
        let id: Logger.MetadataValue = "\(delivery.id)"
        switch decision {
        case .complete: self.logger.debug("Delivered", metadata: ["delivery.id": id])
        case .retry(let pause):
            self.logger.debug("Delivery will be repeated", metadata: ["delivery.id": id, "delivery.pause": "\(pause)"])
        case .abandon(let reason):
            self.logger.warning("Delivery given up", metadata: ["delivery.id": id, "error": "\(reason)"])
        case .disableTarget(let reason):
            self.logger.warning(
                "Webhook disabled by its receiver", metadata: ["delivery.id": id, "error": "\(reason)"])
        }
    }
}
