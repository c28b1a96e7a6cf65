public import FeedLanguage
public import Market

/// What a feed is asked for: a list to begin with, and what users have added and removed on top.
public struct SymbolSelection: Equatable, Sendable {
    /// The list to begin with.
    public enum Base: Equatable, Sendable {
        /// The `defaults` of the feed's file, those of the version in use.
        case defaults
        /// A list that was given.
        case list([Symbol])
        /// All that the simulated market has, where nobody named any of it.
        case simulated([Symbol])
    }

    /// Where a symbol comes from.
    public enum Origin: String, Sendable {
        /// The feed's file.
        case defaults = "default"
        /// The settings.
        case settings = "--symbols"
        /// The simulated market.
        case simulated
        /// A user.
        case added
    }

    /// A symbol that is asked for.
    public struct Entry: Equatable, Sendable {
        /// The symbol.
        public let symbol: Symbol
        /// Where it comes from.
        public let origin: Origin
    }

    /// The list to begin with.
    public var base: Base
    /// All that there is where the feed connects; `nil` where only the venue knows.
    public var available: Set<Symbol>?

    /// Makes a selection.
    public init(_ base: Base, available: Set<Symbol>? = nil) {
        self.base = base
        self.available = available
    }

    /// What a feed is asked for: the list, then what was added, each in the order given.
    ///
    /// What was added for every feed is left out where the feed cannot have it; what was added for this one is not, so that its
    /// refusal shows.
    ///
    /// - Parameters:
    ///   - feed: The feed.
    ///   - choices: What users have said, oldest first: the last word about a symbol counts.
    /// - Returns: Each symbol once.
    public func entries(for feed: Feed, choices: [SymbolChoice]) -> [Entry] {
        let words = Self.lastWords(choices, of: feed.name)
        var seen: Set<Symbol> = []
        var entries: [Entry] = []
        for symbol in self.symbols(of: feed) where words[symbol]?.isWanted != false && seen.insert(symbol).inserted {
            entries.append(Entry(symbol: symbol, origin: self.origin))
        }
        for choice in choices where words[choice.symbol] == choice && choice.isWanted {
            guard choice.feed != nil || feed.mayHave(choice.symbol), seen.insert(choice.symbol).inserted else {
                continue
            }
            entries.append(Entry(symbol: choice.symbol, origin: .added))
        }
        return entries
    }

    /// The choices that hold out symbols of the list to begin with.
    ///
    /// - Parameters:
    ///   - feed: The feed.
    ///   - choices: What users have said, oldest first.
    /// - Returns: One choice for each symbol that is held out.
    public func removals(for feed: Feed, choices: [SymbolChoice]) -> [SymbolChoice] {
        let words = Self.lastWords(choices, of: feed.name)
        return self.symbols(of: feed).compactMap { words[$0] }.filter { !$0.isWanted }
    }

    private func symbols(of feed: Feed) -> [Symbol] {
        switch self.base {
        case .defaults: feed.defaultSymbols
        case .list(let symbols), .simulated(let symbols): symbols
        }
    }

    private var origin: Origin {
        switch self.base {
        case .defaults: .defaults
        case .list: .settings
        case .simulated: .simulated
        }
    }

    private static func lastWords(_ choices: [SymbolChoice], of feed: Venue) -> [Symbol: SymbolChoice] {
        Dictionary(choices.filter { $0.concerns(feed) }.map { ($0.symbol, $0) }, uniquingKeysWith: { $1 })
    }
}
