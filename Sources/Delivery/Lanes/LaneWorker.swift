import Logging
import Market
import Notifications
import Store
import Synchronization

/// Sends the deliveries of one lane: its own limit, its own breaker, its own back-off.
final class LaneWorker: Sendable {
    /// What all lanes of a worker share.
    struct Surroundings: Sendable {
        let queue: any DeliveryQueue
        let sender: any DeliverySender
        let writer: ResultWriter
        let settings: DeliverySettings
        let clock: any Clock<Duration>
        let now: @Sendable () -> Timestamp
        let random: @Sendable () -> UInt64
        let latency: DeliveryLatency
        let logger: Logger
    }

    private enum Event: Sendable {
        case woken
        case stopped
        case claimed([OutboxDelivery])
        case claimFailed
        case finished
        case interrupted(OutboxDelivery)
    }

    private struct State {
        var breaker: Breaker
        var report: LaneReport
        /// Since when there has been nothing to do.
        var idleSince: ContinuousClock.Instant?
    }

    let lane: String
    private let profile: LaneProfile
    private let all: Surroundings
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let state: Mutex<State>

    init(lane: String, surroundings: Surroundings) {
        self.lane = lane
        self.profile = LaneProfile.profile(lane: lane)
        self.all = surroundings
        (self.signals, self.signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let breaker = self.profile.isCredentialTheTarget ? Breaker() : Breaker.untried(now: .now)
        self.state = Mutex(State(breaker: breaker, report: LaneReport(lane: lane)))
    }

    /// Makes it look for deliveries at once.
    func wake() { self.signal.yield() }

    /// Makes it claim nothing more: ``run()`` returns when what is on its way has ended.
    func stop() { self.signal.finish() }

    /// How it is.
    var report: LaneReport {
        self.state.withLock { state in
            var report = state.report
            report.breaker = state.breaker.condition.rawValue
            report.breakerReason = state.breaker.reason
            return report
        }
    }

    /// For how long there has been nothing to do.
    var idleTime: Duration {
        self.state.withLock { $0.idleSince.map { $0.duration(to: ContinuousClock.now) } } ?? .zero
    }

    /// Works until ``stop()`` was called and what is on its way has ended, or until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Event.self) { group in
            group.addTask { await self.waitForSignal() }
            var inFlight = 0
            var mayHaveMore = false
            var isClaiming = false
            var isStopping = false
            while let event = await group.next() {
                switch event {
                case .woken:
                    mayHaveMore = true
                    group.addTask { await self.waitForSignal() }
                case .stopped: isStopping = true
                case .claimed(let deliveries):
                    isClaiming = false
                    mayHaveMore = mayHaveMore && !deliveries.isEmpty
                    inFlight += deliveries.count
                    for delivery in deliveries {
                        if isStopping {
                            group.addTask { .interrupted(delivery) }
                        } else {
                            group.addTask { await self.deliver(delivery) }
                        }
                    }
                    if deliveries.isEmpty { self.state.withLock { $0.breaker.releasedProbe(now: .now) } }
                case .claimFailed:
                    isClaiming = false
                    mayHaveMore = false
                    self.state.withLock { $0.breaker.releasedProbe(now: .now) }
                case .finished: inFlight -= 1
                case .interrupted(let delivery):
                    inFlight -= 1
                    self.state.withLock { $0.breaker.releasedProbe(now: .now) }
                    group.addTask { await self.giveBack(delivery) }
                    inFlight += 1
                }
                let limit = self.claimLimit(inFlight: inFlight, isIdle: !mayHaveMore && !isClaiming)
                if isStopping {
                    if inFlight == 0, !isClaiming { group.cancelAll() }
                } else if mayHaveMore, !isClaiming, limit > 0 {
                    isClaiming = true
                    group.addTask { await self.claim(limit: limit) }
                }
            }
        }
    }

    /// How many deliveries to take now; not before a quarter of the room is free, so that each claim takes many.
    private func claimLimit(inFlight: Int, isIdle: Bool) -> Int {
        let room = self.profile.concurrencyMax - inFlight
        return self.state.withLock { state in
            state.report.inFlight = Int64(inFlight)
            state.idleSince = inFlight == 0 && isIdle ? (state.idleSince ?? .now) : nil
            guard inFlight == 0 || room * 4 >= self.profile.concurrencyMax else { return 0 }
            return state.breaker.allowance(room: room, now: .now)
        }
    }

    private func waitForSignal() async -> Event {
        for await _ in self.signals { return .woken }
        return .stopped
    }

    private func claim(limit: Int) async -> Event {
        do {
            self.state.withLock { $0.breaker.began(limit, now: .now) }
            return .claimed(
                try await self.all.queue.claim(lane: self.lane, limit: limit, lease: self.all.settings.lease))
        } catch {
            if !Task.isCancelled {
                self.all.logger.warning(
                    "Outbox not readable, trying again", metadata: ["lane": "\(self.lane)", "error": "\(error)"])
            }
            return .claimFailed
        }
    }

    private func giveBack(_ delivery: OutboxDelivery) async -> Event {
        await self.all.writer.record(OutboxResult(delivery, .ready(after: .zero), error: "interrupted by a stop"))
        return .finished
    }
}

