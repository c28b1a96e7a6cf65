/// A user's word on a symbol, on top of what the settings and the feed files ask for.
public struct SymbolChoice: Hashable, Sendable {
    /// The instrument.
    public let symbol: Symbol
    /// The only feed that is meant; `nil` is every feed that has a name for the symbol.
    public let feed: Venue?
    /// Whether the symbol is to be subscribed, or left out.
    public let isWanted: Bool

    /// Makes a choice.
    public init(symbol: Symbol, feed: Venue? = nil, isWanted: Bool) {
        self.symbol = symbol
        self.feed = feed
        self.isWanted = isWanted
    }

    /// Whether `feed` is meant.
    public func concerns(_ feed: Venue) -> Bool { self.feed.map { $0 == feed } ?? true }
}
