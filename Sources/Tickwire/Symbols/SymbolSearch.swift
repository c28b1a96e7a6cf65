public import FeedLanguage
public import Market

/// Finds symbols by a part of their name, in upper or lower case and with or without separators.
public struct SymbolSearch: Sendable {
    /// A symbol that a feed can be asked for.
    public struct Match: Hashable, Sendable {
        /// The symbol; `nil` when the feed's file has no spelling that leads to it.
        public let symbol: Symbol?
        /// The feed.
        public let feed: Venue
        /// The venue's own name of it.
        public let native: String

        /// Makes a match.
        public init(symbol: Symbol?, feed: Venue, native: String) {
            self.symbol = symbol
            self.feed = feed
            self.native = native
        }
    }

    private let text: String
    private let bareText: String
    private var ranked: [(match: Match, rank: Int)] = []
    private var seen: Set<Match> = []
    private var names: Set<String> = []

    /// Looks for `text`.
    public init(_ text: String) {
        self.text = text.lowercased()
        self.bareText = Self.bare(text)
    }

    /// Looks at what a feed can be asked for.
    public mutating func look(at symbol: Symbol?, feed: Venue, native: String) {
        if let symbol { self.names.formUnion([symbol.name, symbol.base]) } else { self.names.insert(native) }
        let match = Match(symbol: symbol, feed: feed, native: native)
        guard let rank = self.rank(symbol, native), self.seen.insert(match).inserted else { return }
        self.ranked.append((match: match, rank: rank))
    }

    /// Looks at the symbols that a feed's file names, and at others that it may have.
    public mutating func look(at feed: Feed, others: [Symbol] = []) {
        for symbol in feed.namedSymbols + others {
            guard let native = feed.nativeSymbol(for: symbol) else { continue }
            self.look(at: symbol, feed: feed.name, native: native)
        }
    }

    /// Looks at a provider's list.
    public mutating func look(at listings: [Listing], of feed: Feed) {
        for listing in listings { self.look(at: listing.symbol, feed: feed.name, native: listing.native) }
    }

    /// What was found: whole names first, then those that begin with the text, then those that hold it; each by symbol and feed.
    public var matches: [Match] {
        self.ranked.sorted { left, right in
            let (one, other) = (left.match, right.match)
            return (left.rank, one.symbol?.name ?? one.native, one.feed, one.native)
                < (right.rank, other.symbol?.name ?? other.native, other.feed, other.native)
        }.map(\.match)
    }

    /// Names near to the text, three at most, for when nothing was found.
    public var nearest: [String] { Spelling.nearest(to: self.text, among: self.names.sorted()) }

    /// How well names fit the text, 0 best; `nil` when they do not.
    private func rank(_ symbol: Symbol?, _ native: String) -> Int? {
        let names = [symbol?.name, symbol?.base, native].compactMap { $0?.lowercased() }
        if names.contains(self.text) { return 0 }
        let bareNames = names.map(Self.bare)
        if !self.bareText.isEmpty, bareNames.contains(self.bareText) { return 0 }
        if (names + bareNames).contains(where: { $0.hasPrefix(self.text) }) { return 1 }
        if names.contains(where: { $0.contains(self.text) }) { return 2 }
        return !self.bareText.isEmpty && bareNames.contains { $0.contains(self.bareText) } ? 2 : nil
    }

    /// Letters and digits alone, in lower case: `btc/usd`, `BTC-USD` and `BTC_USD` are one.
    private static func bare(_ text: String) -> String { text.lowercased().filter { $0.isLetter || $0.isNumber } }
}
