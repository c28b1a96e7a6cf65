public import Market
import Postgres

extension History {
    /// Reads ticks, oldest first, in batches: memory does not grow with their number, but for those of one event time.
    ///
    /// All are of one moment of the database. The order is that of ``TickCursor``; `.newest` keeps the newest, oldest first too.
    ///
    /// - Parameters:
    ///   - query: Which ticks.
    ///   - batchSize: Ticks in a batch at most.
    ///   - body: Gets each batch; the next one is read when it returns.
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)``, ``StoreError/unknownVenue(_:known:)``,
    ///   ``StoreError/invalidRange(_:)``, ``PostgresError`` or what `body` throws.
    public func placedTicks(
        _ query: TickQuery, batchSize: Int = 4_000, _ body: ([PlacedTick]) async throws -> Void
    ) async throws {
        var selections = try await self.selections(query)
        if selections.isEmpty { return }
        let venues = try await self.catalog.venuesByID()
        try await self.readingTogether(selections.count) { connections in
            var skipped = 0
            var limit = Int.max
            switch query.count {
            case nil: break
            case .first(let count):
                limit = count
                for index in selections.indices { selections[index].limit = count }
            case .newest(let count): skipped = try await Self.cut(&selections, toNewest: count, connections[0])
            }
            try await Self.stream(
                selections, on: connections, TickDecoding(symbol: query.symbol, venues: venues), skip: skipped,
                limit: limit, batchSize: batchSize, body)
        }
    }

    /// Reads ticks without their places; see ``placedTicks(_:batchSize:_:)``.
    ///
    /// - Parameters:
    ///   - query: Which ticks.
    ///   - batchSize: Ticks in a batch at most.
    ///   - body: Gets each batch; the next one is read when it returns.
    /// - Throws: What ``placedTicks(_:batchSize:_:)`` throws.
    public func ticks(
        _ query: TickQuery, batchSize: Int = 4_000, _ body: ([Tick]) async throws -> Void
    ) async throws {
        try await self.placedTicks(query, batchSize: batchSize) { try await body($0.map(\.tick)) }
    }

    /// A page of ticks, for callers that come back for the next one.
    ///
    /// - Parameters:
    ///   - query: Which ticks; its ``TickQuery/count`` does not count here.
    ///   - direction: From the oldest on, or from the newest back.
    ///   - cursor: ``HistoryPage/next`` of the page before; `nil` for the first page.
    ///   - limit: Ticks on the page at most, at least 1.
    /// - Returns: The ticks in the direction of turning. The cursor is that of the last one.
    /// - Throws: What ``placedTicks(_:batchSize:_:)`` throws.
    public func tickPage(
        _ query: TickQuery, _ direction: HistoryDirection = .forward, after cursor: TickCursor? = nil, limit: Int
    ) async throws -> HistoryPage<Tick, TickCursor> {
        let limit = max(1, limit)
        var selections = try await self.selections(query)
        if selections.isEmpty { return HistoryPage(elements: [], next: nil) }
        for index in selections.indices {
            selections[index].direction = direction
            // One more tells whether there is a next page.
            selections[index].limit = limit + 1
            if let cursor { selections[index].bounds = [direction == .forward ? .after(cursor) : .before(cursor)] }
        }
        let venues = try await self.catalog.venuesByID()
        var ticks: [PlacedTick] = []
        try await self.readingTogether(selections.count) { connections in
            try await Self.stream(
                selections, on: connections, TickDecoding(symbol: query.symbol, venues: venues), limit: limit + 1
            ) { ticks += $0 }
        }
        let page = ticks.prefix(limit)
        return HistoryPage(elements: page.map(\.tick), next: ticks.count > limit ? page.last?.cursor : nil)
    }

    // MARK: Reading

    /// What rows need to become ticks.
    struct TickDecoding: Sendable {
        let symbol: Symbol
        let venues: [Int16: Venue]
    }

    /// The statements of a query, one a kind.
    func selections(_ query: TickQuery) async throws -> [TickSelection] {
        let ids = try await self.ids(query.symbol, query.venue, since: query.since, until: query.until)
        return TickQuery.Kind.allCases.filter(query.kinds.contains).map { kind in
            TickSelection(
                kind: kind, symbolID: ids.symbol, venueID: ids.venue, since: query.since, until: query.until)
        }
    }

    /// Runs `body` with so many connections that see the same moment of the database.
    ///
    /// The first one is the pool's; the others come on top of it, so that readers never wait for each other.
    private func readingTogether(
        _ count: Int, _ body: ([PostgresConnection]) async throws -> Void
    ) async throws {
        try await self.reading { connection in
            var connections = [connection]
            defer { for other in connections.dropFirst() { other.abort() } }
            for _ in 1..<max(1, count) { connections.append(try await self.connect(seeing: connection)) }
            try await body(connections)
        }
    }

    /// A connection outside the pool, in a transaction that sees what the one of `connection` sees.
    func connect(seeing connection: PostgresConnection) async throws -> PostgresConnection {
        let snapshot = try await connection.query("SELECT pg_export_snapshot()")[0].text(0)
        let other = try await self.client.connect()
        try await other.execute(Self.begin)
        try await other.execute("SET TRANSACTION SNAPSHOT '\(snapshot)'")
        return other
    }

    /// Lets the selections begin where the newest `count` ticks of all begin, or shortly before.
    ///
    /// - Returns: How many ticks come before them.
    static func cut(
        _ selections: inout [TickSelection], toNewest count: Int, _ connection: PostgresConnection
    ) async throws -> Int {
        var start: Timestamp?
        for selection in selections {
            guard let row = try await connection.query(selection.time(ofNewest: count)).first else { continue }
            let time = try row.timestamp(0)
            // Each kind alone has enough ticks from its own start on: the later start is early enough for all.
            start = max(time, start ?? time)
        }
        var total = 0
        for index in selections.indices {
            if let start { selections[index].since = start }
            total += Int(try await connection.query(selections[index].count)[0].integer(0))
        }
        return max(0, total - count)
    }

    /// Reads the selections' ticks in one order.
    ///
    /// - Parameters:
    ///   - selections: One or two, of one direction.
    ///   - connections: One a selection, all seeing the same moment.
    ///   - decoding: Turns ids into names.
    ///   - skip: So many at the beginning are left out.
    ///   - limit: How many are wanted at most.
    ///   - batchSize: Ticks in a batch at most.
    ///   - body: Gets each batch.
    /// - Throws: ``PostgresError`` or what `body` throws.
    static func stream(
        _ selections: [TickSelection], on connections: [PostgresConnection], _ decoding: TickDecoding, skip: Int = 0,
        limit: Int = .max, batchSize: Int = 4_000, _ body: ([PlacedTick]) async throws -> Void
    ) async throws {
        guard let selection = selections.first else { return }
        func reader(_ selection: TickSelection, _ copy: PostgresCopyOut) -> TickReader {
            TickReader(
                copy, TickDecoder(symbol: decoding.symbol, venues: decoding.venues, kind: selection.kind),
                selection.direction)
        }
        try await connections[0].withCopyOut(selection.copy) { copy in
            var output = TickBatches(skip: skip, limit: limit, batchSize: batchSize)
            var first = reader(selection, copy)
            guard selections.count > 1 else {
                while try await output.take(from: &first, body) {}
                try await output.finish(body)
                return try await copy.drain()
            }
            try await connections[1].withCopyOut(selections[1].copy) { other in
                var second = reader(selections[1], other)
                while try await output.takeEarlier(&first, &second, selection.direction, body) {}
                try await output.finish(body)
                try await other.drain()
                try await copy.drain()
            }
        }
    }
}
