import Logging
import Market
import Postgres
import Synchronization

extension Recorder {
    /// PostgreSQL is tried again at least this often, so that recording goes on soon after it is back.
    private static let longestWait = Duration.seconds(5)

    /// What a transaction did, or would have done if its commit was not answered.
    private struct Attempt: Sendable {
        let outcome: TickWriter.Outcome
        let to: JournalPlace
        let lost: Int64
        /// The states up to this one are in with it.
        let states: Int64
    }

    /// States on their way to the database, and how many had been handed over then.
    private struct TakenStates: Sendable {
        let ticks: [LastTick]
        let received: Int64
    }

    func writeBatches() async throws {
        var signals = self.signals.makeAsyncIterator()
        while !Task.isCancelled {
            let isStopping = self.state.withLock { $0.isStopping }
            if isStopping { await self.journal.sync() }
            while try await self.writeNext() {}
            if isStopping { return }
            await signals.next()
        }
    }

    /// Writes the next batch, however many attempts it takes; `false` when nothing is due.
    private func writeNext() async throws -> Bool {
        var backOff = BackOff(longest: Self.longestWait)
        var unanswered: Attempt?
        while true {
            do {
                let connection = try await self.connection()
                if let attempt = unanswered {
                    unanswered = nil
                    if self.state.withLock({ $0.place == attempt.to }) {
                        await self.settle(attempt)
                        return true
                    }
                }
                guard let place = self.state.withLock({ $0.place }), let ticks = self.due(at: place) else {
                    return false
                }
                let states = self.takeStates()
                do {
                    guard let batch = try self.batch(at: place, ticks, isNeeded: !states.ticks.isEmpty) else {
                        return false
                    }
                    // While PostgreSQL works on this one, the next is made ready.
                    async let next = self.nextBatch(at: batch.batch.to)
                    let (ending, attempt) = try await self.write(batch, states, connection)
                    let ready = await next
                    self.state.withLock { $0.prepared = ready }
                    switch ending {
                    case .committed: await self.settle(attempt)
                    case .moved(let place):
                        self.putBack(states)
                        self.state.withLock { $0.place = place }
                    case .unknown(_, let error):
                        unanswered = attempt
                        throw error
                    }
                    return true
                } catch {
                    self.putBack(states)
                    throw error
                }
            } catch {
                try await self.wait(after: error, &backOff)
            }
        }
    }

    /// How many ticks a batch at `place` may have; `nil` when it shall wait for more.
    private func due(at place: JournalPlace) -> Int? {
        let waiting = self.waiting(at: place)
        if let ticks = self.fullBatch(of: waiting) { return ticks }
        return self.state.withLock { state in
            guard state.isDue || state.isStopping else { return nil }
            state.isDue = false
            return waiting > 0 || !state.states.isEmpty ? self.settings.batchTicksMax : nil
        }
    }

    /// How many of the waiting ticks fill a batch; `nil` when they do not.
    private func fullBatch(of waiting: Int) -> Int? {
        [self.settings.catchUpTicksMax, self.settings.batchTicksMax].first { $0 <= waiting }
    }

    private func waiting(at place: JournalPlace) -> Int {
        Int(self.journal.end(of: .trades) - place.trades + self.journal.end(of: .quotes) - place.quotes)
    }

    /// The batch at `place`; `nil` when there are no ticks, unless one is needed for states alone.
    private func batch(at place: JournalPlace, _ ticks: Int, isNeeded: Bool) throws(JournalError) -> PreparedBatch? {
        if let ready = self.state.withLock({ $0.prepared }), ready.batch.from == place { return ready }
        if let batch = try self.read(at: place, ticks) { return self.writer.prepare(batch) }
        if !isNeeded { return nil }
        return self.writer.prepare(TickBatch(from: place, to: place, trades: [], quotes: [], losses: []))
    }

    /// The next batch, when a full one waits already; `nil` otherwise.
    private func nextBatch(at place: JournalPlace) async -> PreparedBatch? {
        guard let ticks = self.fullBatch(of: self.waiting(at: place)) else { return nil }
        // What cannot be read now is told when its turn comes.
        return (try? self.read(at: place, ticks)).map { self.writer.prepare($0) }
    }

    /// Writes a batch, on the connection's thread.
    private func write(
        _ batch: PreparedBatch, _ states: TakenStates, _ connection: PostgresConnection
    ) async throws -> (TickWriter.Ending, Attempt) {
        let writer = self.writer
        let ending = try await connection.withSession { session in
            try writer.write(batch, states: states.ticks, session)
        }
        let outcome: TickWriter.Outcome
        switch ending {
        case .committed(let done), .unknown(let done, _): outcome = done
        case .moved: outcome = TickWriter.Outcome(trades: [], quotes: 0)
        }
        let lost = batch.batch.losses.reduce(0) { $0 + $1.count }
        return (ending, Attempt(outcome: outcome, to: batch.batch.to, lost: lost, states: states.received))
    }

