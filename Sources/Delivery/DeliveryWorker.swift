public import Logging
public import Market
public import ServiceLifecycle
public import Store
import Synchronization

/// Takes deliveries out of their queue and sends them, until they are taken, given up or worthless.
///
/// At least once, with the same ids on every attempt, so a receiver can tell a repetition. Every credential is a lane of
/// its own: one that is slow or fails holds up no other. Several workers, in as many processes as you like, share a queue.
/// When the service stops, nothing new is claimed, what is on its way gets ``DeliverySettings/stopTimeout``, and what
/// remains is given back to the queue.
public final class DeliveryWorker: Service {
    private enum Event: Sendable {
        case woken
        case stopped
        case looked([String]?)
        case ended(String)
        case stopTimeoutPassed
        case helperEnded
    }

    private struct State {
        var lanes: [String: LaneWorker] = [:]
        /// What lanes did that have ended.
        var past = DeliveryCounters()
    }

    private static let cleaningBatch = 1_000
    private let queue: any DeliveryQueue
    private let settings: DeliverySettings
    private let clock: any Clock<Duration>
    private let writer: ResultWriter
    private let surroundings: LaneWorker.Surroundings
    private let logger: Logger
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let state = Mutex(State())
    /// From the firing to the first request.
    public let latency = DeliveryLatency()

