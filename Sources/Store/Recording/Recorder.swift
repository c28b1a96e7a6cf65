public import Logging
public import Market
public import Postgres
import Synchronization

/// Brings ticks into PostgreSQL: in batches, each tick exactly once, without ever holding up who hands them over.
///
/// ``record(_:states:)`` only puts ticks into the journal; ``run()`` reads them there and writes them over one connection of its
/// own. A batch moves the journal's place in its own transaction, so that after a lost connection or a crash it is known which
/// ticks are in. While PostgreSQL is away ticks wait in the journal.
public final class Recorder: Sendable {
    struct FlushWaiter {
        let place: JournalPlace
        let states: Int64
        let continuation: CheckedContinuation<Void, Never>
    }

    struct State {
        var counters = RecorderCounters()
        /// How much of the journal is in the database; `nil` before it was asked.
        var place: JournalPlace?
        /// Only the newest state of each symbol and venue waits, so an outage does not make this grow.
        var states: [VenueSymbol: LastTick] = [:]
        /// States that were ever handed over, and how many of those are in the database.
        var statesReceived: Int64 = 0
        var statesWritten: Int64 = 0
        /// What waits shall go although it does not fill a batch.
        var isDue = false
        var isRunning = false
        var isStopping = false
        var hasEnded = false
        var flushWaiters: [FlushWaiter] = []
        var connection: PostgresConnection?
        var readers: [JournalStream: JournalReader] = [:]
        /// The batch at ``place``, if it was made ready.
        var prepared: PreparedBatch?
        var hasConnected = false
        var nextUpkeep = ContinuousClock.now
    }

    let client: PostgresClient
    let journal: Journal
    let candles: CandleWriter?
    let settings: RecorderSettings
    let writer: TickWriter
    let clock: any Clock<Duration>
    let logger: Logger
    let state: Mutex<State>
    let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// Makes a recorder; it connects when it runs.
    ///
    /// - Parameters:
    ///   - client: The database; the recorder takes a connection outside the pool.
    ///   - catalog: Gives symbols and venues their ids.
    ///   - journal: Where ticks wait.
    ///   - candles: Hears of every trade that was not there before; `nil` keeps no candles.
    ///   - settings: Batches and time-outs.
    ///   - clock: Measures the wait for a batch to fill, and the waits between attempts.
    ///   - logger: Hears of outages and refused ticks.
    public init(
        client: PostgresClient, catalog: SymbolCatalog, journal: Journal, candles: CandleWriter? = nil,
        settings: RecorderSettings = RecorderSettings(), clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger
    ) {
        self.client = client
        self.journal = journal
        self.candles = candles
        self.settings = settings
        self.writer = TickWriter(journal: journal.id, catalog: catalog)
        self.clock = clock
        self.logger = logger
        self.state = Mutex(State())
        (self.signals, self.signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// What has been done so far.
    public var counters: RecorderCounters { self.state.withLock { $0.counters } }

    /// Whether everything is in the database that the journal held when it was opened.
    public var hasTakenOver: Bool {
        guard let place = self.state.withLock({ $0.place }) else { return false }
        return JournalStream.allCases.allSatisfy { place[$0] >= self.journal.endAtOpening(of: $0) }
    }

    /// Hands ticks over.
    ///
    /// Never waits; callable from any thread.
    ///
    /// - Parameters:
    ///   - ticks: In the order they came.
    ///   - states: The newest state of symbols and venues, written to `last_ticks` with the batch.
    public func record(_ ticks: [Tick], states: [LastTick] = []) {
        self.state.withLock { state in
            state.counters.received += Int64(ticks.count)
            for tick in states { state.states[tick.venueSymbol] = tick }
            state.statesReceived += Int64(states.count)
        }
        self.journal.append(ticks)
    }

    /// Waits until everything handed over before is written; also for the recorder to run at all.
    ///
    /// - Throws: ``StoreError/recorderState(_:)`` when the recorder has ended.
    public func flush() async throws {
        await self.journal.sync()
        let place = JournalPlace(trades: self.journal.end(of: .trades), quotes: self.journal.end(of: .quotes))
        await withCheckedContinuation { continuation in
            let isDone = self.state.withLock { state in
                let waiter = FlushWaiter(place: place, states: state.statesReceived, continuation: continuation)
                if state.hasEnded || Self.isDone(waiter, state) { return true }
                state.flushWaiters.append(waiter)
                state.isDue = true
                return false
            }
            if isDone { continuation.resume() } else { self.signal.yield() }
        }
        if self.state.withLock({ $0.hasEnded }) {
            throw StoreError.recorderState("The recorder has ended: nothing can be flushed.")
        }
    }

    static func isDone(_ waiter: FlushWaiter, _ state: State) -> Bool {
        guard let place = state.place, state.statesWritten >= waiter.states else { return false }
        return place.trades >= waiter.place.trades && place.quotes >= waiter.place.quotes
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
        defer { self.end() }
        try await WritingLoop(
            interval: self.settings.batchWait, stopTimeout: self.settings.stopTimeout, clock: self.clock
        ).run(
            [
                { try await self.writeBatches() },
                { for await _ in self.journal.signals() { self.signal.yield() } },
            ],
            due: { self.signal { $0.isDue = true } }, stop: { self.signal { $0.isStopping = true } },
            abort: { self.state.withLock { $0.connection }?.abort() })
    }

    /// Changes the state, and wakes the writer.
    private func signal(_ change: (inout State) -> Void) {
        self.state.withLock { change(&$0) }
        self.signal.yield()
    }

    /// The recorder has ended: what still waits stays in the journal.
    private func end() {
        let (pending, waiters) = self.state.withLock { state in
            state.isRunning = false
            state.hasEnded = true
            state.connection = nil
            defer { state.flushWaiters = [] }
            return (state.counters.pending, state.flushWaiters)
        }
        if pending > 0 {
            self.logger.warning(
                "Ticks wait in the journal for the next start", metadata: ["ticks": "\(pending)"])
        }
        for waiter in waiters { waiter.continuation.resume() }
    }
}
