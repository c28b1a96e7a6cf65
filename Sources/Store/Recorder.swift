public import Logging
public import Market
public import Postgres
import Synchronization

/// Writes ticks into PostgreSQL: in batches, each tick exactly once, without ever holding up who hands them over.
///
/// ``record(_:states:)`` only puts ticks into a queue; ``run()`` empties it over one connection of its own. When the
/// connection is lost, the batch under way is kept and repeated: it moves the recorder's position in its own
/// transaction, so a commit whose answer got lost is recognised and not repeated.
public final class Recorder: Sendable {
    private struct FlushWaiter {
        let mark: TickQueue.Mark
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var queue: TickQueue
        var counters = RecorderCounters()
        /// The ticks of the batch that is being written.
        var inFlight = 0
        /// What waits shall go although it does not fill a batch.
        var isDue = false
        var isRunning = false
        var isStopping = false
        var hasEnded = false
        var unloggedDrops = 0
        var flushWaiters: [FlushWaiter] = []
        var connection: PostgresConnection?
        var hasConnected = false
        var nextUpkeep = ContinuousClock.now
    }

    private let client: PostgresClient
    private let settings: RecorderSettings
    private let writer: TickWriter
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let state: Mutex<State>
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// Makes a recorder; it connects when it runs.
    ///
    /// - Parameters:
    ///   - client: The database; the recorder takes a connection outside the pool.
    ///   - catalog: Gives symbols and venues their ids.
    ///   - settings: Batches and bounds.
    ///   - clock: Measures the wait for a batch to fill, and the waits between attempts.
    ///   - logger: Hears of outages, drops and refused ticks.
    public init(
        client: PostgresClient, catalog: SymbolCatalog, settings: RecorderSettings = RecorderSettings(),
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.client = client
        self.settings = settings
        self.writer = TickWriter(recorderID: Self.makeID(), catalog: catalog)
        self.clock = clock
        self.logger = logger
        self.state = Mutex(State(queue: TickQueue(ticksMax: settings.queueTicksMax)))
        (self.signals, self.signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// What has been done so far.
    public var counters: RecorderCounters {
        self.state.withLock { state in
            var counters = state.counters
            counters.pending = Int64(state.queue.count + state.inFlight)
            return counters
        }
    }

    /// Hands ticks over.
    ///
    /// Never waits; callable from any thread.
    ///
    /// - Parameters:
    ///   - ticks: In the order they came.
    ///   - states: The newest state of symbols and venues, written to `last_ticks` with the batch.
    public func record(_ ticks: [Tick], states: [LastTick] = []) {
        let hasFilled = self.state.withLock { state in
            let before = state.queue.count
            state.counters.received += Int64(ticks.count)
            if state.hasEnded {
                state.counters.dropped += Int64(ticks.count)
                return false
            }
            let dropped = state.queue.append(ticks, states)
            state.counters.dropped += Int64(dropped)
            state.unloggedDrops += dropped
            // Once a batch, not once a tick.
            return before < self.settings.batchTicksMax && state.queue.count >= self.settings.batchTicksMax
        }
        if hasFilled { self.signal.yield() }
    }

    /// Waits until everything handed over before is written, or counted as dropped; also for the recorder to run at
    /// all.
    ///
    /// - Throws: ``StoreError/recorderState(_:)`` when the recorder has ended.
    public func flush() async throws {
        if self.state.withLock({ $0.hasEnded }) {
            throw StoreError.recorderState("The recorder has ended: nothing can be flushed.")
        }
        await withCheckedContinuation { continuation in
            let isDone = self.state.withLock { state in
                if state.hasEnded || (state.queue.isEmpty && state.inFlight == 0) { return true }
                state.flushWaiters.append(FlushWaiter(mark: state.queue.end, continuation: continuation))
                state.isDue = true
                return false
            }
            if isDone { continuation.resume() } else { self.signal.yield() }
        }
    }

    /// Writes batches until the task is cancelled, then what still waits, for at most `stopTimeout`.
    ///
    /// - Throws: ``StoreError/recorderState(_:)`` when it ran before, and errors that time does not mend, such as a
    ///   malformed connection string.
    public func run() async throws {
        let isFirst = self.state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning && !state.hasEnded
        }
        guard isFirst else { throw StoreError.recorderState("A recorder runs only once.") }
        // A task of its own, awaited here: a cancelled recorder must still be able to finish what it has.
        let work = Task { try await self.work() }
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            self.state.withLock { $0.isStopping = true }
            self.signal.yield()
        }
        self.end()
        try result.get()
    }

