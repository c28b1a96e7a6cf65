public import Logging
public import Market
public import Postgres
import Synchronization

/// Keeps the table `candles` up to the trades that are recorded: each trade counts in its candles exactly once.
///
/// ``add(_:through:)`` adds up in memory; ``run()`` writes about once a second over a connection of its own, and moves the
/// position of the journal's candles in the same transaction. After a crash, or when somebody else moved that position, what
/// is missing is added from the table of trades. See docs/decisions/0004.
public final class CandleWriter: Sendable {
    /// What somebody waits for.
    private enum Goal {
        case open
        case room
        case written(Int64)
    }

    private struct State {
        var queue: CandleQueue
        var counters = CandleWriterCounters()
        /// What waits shall be written now.
        var isDue = false
        var isRunning = false
        var isStopping = false
        var waiters: [UInt64: (goal: Goal, continuation: CheckedContinuation<Void, Never>)] = [:]
        var nextWaiterID: UInt64 = 0

        func isReached(_ goal: Goal) -> Bool {
            if self.queue.hasEnded { return true }
            switch goal {
            case .open: return self.queue.isOpen
            case .room: return self.queue.hasRoom
            case .written(let position): return self.queue.hasWritten(position)
            }
        }

        /// Takes out who has waited long enough.
        mutating func takeReached() -> [CheckedContinuation<Void, Never>] {
            let reached = self.waiters.filter { self.isReached($0.value.goal) }
            for id in reached.keys { self.waiters[id] = nil }
            return reached.values.map(\.continuation)
        }
    }

    private enum Ending: Sendable {
        case committed(bars: Int)
        /// The delta was in already: an earlier attempt committed although its answer never came.
        case wasCommitted
        case overtaken
    }

