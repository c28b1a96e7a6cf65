import ArgumentParser
import FeedLanguage
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire symbols remove`.
struct SymbolsRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove symbols. A running service leaves them at once; what was recorded stays.",
        discussion: """
            A removed symbol stays out, even if a feed file proposes it or --symbols names it, until it is added again.

            EXAMPLES
              tickwire symbols remove DOGE-USD
              tickwire symbols remove BTC-USD --feed bitstamp
            """
    )

    @OptionGroup var change: SymbolChangeOptions

    func run() async throws {
        let settings = try await self.change.settings.load()
        try await withHTTPClient { client in
            let service = RunningService(url: self.change.url, settings, client: client)
            try await self.run(try await SymbolChange(self.change, settings, service))
        }
    }

    private func run(_ change: SymbolChange) async throws {
        let logger = self.change.settings.quietLogger(change.settings)
        let before = try await Database.with(change.settings, logger: logger) { client in
            let choices = SymbolChoices(client: client)
            let before = SymbolOverview(
                enabled: change.enabled, choices: try await choices.load(), reports: change.reports, lastTicks: [])
            try self.check(change, before, recorded: try await SymbolCatalog(client: client).symbols())
            try await choices.store(change.symbols, feed: change.feed?.name, isWanted: false)
            return before
        }
        let reports = try await change.reports { reports in
            change.symbols.allSatisfy { symbol in
                change.feeds.allSatisfy { SymbolChange.entry(symbol, $0, in: reports) == nil }
            }
        }
        var outcomes: [SymbolChange.Outcome] = []
        for symbol in change.symbols {
            let venues = before.rows.filter { $0.symbol == symbol && $0.origin != "removed" }.map(\.venue)
            let feeds = change.feeds.filter { venues.contains($0.name.name) }
            for feed in feeds {
                let isThere = reports.map { SymbolChange.entry(symbol, feed, in: $0) != nil } ?? false
                outcomes.append(
                    SymbolChange.Outcome(
                        symbol: symbol, feed: feed.name.name, native: feed.nativeSymbol(for: symbol),
                        state: reports == nil ? "stored" : isThere ? "stored, not taken up yet" : "removed"
                    )
                )
            }
            if feeds.isEmpty { Terminal.note("\(symbol) was not subscribed, and stays out.") }
        }
        change.show(outcomes, json: self.change.json)
    }

    /// Refuses what nobody knows: it is misspelt, and the symbol that was meant would stay.
    private func check(_ change: SymbolChange, _ before: SymbolOverview, recorded: [Symbol]) throws {
        let names = Set(before.rows.map(\.symbol)).union(recorded).union(change.feeds.flatMap(\.namedSymbols))
        for symbol in change.symbols where !names.contains(symbol) {
            let nearest = Spelling.nearest(to: symbol.name, among: names.sorted().map(\.name))
            let hint = nearest.isEmpty ? "" : " Did you mean \(nearest.joined(separator: " or "))?"
            throw CommandError.badData(
                "\(symbol) is not subscribed.\(hint) 'tickwire symbols list' shows what is; nothing was stored.")
        }
    }
}
