public import Logging
public import Market
public import Postgres

/// Computes candles from the recorded trades.
public struct CandleBuilder: Sendable {
    /// Works through `client`.
    public init(client: PostgresClient, catalog: SymbolCatalog, logger: Logger) {}

    /// Recomputes the candles of all kept intervals on all UTC days that `[since, until)` touches.
    ///
    /// Safe while candles are written, by this process or another one: see docs/decisions/0004. One transaction a day and
    /// symbol.
    ///
    /// - Parameters:
    ///   - symbol: One symbol only.
    ///   - venue: One venue only.
    ///   - since: The earliest event time; `nil` for the first trade.
    ///   - until: The latest event time, excluded; `nil` for the last trade.
    ///   - progress: Called after each day.
    /// - Returns: What was done.
    /// - Throws: ``StoreError/unknownSymbol(_:nearest:)``, ``StoreError/unknownVenue(_:known:)``,
    ///   ``StoreError/invalidRange(_:)`` or ``PostgresError``.
    public func rebuild(
        symbol: Symbol? = nil, venue: Venue? = nil, since: Timestamp? = nil, until: Timestamp? = nil,
        progress: (CandleRebuild) -> Void = { _ in }
    ) async throws -> CandleRebuild { CandleRebuild() }

    /// Adds trades to the candles that journals nobody writes from any more have left out: processes that crashed and did
    /// not come back.
    ///
    /// - Parameter age: Only batches recorded at least so long ago.
    /// - Returns: How many trades were added.
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func mend(olderThan age: Duration = .seconds(3600)) async throws -> Int { 0 }
}
