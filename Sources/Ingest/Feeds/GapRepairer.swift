public import Market

/// Fetches what a feed missed.
public protocol GapRepairer: Sendable {
    /// The trades inside a hole, oldest first and each once; empty when there were none.
    ///
    /// - Parameter gap: Names its symbol: a hole over a whole connection is asked for symbol by symbol.
    /// - Returns: Trades strictly between the gap's bounds.
    /// - Throws: When the venue cannot be asked, or not for so far back: the hole stays open.
    func trades(filling gap: TickGap) async throws -> [Trade]
}