    private func read(at place: JournalPlace, _ ticks: Int) throws(JournalError) -> TickBatch? {
        let trades = try self.reader(of: .trades, at: place.trades).batch(ticksMax: ticks)
        let room = ticks - (trades?.trades.count ?? 0)
        let quotes = room > 0 ? try self.reader(of: .quotes, at: place.quotes).batch(ticksMax: room) : nil
        if trades == nil, quotes == nil { return nil }
        return TickBatch(
            from: place, to: JournalPlace(trades: trades?.end ?? place.trades, quotes: quotes?.end ?? place.quotes),
            trades: trades?.trades ?? [], quotes: quotes?.quotes ?? [],
            losses: (trades?.lost ?? []) + (quotes?.lost ?? [])
        )
    }

    /// The reader of a stream: the one of the batch before, unless that batch has to be read again.
    private func reader(of stream: JournalStream, at position: Int64) -> JournalReader {
        self.state.withLock { state in
            if let known = state.readers[stream], known.position == position { return known }
            let reader = self.journal.reader(of: stream, from: position)
            state.readers[stream] = reader
            return reader
        }
    }

    private func takeStates() -> TakenStates {
        self.state.withLock { state in
            defer { state.states.removeAll(keepingCapacity: true) }
            return TakenStates(ticks: Array(state.states.values), received: state.statesReceived)
        }
    }

    /// What was not written waits again, unless there is something newer.
    private func putBack(_ states: TakenStates) {
        self.state.withLock { state in
            for tick in states.ticks where state.states[tick.venueSymbol] == nil {
                state.states[tick.venueSymbol] = tick
            }
        }
    }

    /// A batch is in the database: counts it, and tells who waits for it.
    private func settle(_ attempt: Attempt) async {
        let outcome = attempt.outcome
        // First the candles: who hears that a trade is in may look for it there.
        await self.candles?.add(outcome.trades, through: attempt.to.trades)
        let waiters = self.state.withLock { state in
            state.place = attempt.to
            state.counters.recorded += Int64(outcome.recorded)
            state.counters.duplicates += Int64(outcome.duplicates)
            state.counters.quarantined += Int64(outcome.quarantined)
            state.counters.lost += attempt.lost
            state.counters.batches += 1
            state.counters.lastError = nil
            state.statesWritten = attempt.states
            let waiters = state.flushWaiters
            let done = waiters.filter { Self.isDone($0, state) }
            state.flushWaiters = waiters.filter { !Self.isDone($0, state) }
            // Others wait on: their ticks are due at once.
            if !state.flushWaiters.isEmpty { state.isDue = true }
            return done
        }
        self.journal.release(.trades, before: attempt.to.trades)
        self.journal.release(.quotes, before: attempt.to.quotes)
        for waiter in waiters { waiter.continuation.resume() }
        if outcome.quarantined > 0 {
            self.logger.warning(
                "PostgreSQL refused ticks, they are in quarantined_ticks", metadata: ["ticks": "\(outcome.quarantined)"]
            )
        }
        if attempt.lost > 0 {
            self.logger.error(
                "Ticks did not reach PostgreSQL: see recording_losses", metadata: ["ticks": "\(attempt.lost)"])
        }
    }

    // MARK: The connection

    /// The recorder's connection, made anew when it is lost.
    private func connection() async throws -> PostgresConnection {
        let (existing, needsUpkeep, hasConnected) = self.state.withLock { state in
            let needsUpkeep = ContinuousClock.now >= state.nextUpkeep
            if needsUpkeep { state.nextUpkeep = ContinuousClock.now.advanced(by: .seconds(3600)) }
            return (state.connection, needsUpkeep, state.hasConnected)
        }
        let writer = self.writer
        if let existing, existing.isUsable {
            if needsUpkeep { try await existing.withSession { session in try writer.keepUp(session) } }
            return existing
        }
        let connection = try await self.client.connect()
        self.state.withLock { $0.connection = connection }
        let place = try await connection.withSession { session in try writer.prepare(session) }
        self.state.withLock { state in
            if !state.hasConnected {
                // What the journal held when it was opened, and the database does not know.
                let atOpening = self.journal.endAtOpening(of: .trades) + self.journal.endAtOpening(of: .quotes)
                state.counters.resumed = max(0, atOpening - place.trades - place.quotes)
            }
            state.hasConnected = true
            state.place = place
        }
        if hasConnected {
            self.logger.info("Recording goes on", metadata: ["ticks.pending": "\(self.counters.pending)"])
        }
        return connection
    }

    /// Waits before the next attempt; throws what time does not mend.
    private func wait(after error: any Error, _ backOff: inout BackOff) async throws {
        let connection = self.state.withLock { state in
            state.readers = [:]
            state.prepared = nil
            state.counters.lastError = "\(error)"
            defer { state.connection = nil }
            return state.connection
        }
        connection?.abort()
        if Task.isCancelled { throw error }
        switch error {
        case let error as PostgresError where !error.isPermanent: break
        case is JournalError: break
        default: throw error
        }
        let wait = backOff.next()
        self.logger.warning(
            "Recording waits for PostgreSQL",
            metadata: ["error": "\(error)", "wait": "\(wait)", "ticks.pending": "\(self.counters.pending)"]
        )
        try await self.clock.sleep(for: wait)
    }
}
