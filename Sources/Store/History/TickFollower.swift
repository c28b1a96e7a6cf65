import Market
public import Postgres

/// Reads the ticks of the past and goes on with those that are recorded from now on: none is left out, none comes twice.
///
/// Exact by PostgreSQL's own visibility: each look at the database is a snapshot, and what is new is what this snapshot sees and
/// the one before did not, whatever the event times. A tick that was repaired or came late appears when it is recorded. Stalls
/// of a recorder, several recorders, and restarts of them or of PostgreSQL change nothing: transaction numbers survive.
/// Within a look ticks are in the order of ``TickCursor``. docs/history.md, "Follow".
public struct TickFollower: Sendable {
    /// What a follower tells.
    public enum Event: Sendable {
        /// Ticks, the next ones.
        case ticks([PlacedTick])
        /// The past has been told: what follows is news.
        case isLive
        /// The connection was lost; it is tried again.
        case interrupted(PostgresError)
        /// The connection is back.
        case resumed
    }

    /// What recorders notify after a batch; its name is part of the schema.
    public static let channel = "tickwire_ticks"
    /// How long the list of batches is sure to reach back; recorders keep it for a day.
    private static let listed: Int64 = 86_400_000_000_000 - 600_000_000_000

    private let history: History
    private let query: TickQuery
    private let pollEvery: Duration

    /// Makes a follower.
    ///
    /// - Parameters:
    ///   - query: The ticks wanted; it must have no end.
    ///   - history: The database.
    ///   - pollEvery: How long no notification may keep it from looking.
    public init(_ query: TickQuery, in history: History, pollEvery: Duration = .seconds(2)) {
        self.query = query
        self.history = history
        self.pollEvery = pollEvery
    }

    /// What has been told.
    private struct Progress {
        /// Everything that this snapshot sees; `nil` before the first look has ended.
        var told: String?
        /// Of what a later snapshot sees, everything up to a tick: a look that was cut off.
        var partial: (snapshot: String, through: TickCursor)?
        /// When the database was seen last, by its own clock.
        var lastLook: Timestamp?
        var isLive = false
    }

    /// Calls `handle` with each event until the task is cancelled.
    ///
    /// - Throws: ``StoreError``, ``PostgresError`` before the first look and for errors that time does not mend, or what `handle`
    ///   throws.
    public func run(_ handle: (Event) async throws -> Void) async throws {
        let selections = try await self.history.selections(self.query)
        if selections.isEmpty { return }
        var progress = Progress()
        var backOff = BackOff(longest: .seconds(5))
        var isInterrupted = false
        while true {
            try Task.checkCancellation()
            do {
                let connections = try await self.connect(selections.count)
                defer { for connection in connections { connection.abort() } }
                if isInterrupted { try await handle(.resumed) }
                isInterrupted = false
                backOff.reset()
                try await self.follow(connections, selections, &progress, handle)
            } catch let error as PostgresError where error.isTransient && progress.lastLook != nil {
                if !isInterrupted { try await handle(.interrupted(error)) }
                isInterrupted = true
                try await Task.sleep(for: backOff.next())
            }
        }
    }

    private func connect(_ count: Int) async throws -> [PostgresConnection] {
        var connections: [PostgresConnection] = []
        for _ in 0..<count { connections.append(try await self.history.client.connect()) }
        return connections
    }