extension LaneWorker {
    /// Sends one delivery that is claimed already, and tells of every answer.
    func deliverNow(_ delivery: OutboxDelivery, observe: @Sendable (SendingResult) -> Void) async {
        _ = await self.deliver(delivery, observe: observe)
    }

    private func deliver(
        _ delivery: OutboxDelivery, observe: @Sendable (SendingResult) -> Void = { _ in }
    ) async -> Event {
        let started = ContinuousClock.now
        var attempt = DeliveryAttempt()
        while true {
            if delivery.tries == 1, attempt.options == SendingOptions() {
                self.all.latency.record(from: delivery.firedAt, to: self.all.now())
            }
            let result = await self.all.sender.send(delivery, attempt.options)
            guard let verdict = result.verdict else { return .interrupted(delivery) }
            let isOverdue = started.duration(to: .now) > self.all.settings.lease / 2
            switch attempt.received(verdict, isOverdue: isOverdue) {
            case .send:
                self.served()
                observe(result)
            case .finish(var ending):
                if case .suspend(let reason) = ending, self.profile.isCredentialTheTarget {
                    ending = .drop(unlessRegisteredAfter: nil, reason: reason)
                }
                self.judge(ending, result)
                observe(result)
                await self.finish(delivery, ending, result)
                return .finished
            }
        }
    }

    private func served() { self.tell(self.state.withLock { $0.breaker.answered() }) }

    /// Lets the breaker know.
    private func judge(_ ending: DeliveryAttempt.Ending, _ result: SendingResult) {
        let random = self.all.random()
        let change = self.state.withLock { state -> Breaker.Change in
            switch ending {
            case .suspend(let reason): return state.breaker.suspended(reason, now: .now, random: random)
            case .retry(let after):
                guard let status = result.status, status < 500 else {
                    return state.breaker.failed(result.reason, now: .now, random: random)
                }
                if status == 429, self.profile.isThrottledAsWhole, let after {
                    state.breaker.throttled(for: after, now: .now)
                }
                return state.breaker.answered()
            case .delivered, .drop: return state.breaker.answered()
            case .abandon: return result.status == nil ? .none : state.breaker.answered()
            }
        }
        self.tell(change)
        if case .suspend(let reason) = ending {
            self.all.logger.debug("Credential refused", metadata: ["lane": "\(self.lane)", "error": "\(reason)"])
        }
    }

    private func tell(_ change: Breaker.Change) {
        switch change {
        case .none: return
        case .opened(_, let reason):
            self.all.logger.warning("Lane held back", metadata: ["lane": "\(self.lane)", "error": "\(reason)"])
        case .closed: self.all.logger.info("Lane sends", metadata: ["lane": "\(self.lane)"])
        }
    }

