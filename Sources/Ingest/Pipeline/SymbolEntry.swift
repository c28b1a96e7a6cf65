import Market

/// One symbol with its venues; the primary one drives the plain channels.
///
/// Belongs to one shard and is touched on its event loop only.
final class SymbolEntry {
    /// Best first.
    private(set) var venues: [VenueEntry]
    var primary: VenueEntry
    var sequence: UInt64
    var tradeSequence: UInt64
    /// Subscribers of the plain channel were told that it is stale.
    var isStale = false
    /// Trades that venues of this symbol hold back.
    var heldCount = 0
    /// Whether alerts watch it, now or earlier.
    var hasAlerts = false
    /// Whether the shard looks at its candles once a second.
    var areCandlesListed = false
    let symbol: Symbol
    let tickerChannel: String
    let tradesChannel: String

    init(symbol: Symbol, first: VenueEntry, sequenceStart: UInt64) {
        self.symbol = symbol
        self.venues = [first]
        self.primary = first
        self.sequence = sequenceStart
        self.tradeSequence = sequenceStart
        self.tickerChannel = "ticker-\(symbol)"
        self.tradesChannel = "trades-\(symbol)"
    }

    /// The entry of a venue; a symbol has few of them.
    @inline(__always)
    func entry(of venue: Venue) -> VenueEntry? {
        for entry in self.venues where entry.venue == venue { return entry }
        return nil
    }

    func add(_ entry: VenueEntry) {
        let index = self.venues.firstIndex { $0.rank > entry.rank } ?? self.venues.count
        self.venues.insert(entry, at: index)
    }

    func countHeld() { self.heldCount = self.venues.reduce(0) { $0 + $1.tickGuard.prices.held.count } }
}
