public import Market
public import Postgres

/// The table `symbol_choices`: what users have added and removed.
///
/// Every change notifies the channel `tickwire_symbols`.
public struct SymbolChoices: Sendable {
    /// What is notified when a symbol is added or removed.
    public static let changesChannel = "tickwire_symbols"
    private let client: PostgresClient

    /// Reads and writes through `client`.
    public init(client: PostgresClient) { self.client = client }

    /// All choices in the order they were made, of which the last one about a symbol and a feed counts.
    public func load() async throws -> [SymbolChoice] {
        // A word about one feed is always later than the one about all feeds, whatever the clock did in between.
        let rows = try await self.client.query(
            """
            SELECT symbol, nullif(feed, ''), is_wanted FROM symbol_choices
            ORDER BY feed <> '', changed_at, symbol COLLATE "C", feed COLLATE "C"
            """
        )
        return try rows.map { row in
            SymbolChoice(
                symbol: try row.symbol(0), feed: row.isNull(1) ? nil : try row.venue(1), isWanted: try row.boolean(2))
        }
    }

    /// Stores a choice about each of `symbols`, in place of those that it contradicts or repeats.
    ///
    /// - Parameters:
    ///   - symbols: What is added or removed.
    ///   - feed: The only feed that is meant; `nil` is every feed, whatever was said about single ones before. An addition
    ///     for single ones stays beside one for every feed, which reaches only those that are about such instruments.
    ///   - isWanted: Whether the symbols are added.
    /// - Throws: `PostgresError`.
    public func store(_ symbols: [Symbol], feed: Venue?, isWanted: Bool) async throws {
        if symbols.isEmpty { return }
        try await self.client.query(
            """
            WITH given AS (SELECT DISTINCT symbol FROM unnest($1::text[]) AS given (symbol)),
                superseded AS (
                    DELETE FROM symbol_choices USING given
                    WHERE symbol_choices.symbol = given.symbol AND $2 = '' AND symbol_choices.feed <> ''
                        AND NOT (symbol_choices.is_wanted AND $3)
                )
            INSERT INTO symbol_choices (symbol, feed, is_wanted) SELECT symbol, $2, $3 FROM given ORDER BY symbol
            ON CONFLICT (symbol, feed) DO UPDATE SET is_wanted = excluded.is_wanted, changed_at = excluded.changed_at
            """,
            [.array(Set(symbols).sorted().map(\.name)), .text(feed?.name ?? ""), .boolean(isWanted)]
        )
    }
}