    /// Makes a worker; ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - queue: Where deliveries wait.
    ///   - sender: Sends them; whoever made it shuts it down, after this worker has ended.
    ///   - settings: Limits and times.
    ///   - clock: Measures pauses.
    ///   - now: The time of day.
    ///   - random: The jitter.
    ///   - logger: Where failures are told.
    public init(
        queue: any DeliveryQueue, sender: any DeliverySender, settings: DeliverySettings = DeliverySettings(),
        clock: any Clock<Duration> = ContinuousClock(), now: @escaping @Sendable () -> Timestamp,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0...UInt64.max) }, logger: Logger
    ) {
        self.queue = queue
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.writer = ResultWriter(queue: queue, clock: clock, patience: settings.lease, logger: logger)
        self.surroundings = LaneWorker.Surroundings(
            queue: queue, sender: sender, writer: self.writer, settings: settings, clock: clock, now: now,
            random: random, latency: self.latency, logger: logger)
        (self.signals, self.signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What it has done so far.
    public var counters: DeliveryCounters {
        self.state.withLock { state in
            state.lanes.values.reduce(into: state.past) { $0.add($1.report) }
        }
    }

    /// How its lanes are, by name.
    public var reports: [LaneReport] {
        self.state.withLock { $0.lanes.values.map(\.report) }.sorted { $0.lane < $1.lane }
    }

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
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.writer.run() }
                await self.work()
                self.writer.finish()
            }
            await self.report()
        } onGracefulShutdown: {
            self.signal.finish()
        }
    }

    private func work() async {
        await withTaskGroup(of: Event.self) { group in
            group.addTask { await self.waitForSignal() }
            group.addTask { await self.poll() }
            group.addTask { await self.listen() }
            group.addTask { await self.keepHouse() }
            group.addTask { await self.clean() }
            var running = 0
            var mustLook = false
            var isLooking = false
            var isStopping = false
            while let event = await group.next() {
                switch event {
                case .woken:
                    mustLook = true
                    group.addTask { await self.waitForSignal() }
                case .stopped:
                    isStopping = true
                    for lane in self.state.withLock({ Array($0.lanes.values) }) { lane.stop() }
                    group.addTask { await self.waitForStopTimeout() }
                case .looked(let lanes):
                    isLooking = false
                    guard !isStopping else { break }
                    for lane in self.start(lanes ?? []) {
                        running += 1
                        group.addTask {
                            await lane.run()
                            return .ended(lane.lane)
                        }
                    }
                case .ended(let lane):
                    running -= 1
                    self.forget(lane)
                case .stopTimeoutPassed: group.cancelAll()
                case .helperEnded: break
                }
                if isStopping {
                    if running == 0, !isLooking { group.cancelAll() }
                } else if mustLook, !isLooking {
                    isLooking = true
                    mustLook = false
                    group.addTask { await self.look() }
                }
            }
        }
    }

    /// Wakes the lanes that have deliveries, stops those that have had none for long, and returns new ones.
    private func start(_ names: [String]) -> [LaneWorker] {
        let (awake, idle, new) = self.state.withLock { state in
            var awake: [LaneWorker] = []
            var new: [LaneWorker] = []
            for name in names {
                if let lane = state.lanes[name] {
                    awake.append(lane)
                } else if state.lanes.count < self.settings.lanesMax {
                    let lane = LaneWorker(lane: name, surroundings: self.surroundings)
                    state.lanes[name] = lane
                    new.append(lane)
                    awake.append(lane)
                }
            }
            let named = Set(names)
            let idle = state.lanes.values.filter {
                !named.contains($0.lane) && $0.idleTime >= self.settings.laneIdleMax
            }
            return (awake, idle, new)
        }
        for lane in awake { lane.wake() }
        for lane in idle { lane.stop() }
        return new
    }

    private func forget(_ name: String) {
        self.state.withLock { state in
            if let lane = state.lanes.removeValue(forKey: name) { state.past.add(lane.report) }
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

    private func look() async -> Event {
        do {
            return .looked(try await self.queue.lanes())
        } catch {
            if !Task.isCancelled {
                self.logger.warning("Outbox not readable, trying again", metadata: ["error": "\(error)"])
            }
            return .looked(nil)
        }
    }

    /// Takes back what workers that are gone had, and writes down how the lanes are.
    private func keepHouse() async -> Event {
        var held: Set<String> = []
        while !Task.isCancelled {
            do {
                try await self.queue.reclaim()
            } catch {
                if !Task.isCancelled { self.logger.debug("Leases not looked at", metadata: ["error": "\(error)"]) }
            }
            held = await self.report(held: held)
            // A cancelled sleep ends the loop.
            try? await self.clock.sleep(for: self.settings.reportInterval)
        }
        return .helperEnded
    }

    /// Deletes what was kept long enough, in batches so small that nobody waits for them.
    private func clean() async -> Event {
        while !Task.isCancelled {
            do {
                var count = 0
                repeat {
                    count = try await self.queue.deleteFinished(self.settings.keeping, limit: Self.cleaningBatch)
                    self.state.withLock { $0.past.deleted += Int64(count) }
                } while count == Self.cleaningBatch && !Task.isCancelled
            } catch {
                if !Task.isCancelled {
                    self.logger.debug("Finished deliveries not deleted", metadata: ["error": "\(error)"])
                }
            }
            // A cancelled sleep ends the loop.
            try? await self.clock.sleep(for: self.settings.cleaningInterval)
        }
        return .helperEnded
    }

    /// Writes down how the lanes are.
    ///
    /// - Parameter held: The lanes that were held back at the last time.
    /// - Returns: The lanes that are held back now.
    @discardableResult
    private func report(held: Set<String> = []) async -> Set<String> {
        let reports = self.reports
        var nowHeld: Set<String> = []
        do {
            try await self.queue.report(reports)
            for report in reports {
                if let reason = report.breakerReason {
                    nowHeld.insert(report.lane)
                    let until = self.surroundings.now().advanced(byNanoseconds: 30_000_000_000)
                    try await self.queue.hold(lane: report.lane, until: until, reason: reason)
                } else if held.contains(report.lane) {
                    try await self.queue.hold(lane: report.lane, until: nil, reason: "")
                }
            }
        } catch {
            if !Task.isCancelled { self.logger.debug("Lanes not reported", metadata: ["error": "\(error)"]) }
        }
        return nowHeld
    }
}

extension DeliveryCounters {
    fileprivate mutating func add(_ report: LaneReport) {
        self.completed += report.sent
        self.retried += report.retried
        self.abandoned += report.dead
        self.inFlight += report.inFlight
    }
}