    /// Writes down what came of it, and what it means for the target.
    private func finish(
        _ delivery: OutboxDelivery, _ ending: DeliveryAttempt.Ending, _ sent: SendingResult
    ) async {
        let result: OutboxResult
        switch ending {
        case .delivered(let id, let isAtOtherEnvironment):
            result = OutboxResult(delivery, .done, status: sent.status, serviceID: id)
            if isAtOtherEnvironment { await self.keepEnvironment(of: delivery) }
        case .retry(let after): result = self.postponed(delivery, after, sent, sent.reason)
        case .suspend(let reason):
            // It waits in front of the others until the breaker lets one through.
            result = OutboxResult(
                delivery, .ready(after: .zero), status: sent.status, error: reason, answer: sent.answer)
        case .drop(let time, let reason):
            let isGone = await self.drop(delivery, unlessRegisteredAfter: time, reason: reason)
            result =
                isGone
                ? OutboxResult(delivery, .dead, status: sent.status, error: reason, answer: sent.answer)
                : self.postponed(delivery, nil, sent, "\(reason), but the device has registered since")
        case .abandon(let reason):
            result = OutboxResult(delivery, .dead, status: sent.status, error: reason, answer: sent.answer)
        }
        self.count(result)
        await self.all.writer.record(result)
    }

    private func postponed(
        _ delivery: OutboxDelivery, _ wanted: Duration?, _ sent: SendingResult, _ reason: String
    ) -> OutboxResult {
        let policy = self.all.settings.retries ?? self.profile.retries
        let decision = policy.decide(
            wanted: wanted, tries: delivery.tries, createdAt: delivery.firedAt, expiresAt: delivery.expiresAt,
            now: self.all.now(), random: self.all.random())
        switch decision {
        case .retry(let pause):
            return OutboxResult(
                delivery, .ready(after: pause), status: sent.status, error: reason, answer: sent.answer)
        case .expire:
            // What does not say when it is worthless is kept for a replay.
            return OutboxResult(
                delivery, delivery.expiresAt == nil ? .dead : .expired, status: sent.status,
                error: "expired after \(delivery.tries) attempts, the last: \(reason)", answer: sent.answer)
        }
    }

    private func keepEnvironment(of delivery: OutboxDelivery) async {
        guard case .apns(let device)? = delivery.device?.target else { return }
        do {
            try await self.all.queue.setEnvironment(device.environment.other, of: delivery)
        } catch {
            // Found again the next time.
            self.all.logger.debug("Environment of a device not kept", metadata: ["error": "\(error)"])
        }
    }

    private func drop(
        _ delivery: OutboxDelivery, unlessRegisteredAfter time: Timestamp?, reason: String
    ) async -> Bool {
        do {
            return try await self.all.queue.drop(delivery, unlessRegisteredAfter: time, reason: reason)
        } catch {
            // Dropped the next time something is sent to it.
            self.all.logger.warning("Target that is gone not given up", metadata: ["error": "\(error)"])
            return true
        }
    }

    private func count(_ result: OutboxResult) {
        let metadata: Logger.Metadata = ["lane": "\(self.lane)", "delivery.id": "\(result.delivery.id)"]
        self.state.withLock { state in
            switch result.state {
            case .done: state.report.sent += 1
            case .ready: state.report.retried += 1
            case .dead, .expired: state.report.dead += 1
            }
            if let error = result.error {
                state.report.lastError = error
                state.report.lastErrorAt = self.all.now()
            }
        }
        switch result.state {
        case .done: self.all.logger.trace("Delivered", metadata: metadata)
        case .ready: self.all.logger.debug("Delivery will be repeated", metadata: metadata)
        case .dead, .expired:
            self.all.logger.info(
                "Delivery given up", metadata: metadata.merging(["error": "\(result.error ?? "")"]) { $1 })
        }
    }
}