    private func work() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.writeBatches() }
            group.addTask { await self.keepTime() }
            defer {
                // Aborted first: a server that does not answer must not hold up the end with a cancel request.
                self.state.withLock { $0.connection }?.abort()
                group.cancelAll()
            }
            // Either the writer is done, or its time is over.
            try await group.next()
        }
    }

    /// Says every `batchWait` that what waits is due; when the recorder has to stop, gives the writer its last seconds.
    private func keepTime() async {
        while !Task.isCancelled {
            // A cancelled sleep ends the loop.
            try? await self.clock.sleep(for: self.settings.batchWait)
            let isStopping = self.state.withLock { state in
                if !state.queue.isEmpty { state.isDue = true }
                return state.isStopping
            }
            if isStopping { break }
            self.signal.yield()
        }
        // Cancelled when the writer is done before.
        try? await self.clock.sleep(for: self.settings.stopTimeout)
    }

    /// The recorder has ended: what still waits is lost.
    private func end() {
        let (lost, waiters) = self.state.withLock { state in
            let lost = state.queue.count + state.inFlight
            state.counters.dropped += Int64(lost)
            state.queue = TickQueue(ticksMax: self.settings.queueTicksMax)
            state.inFlight = 0
            state.isRunning = false
            state.hasEnded = true
            state.connection = nil
            defer { state.flushWaiters = [] }
            return (lost, state.flushWaiters)
        }
        if lost > 0 {
            self.logger.error(
                "Ticks were lost because PostgreSQL did not take them in time", metadata: ["ticks": "\(lost)"])
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    // MARK: Writing

    private func writeBatches() async throws {
        var signals = self.signals.makeAsyncIterator()
        while !Task.isCancelled {
            while let batch = self.takeBatch() { try await self.write(batch) }
            if self.state.withLock({ $0.isStopping && $0.queue.isEmpty }) { return }
            await signals.next()
        }
    }

    private func takeBatch() -> TickBatch? {
        self.state.withLock { state in
            if state.queue.count < self.settings.batchTicksMax {
                guard state.isDue || state.isStopping else { return nil }
                // What comes while this batch is written may fill a batch again.
                state.isDue = false
            }
            guard let batch = state.queue.takeBatch(self.settings.batchTicksMax) else { return nil }
            state.inFlight = batch.tickCount
            return batch
        }
    }

    /// Writes a batch, however many attempts it takes.
    private func write(_ batch: TickBatch) async throws {
        var backOff = BackOff()
        /// What the newest attempt would have done whose commit was not answered.
        var unconfirmed = TickWriter.Outcome(recorded: batch.tickCount)
        while true {
            do {
                let connection = try await self.connection()
                let writer = self.writer
                switch try await connection.withSession({ session in try writer.write(batch, session) }) {
                case .committed(let outcome): return self.settle(outcome)
                case .wasCommitted: return self.settle(unconfirmed)
                case .unknown(let outcome, let error):
                    unconfirmed = outcome
                    throw error
                }
            } catch let error as PostgresError {
                self.state.withLock { state in
                    state.connection?.abort()
                    state.connection = nil
                    state.counters.lastError = error.description
                }
                if Task.isCancelled { throw error }
                switch error {
                case .malformedConnectionString, .unexpectedValue, .closed: throw error
                case .cannotConnect, .connectionLost, .serialization, .outOfResources, .data, .refused, .cancelled:
                    break
                }
                let wait = backOff.next()
                self.logger.warning(
                    "Recording waits for PostgreSQL",
                    metadata: ["error": "\(error)", "wait": "\(wait)", "ticks.pending": "\(self.counters.pending)"]
                )
                self.logDrops()
                try await self.clock.sleep(for: wait)
            }
        }
    }

    /// The recorder's connection, made anew when it is lost.
    private func connection() async throws -> PostgresConnection {
        let (existing, needsUpkeep, hasConnected) = self.state.withLock { state in
            let needsUpkeep = ContinuousClock.now >= state.nextUpkeep
            if needsUpkeep { state.nextUpkeep = ContinuousClock.now.advanced(by: .seconds(3600)) }
            return (state.connection, needsUpkeep, state.hasConnected)
        }
        let writer = self.writer
        if let existing, existing.isUsable {
            if needsUpkeep { try await existing.withSession { session in try writer.createComingDays(session) } }
            return existing
        }
        let connection = try await self.client.connect()
        self.state.withLock { state in
            state.connection = connection
            state.hasConnected = true
        }
        try await connection.withSession { session in try writer.prepare(session) }
        if hasConnected {
            self.logger.info(
                "Recording goes on", metadata: ["ticks.pending": "\(self.counters.pending)"]
            )
        }
        return connection
    }

    /// A batch is in the database: counts it, and tells who waits for it.
    private func settle(_ outcome: TickWriter.Outcome) {
        let waiters = self.state.withLock { state in
            state.inFlight = 0
            state.counters.recorded += Int64(outcome.recorded)
            state.counters.duplicates += Int64(outcome.duplicates)
            state.counters.quarantined += Int64(outcome.quarantined)
            state.counters.batches += 1
            state.counters.lastError = nil
            let isDone = { (waiter: FlushWaiter) in state.queue.hasPassed(waiter.mark) }
            let waiters = state.flushWaiters.filter(isDone)
            state.flushWaiters.removeAll(where: isDone)
            // Others wait on: their ticks are due at once.
            if !state.flushWaiters.isEmpty { state.isDue = true }
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume() }
        if outcome.quarantined > 0 {
            self.logger.warning(
                "PostgreSQL refused ticks, they are in quarantined_ticks", metadata: ["ticks": "\(outcome.quarantined)"]
            )
        }
        self.logDrops()
    }

    private func logDrops() {
        let drops = self.state.withLock { state in
            defer { state.unloggedDrops = 0 }
            return state.unloggedDrops
        }
        if drops > 0 {
            self.logger.error(
                "Ticks were dropped because too many waited for PostgreSQL",
                metadata: ["ticks": "\(drops)", "ticks.pending.max": "\(self.settings.queueTicksMax)"]
            )
        }
    }

    /// A random UUID: each recorder has positions of its own.
    private static func makeID() -> String {
        let digits = (0..<4).map { _ in
            let word = String(UInt32.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 8 - word.count) + word
        }
        return digits.joined()
    }
}