    private let connection: CandleConnection
    private let catalog: SymbolCatalog
    private let journal: String
    private let settings: CandleWriterSettings
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let state: Mutex<State>
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// Makes a writer; it connects when it runs.
    ///
    /// - Parameters:
    ///   - client: The database; the writer takes a connection outside the pool.
    ///   - catalog: Gives symbols and venues their ids.
    ///   - journal: The UUID of the journal whose positions are given to ``add(_:through:)``.
    ///   - settings: Times and bounds.
    ///   - clock: Measures the time between writes, and the waits between attempts.
    ///   - logger: Hears of outages and of what was mended.
    public init(
        client: PostgresClient, catalog: SymbolCatalog, journal: String,
        settings: CandleWriterSettings = CandleWriterSettings(), clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger
    ) {
        self.connection = CandleConnection(client: client, clock: clock, logger: logger)
        self.catalog = catalog
        self.journal = journal
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.state = Mutex(State(queue: CandleQueue(barsMax: settings.barsMax)))
        (self.signals, self.signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// What has been done so far.
    public var counters: CandleWriterCounters {
        self.state.withLock { state in
            var counters = state.counters
            counters.pendingBars = Int64(state.queue.pendingBars)
            counters.lastError = self.connection.lastError
            return counters
        }
    }

    // MARK: Adding

    /// Adds the trades that a committed batch inserted.
    ///
    /// Waits until the writer runs and has mended what an earlier process left, and while more than `barsMax` bars wait.
    /// Trades that the mending found in the table are not added again; a writer that has ended takes no trades, the next
    /// start mends them. A cancelled task adds its trades, but does not wait for room.
    ///
    /// - Parameters:
    ///   - trades: What was inserted, duplicates and refused trades left out; may be empty.
    ///   - position: The position of the stream of trades that the batch moved to, as in its row of `recorded_batches`.
    ///     Batches come one after the other in the order of their positions, from any task.
    public func add(_ trades: [Trade], through position: Int64) async {
        while !self.state.withLock({ $0.queue.add(trades, through: position) }) {
            await self.wait(for: .open)
            // Cancelled before there was a place for the trades: they are in the table, and mended from there.
            if Task.isCancelled, !self.state.withLock({ $0.queue.isOpen }) { return }
        }
        if self.state.withLock({ !$0.queue.hasRoom }) {
            self.makeDue()
            await self.wait(for: .room)
        }
    }

    /// Has the writer forget what waits, and read from the table of trades what candles lack.
    ///
    /// For a batch that was committed and cannot be added: its trades that were duplicates are not known any more.
    public func mendAnew() {
        self.state.withLock { $0.queue.mendAnew() }
        self.signal.yield()
    }

    /// Waits until everything added before is in the table.
    ///
    /// - Throws: ``StoreError/recorderState(_:)`` when the writer has ended before, `CancellationError` when the calling
    ///   task is cancelled.
    public func flush() async throws {
        let end = self.state.withLock { $0.queue.end }
        self.makeDue()
        await self.wait(for: .written(end))
        try Task.checkCancellation()
        guard self.state.withLock({ $0.queue.hasWritten(end) }) else {
            throw StoreError.recorderState("The candle writer has ended: nothing can be flushed.")
        }
    }

    private func makeDue() {
        self.state.withLock { $0.isDue = true }
        self.signal.yield()
    }

    /// Waits until `goal` is reached, the writer has ended, or the task is cancelled.
    private func wait(for goal: Goal) async {
        let id = self.state.withLock { state in
            state.nextWaiterID += 1
            return state.nextWaiterID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReached = self.state.withLock { state in
                    if state.isReached(goal) || Task.isCancelled { return true }
                    state.waiters[id] = (goal, continuation)
                    return false
                }
                if isReached { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    /// Changes the queue, and lets go on who waited for that.
    private func change(_ body: (inout State) -> Void) {
        let reached = self.state.withLock { state in
            body(&state)
            return state.takeReached()
        }
        for continuation in reached { continuation.resume() }
    }

    // MARK: Running

    /// Writes candles until the task is cancelled, then what still waits, for at most `stopTimeout`.
    ///
    /// - Throws: ``StoreError/recorderState(_:)`` when it ran before, and errors that time does not mend, such as a
    ///   malformed connection string.
    public func run() async throws {
        let isFirst = self.state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning && !state.queue.hasEnded
        }
        guard isFirst else { throw StoreError.recorderState("A candle writer runs only once.") }
        defer { self.end() }
        try await WritingLoop(
            interval: self.settings.flushInterval, stopTimeout: self.settings.stopTimeout, clock: self.clock
        ).run(
            [{ try await self.writeDeltas() }], due: { self.makeDue() },
            stop: {
                self.state.withLock { $0.isStopping = true }
                self.signal.yield()
            }, abort: { self.connection.abort() })
    }

    /// The writer has ended: what still waits is mended by the next start.
    private func end() {
        let left = self.counters.pendingBars
        self.change { $0.queue.finish() }
        if left > 0 {
            self.logger.warning(
                "Candles could not be written in time, the next start adds them", metadata: ["bars.pending": "\(left)"]
            )
        }
    }

    private func writeDeltas() async throws {
        var signals = self.signals.makeAsyncIterator()
        while !Task.isCancelled {
            if self.state.withLock({ $0.queue.needsMending }) {
                try await self.mend()
            } else if let delta = self.take() {
                try await self.write(delta)
            } else if self.state.withLock({ $0.isStopping && $0.queue.isEmpty }) {
                return
            } else {
                await signals.next()
            }
        }
    }

    private func take() -> CandleQueue.Delta? {
        self.state.withLock { state in
            guard state.isDue || state.isStopping else { return nil }
            // What comes while this is written is due at the next tick of the clock, or when somebody waits for it.
            state.isDue = !state.waiters.isEmpty
            return state.queue.take()
        }
    }

    /// Adds to the table what it lacks of the journal's recorded trades.
    private func mend() async throws {
        let (journal, mender) = (self.journal, CandleMender(catalog: self.catalog, barsMax: self.settings.barsMax))
        var (trades, unknown) = (0, Int64(0))
        let requests = self.state.withLock { $0.queue.mendRequests }
        while true {
            let step = try await self.connection.perform { session in try mender.step(journal, session) }
            trades += step.trades
            unknown += step.unknown
            if step.isUnfinished { continue }
            self.change { state in
                state.counters.tradesMended += Int64(trades)
                state.queue.mended(at: step.position, asOf: requests)
            }
            break
        }
        if trades > 0 {
            self.logger.info("Candles were mended from the recorded trades", metadata: ["trades": "\(trades)"])
        }
        if unknown > 0 {
            self.logger.error(
                "Candles may lack trades that no recorded batch tells of: run 'tickwire candles rebuild'",
                metadata: ["trades.max": "\(unknown)"]
            )
        }
    }

    /// Writes a delta, however many attempts it takes.
    private func write(_ delta: CandleQueue.Delta) async throws {
        let (catalog, journal) = (self.catalog, self.journal)
        let ending = try await self.connection.perform { session in
            try Self.write(delta, journal: journal, catalog: catalog, session)
        }
        switch ending {
        case .overtaken:
            self.logger.notice("Somebody else has written candles of this journal, they are mended")
            self.change { $0.queue.mendAnew() }
        case .committed, .wasCommitted:
            self.change { state in
                if case .committed(let bars) = ending { state.counters.barsWritten += Int64(bars) }
                state.counters.flushes += 1
                state.counters.tradesWritten += delta.trades
                state.queue.settled(delta)
            }
        }
    }

    private static func write(
        _ delta: CandleQueue.Delta, journal: String, catalog: SymbolCatalog, _ session: PostgresSession
    ) throws(PostgresError) -> Ending {
        // On the connection's thread: long work, and none of Swift's threads is held up by it.
        let deltas = delta.accumulator.deltas
        try catalog.resolve(symbols: Set(deltas.map(\.symbol)), venues: Set(deltas.map(\.venue)), session)
        try CandleTable.begin(session)
        return try CandleTable.finish(session) { () throws(PostgresError) in
            // While an earlier attempt's transaction is still under way in the server, this waits for its end.
            guard try CandleTable.movePosition(of: journal, from: delta.from, to: delta.through, session) else {
                let position = try CandleTable.lockPosition(of: journal, session)
                return position == delta.through ? .wasCommitted : .overtaken
            }
            return .committed(bars: try CandleTable.add(deltas, ids: catalog.ids, session))
        }
    }
}
