import FeedLanguage
public import Ingest
public import Market
public import Store

/// What `tickwire symbols list` shows: which symbols are asked of which venues, and what has become of it.
public struct SymbolOverview: Sendable {
    /// A symbol at a venue.
    public struct Row: Equatable, Sendable {
        /// The symbol.
        public let symbol: Symbol
        /// The venue; `*` where a word for every feed concerns none that is enabled.
        public let venue: String
        /// `default`, `--symbols`, `simulated`, `added` or `removed`.
        public let origin: String
        /// `pending`, `subscribed` or `refused`; `nil` when no service tells.
        public var state: String?
        /// Why it is refused, or cannot be subscribed.
        public var reason: String?
        /// The newest tick that is stored.
        public var last: LastTick?
    }

    /// The rows, by symbol and then in the order of the feeds.
    public let rows: [Row]

    /// Puts together what is known.
    ///
    /// - Parameters:
    ///   - enabled: The feeds that run, or are enabled.
    ///   - choices: What users have added and removed, oldest first.
    ///   - reports: What a running service says; `nil` where none answers.
    ///   - lastTicks: The newest tick of each symbol and venue.
    public init(enabled: EnabledFeeds, choices: [SymbolChoice], reports: [FeedReport]?, lastTicks: [LastTick]) {
        var rows: [Row] = []
        if let reports {
            for report in reports { rows += Self.rows(of: report) }
        } else {
            for feed in enabled.feeds {
                for entry in enabled.entries(of: feed, choices: choices) {
                    rows.append(Row(symbol: entry.symbol, venue: feed.name.name, origin: entry.origin.rawValue))
                }
            }
        }
        let shown = Set(rows.map { Place(symbol: $0.symbol.name, venue: $0.venue) })
        for choice in choices { rows += Self.rows(of: choice, enabled, choices, shown) }
        let last = Dictionary(
            lastTicks.map { (Place(symbol: $0.symbol.name, venue: $0.venue.name), $0) }, uniquingKeysWith: { $1 })
        for index in rows.indices {
            rows[index].last = last[Place(symbol: rows[index].symbol.name, venue: rows[index].venue)]
        }
        // Sorting keeps the order of the feeds only with their places.
        self.rows = rows.enumerated().sorted { ($0.element.symbol, $0.offset) < ($1.element.symbol, $1.offset) }
            .map(\.element)
    }

    private struct Place: Hashable {
        let symbol: String
        let venue: String
    }

    /// What a running feed has of its symbols; of a symbol on several connections the worst counts.
    private static func rows(
        of report: FeedReport
    ) -> [Row] {
        var rows: [Row] = []
        for entry in report.symbols {
            // A name outside the grammar is no answer of this version's service.
            guard let symbol = try? Symbol(entry.symbol) else { continue }
            let row = Row(
                symbol: symbol, venue: report.feed, origin: entry.origin ?? "-", state: entry.state,
                reason: entry.reason)
            if let index = rows.firstIndex(where: { $0.symbol == symbol }) {
                if Self.badness(entry.state) > Self.badness(rows[index].state) { rows[index] = row }
            } else {
                rows.append(row)
            }
        }
        return rows
    }

    private static func badness(_ state: String?) -> Int {
        ["subscribed", "pending", "refused"].firstIndex(of: state) ?? 3
    }

    /// What is stored and has no row of its own: removals, and additions that concern no feed.
    private static func rows(
        of choice: SymbolChoice, _ enabled: EnabledFeeds, _ choices: [SymbolChoice], _ shown: Set<Place>
    ) -> [Row] {
        let symbol = choice.symbol
        let concerned = enabled.feeds.filter { choice.concerns($0.name) }
        let venue = choice.feed?.name ?? "*"
        if choice.isWanted {
            if choice.feed != nil {
                guard concerned.isEmpty else { return [] }
                return [Row(symbol: symbol, venue: venue, origin: "added", reason: "the feed is not enabled")]
            }
            guard enabled.takers(of: symbol).isEmpty else { return [] }
            return [Row(symbol: symbol, venue: venue, origin: "added", reason: "no enabled feed has a name for it")]
        }
        let others = concerned.filter { !shown.contains(Place(symbol: symbol.name, venue: $0.name.name)) }
        let held = others.filter { feed in
            choices.last { $0.symbol == symbol && $0.concerns(feed.name) } == choice && enabled.asks(feed, for: symbol)
        }
        if held.isEmpty {
            // A word that holds nothing out is shown once, unless a later one about a single feed stands in its place.
            return others.count < concerned.count ? [] : [Row(symbol: symbol, venue: venue, origin: "removed")]
        }
        return held.map { Row(symbol: symbol, venue: $0.name.name, origin: "removed") }
    }
}