    /// Looks whenever there is something new, until the connection is lost.
    private func follow(
        _ connections: [PostgresConnection], _ selections: [TickSelection], _ progress: inout Progress,
        _ handle: (Event) async throws -> Void
    ) async throws {
        // Before the first look: a batch that comes in between is notified.
        let notifications = try await connections[0].listen([Self.channel])
        let (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        waker.yield()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in notifications { waker.yield() }
                waker.finish()
            }
            group.addTask { [pollEvery] in
                while true {
                    try await Task.sleep(for: pollEvery)
                    waker.yield()
                }
            }
            defer { group.cancelAll() }
            for await _ in wakes {
                try await self.look(connections, selections, &progress, handle)
                guard !progress.isLive else { continue }
                progress.isLive = true
                try await handle(.isLive)
            }
            // Says why the stream of notifications has ended.
            try Task.checkCancellation()
            try await connections[0].execute("SELECT")
        }
    }

    // MARK: A look

    private func look(
        _ connections: [PostgresConnection], _ selections: [TickSelection], _ progress: inout Progress,
        _ handle: (Event) async throws -> Void
    ) async throws {
        let first = connections[0]
        try await first.execute(History.begin)
        let row = try await first.query("SELECT pg_current_snapshot()::text, clock_timestamp()")[0]
        let snapshot = try row.text(0)
        let now = try row.timestamp(1)
        if let lastLook = progress.lastLook, now.nanoseconds - lastLook.nanoseconds > Self.listed {
            throw StoreError.tooFarBehind(lastLook: lastLook.description)
        }
        for other in connections.dropFirst() {
            try await other.execute(History.begin)
            let exported = try await first.query("SELECT pg_export_snapshot()")[0].text(0)
            try await other.execute("SET TRANSACTION SNAPSHOT '\(exported)'")
        }
        progress.lastLook = now
        let reading = Reading(
            connections: connections, selections: selections,
            decoding: History.TickDecoding(
                symbol: self.query.symbol, venues: try await self.venues(first)))
        if let partial = progress.partial {
            // What is new and lies before the place where the look was cut off comes in one piece, so that the look is then as
            // one that was cut off just now.
            var late: [PlacedTick] = []
            let batches = try await RecordedBatches(since: partial.snapshot, first)
            try await reading.stream(batches, [.through(partial.through)]) { late += $0 }
            if !late.isEmpty { try await handle(.ticks(late)) }
            progress.partial = (snapshot, partial.through)
        }
        let bounds = progress.partial.map { [TickSelection.Bound.after($0.through)] } ?? []
        let handOn: ([PlacedTick]) async throws -> Void = { ticks in
            guard let last = ticks.last else { return }
            // Before it is told: what throws in there ends the following anyhow.
            progress.partial = (snapshot, last.cursor)
            try await handle(.ticks(ticks))
        }
        if let told = progress.told {
            try await reading.stream(RecordedBatches(since: told, first), bounds, handOn)
        } else {
            var skip = 0
            var selections = selections
            if bounds.isEmpty, case .newest(let count) = self.query.count {
                skip = try await History.cut(&selections, toNewest: count, first)
            }
            try await reading.stream(selections, bounds, skip: skip, handOn)
        }
        progress.told = snapshot
        progress.partial = nil
        for connection in connections { try await connection.execute("COMMIT") }
    }

    /// Names of venues, on the follower's own connection.
    private func venues(_ connection: PostgresConnection) async throws -> [Int16: Venue] {
        var venues: [Int16: Venue] = [:]
        for row in try await connection.query("SELECT name, id FROM venues") {
            venues[Int16(truncatingIfNeeded: try row.integer(1))] = try row.venue(0)
        }
        return venues
    }

    /// Connections that see one moment, and what is read over them.
    private struct Reading {
        let connections: [PostgresConnection]
        let selections: [TickSelection]
        let decoding: History.TickDecoding

        func stream(
            _ selections: [TickSelection], _ bounds: [TickSelection.Bound], skip: Int = 0,
            _ body: ([PlacedTick]) async throws -> Void
        ) async throws {
            var selections = selections
            for index in selections.indices { selections[index].bounds = bounds }
            try await History.stream(selections, on: self.connections, self.decoding, skip: skip, body)
        }

        func stream(
            _ batches: RecordedBatches, _ bounds: [TickSelection.Bound], _ body: ([PlacedTick]) async throws -> Void
        ) async throws {
            for stretch in batches.stretches {
                var selections = self.selections
                for index in selections.indices {
                    let since = selections[index].since
                    selections[index].since = max(stretch.from, since ?? stretch.from)
                    selections[index].until = stretch.to.advanced(byNanoseconds: 1_000)
                    selections[index].condition = stretch.condition
                }
                try await self.stream(selections, bounds, body)
            }
        }
    }
}
