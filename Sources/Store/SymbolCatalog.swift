public import Market
public import Postgres
import Synchronization

/// The ids of symbols and venues in the database: created on demand, kept in memory, never changed once given.
public final class SymbolCatalog: Sendable {
    private struct State {
        var symbolIDs: [Symbol: Int32] = [:]
        var venueIDs: [Venue: Int16] = [:]
        var symbols: [Int32: Symbol] = [:]
        var venues: [Int16: Venue] = [:]
    }

    private let client: PostgresClient
    private let state = Mutex(State())

    /// Makes an empty catalog of the database behind `client`.
    public init(client: PostgresClient) { self.client = client }

    /// Enters symbols with what kind of instrument they are, or corrects the kind of symbols that are there.
    public func register(_ symbols: [Symbol], asset: AssetClass) async throws {
        if symbols.isEmpty { return }
        let names = Set(symbols).sorted().map(\.name)
        try await self.client.withConnection { connection in
            try await connection.withSession { session in
                try session.transaction { session throws(PostgresError) in
                    try session.query(
                        """
                        INSERT INTO symbols (name, asset) SELECT name, $2 FROM unnest($1::text[]) AS given (name)
                        WHERE NOT EXISTS (SELECT FROM symbols WHERE symbols.name = given.name)
                        ON CONFLICT (name) DO NOTHING
                        """,
                        [.array(names), .text(asset.rawValue)]
                    )
                    try session.query(
                        "UPDATE symbols SET asset = $2 WHERE name = ANY ($1::text[]) AND asset <> $2",
                        [.array(names), .text(asset.rawValue)]
                    )
                }
                try self.resolve(symbols: Set(symbols), venues: [], session)
            }
        }
    }

    /// All known symbols in alphabetical order.
    public func symbols() async throws -> [Symbol] {
        var symbols: [Symbol] = []
        for row in try await self.client.query("SELECT name FROM symbols ORDER BY name COLLATE \"C\"") {
            symbols.append(try row.symbol(0))
        }
        return symbols
    }

    /// All known venues in alphabetical order.
    public func venues() async throws -> [Venue] {
        var venues: [Venue] = []
        for row in try await self.client.query("SELECT name FROM venues ORDER BY name COLLATE \"C\"") {
            venues.append(try row.venue(0))
        }
        return venues
    }

    /// The id of a symbol that was recorded or registered.
    ///
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)`` with up to three known ones that look like it, or ``PostgresError``.
    func id(of symbol: Symbol) async throws -> Int32 {
        if let id = self.state.withLock({ $0.symbolIDs[symbol] }) { return id }
        let rows = try await self.client.query("SELECT id FROM symbols WHERE name = $1", [.text(symbol.name)])
        guard let row = rows.first else {
            throw StoreError.unknownSymbol(
                symbol.name, nearest: Spelling.nearest(to: symbol.name, among: try await self.symbols().map(\.name)))
        }
        let id = Int32(truncatingIfNeeded: try row.integer(0))
        self.remember(symbols: [(symbol, id)], venues: [])
        return id
    }

    /// The id of a venue that was recorded.
    ///
    /// - Throws: ``StoreError/unknownVenue(_:known:)`` or ``PostgresError``.
    func id(of venue: Venue) async throws -> Int16 {
        if let id = self.state.withLock({ $0.venueIDs[venue] }) { return id }
        let rows = try await self.client.query("SELECT id FROM venues WHERE name = $1", [.text(venue.name)])
        guard let row = rows.first else {
            throw StoreError.unknownVenue(venue.name, known: try await self.venues().map(\.name))
        }
        let id = Int16(truncatingIfNeeded: try row.integer(0))
        self.remember(symbols: [], venues: [(venue, id)])
        return id
    }

    /// All venues by id.
    func venuesByID() async throws -> [Int16: Venue] {
        for row in try await self.client.query("SELECT name, id FROM venues") {
            self.remember(symbols: [], venues: [(try row.venue(0), Int16(truncatingIfNeeded: try row.integer(1)))])
        }
        return self.state.withLock { $0.venues }
    }

    /// Gives every one of `symbols` and `venues` an id, on a connection that has no transaction open: an id that is
    /// remembered here must not be rolled back there.
    func resolve(symbols: Set<Symbol>, venues: Set<Venue>, _ session: PostgresSession) throws(PostgresError) {
        let (newSymbols, newVenues) = self.state.withLock { state in
            (
                symbols.filter { state.symbolIDs[$0] == nil }.sorted(),
                venues.filter { state.venueIDs[$0] == nil }.sorted()
            )
        }
        if !newSymbols.isEmpty {
            let names = PostgresParameter.array(newSymbols.map(\.name))
            // Without better knowledge: pairs are crypto, single names are stocks. `register` knows better.
            let assets = newSymbols.map { $0.quoteCurrency == nil ? AssetClass.stock : AssetClass.crypto }
            try session.query(
                """
                INSERT INTO symbols (name, asset)
                SELECT name, asset FROM unnest($1::text[], $2::text[]) AS given (name, asset)
                WHERE NOT EXISTS (SELECT FROM symbols WHERE symbols.name = given.name)
                ON CONFLICT (name) DO NOTHING
                """,
                [names, .array(assets.map(\.rawValue))]
            )
            for row in try session.query("SELECT name, id FROM symbols WHERE name = ANY ($1::text[])", [names]) {
                self.remember(symbols: [(try row.symbol(0), Int32(truncatingIfNeeded: try row.integer(1)))], venues: [])
            }
        }
        if !newVenues.isEmpty {
            let names = PostgresParameter.array(newVenues.map(\.name))
            try session.query(
                """
                INSERT INTO venues (name) SELECT name FROM unnest($1::text[]) AS given (name)
                WHERE NOT EXISTS (SELECT FROM venues WHERE venues.name = given.name)
                ON CONFLICT (name) DO NOTHING
                """,
                [names]
            )
            for row in try session.query("SELECT name, id FROM venues WHERE name = ANY ($1::text[])", [names]) {
                self.remember(symbols: [], venues: [(try row.venue(0), Int16(truncatingIfNeeded: try row.integer(1)))])
            }
        }
    }

    /// The ids in memory, to look many up without taking the lock for each.
    var ids: (symbols: [Symbol: Int32], venues: [Venue: Int16]) {
        self.state.withLock { ($0.symbolIDs, $0.venueIDs) }
    }

    private func remember(symbols: [(Symbol, Int32)], venues: [(Venue, Int16)]) {
        self.state.withLock { state in
            for (symbol, id) in symbols {
                state.symbolIDs[symbol] = id
                state.symbols[id] = symbol
            }
            for (venue, id) in venues {
                state.venueIDs[venue] = id
                state.venues[id] = venue
            }
        }
    }
}
