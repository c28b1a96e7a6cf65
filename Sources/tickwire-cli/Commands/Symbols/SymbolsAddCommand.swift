import ArgumentParser
import FeedLanguage
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire symbols add`.
struct SymbolsAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add symbols. A running service subscribes to them at once, and remembers them.",
        discussion: """
            Shown is which enabled feeds take a symbol, how the venue spells it, and what a running service makes of it: 'subscribed',
            'pending' until the venue has said a word, or 'refused' with its reason. It is kept in the database, on top of --symbols and
            of what the feed files propose; the latest word counts, so that 'add' brings back what was removed.

            Ends with 65 when no enabled feed has a symbol; nothing is stored then.

            EXAMPLES
              tickwire symbols add AVAX-USD DOT-USD
              tickwire symbols add BTC-EUR --feed kraken
              tickwire symbols add SHIB-USD --url http://ingester.example:6002 --json
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
        let takers = try change.symbols.map { symbol in
            let feeds =
                change.feed.map { $0.nativeSymbol(for: symbol) == nil ? [] : [$0] } ?? change.enabled.takers(of: symbol)
            guard !feeds.isEmpty else {
                throw CommandError.badData(change.enabled.refusal(of: symbol, at: change.feed))
            }
            return (symbol: symbol, feeds: feeds)
        }
        let logger = self.change.settings.quietLogger(change.settings)
        try await Database.with(change.settings, logger: logger) { client in
            try await SymbolChoices(client: client).store(change.symbols, feed: change.feed?.name, isWanted: true)
        }
        let reports = try await change.reports { reports in
            takers.allSatisfy { taker in
                taker.feeds.allSatisfy { feed in
                    SymbolChange.entry(taker.symbol, feed, in: reports).map { $0.state != "pending" } ?? false
                }
            }
        }
        var outcomes: [SymbolChange.Outcome] = []
        for (symbol, feeds) in takers {
            for feed in feeds { outcomes.append(Self.outcome(symbol, feed, reports)) }
        }
        change.show(outcomes, json: self.change.json)
        if change.feed == nil {
            for (symbol, feeds) in takers {
                let taken = Set(feeds.map(\.name))
                let others = change.enabled.feeds.filter { !taken.contains($0.name) }
                let nameless = others.filter { $0.nativeSymbol(for: symbol) == nil }.map(\.name.name)
                if !nameless.isEmpty {
                    Terminal.note("Not at \(nameless.joined(separator: ", ")): no name for \(symbol).")
                }
                for feed in others where feed.nativeSymbol(for: symbol) != nil {
                    Terminal.note(
                        "Not at \(feed.name): it is about other instruments; add \(symbol) there with --feed \(feed.name)."
                    )
                }
            }
        }
    }

    private static func outcome(_ symbol: Symbol, _ feed: Feed, _ reports: [FeedReport]?) -> SymbolChange.Outcome {
        let entry = reports.flatMap { SymbolChange.entry(symbol, feed, in: $0) }
        let state = entry?.state ?? (reports == nil ? "stored" : "stored, not taken up yet")
        return SymbolChange.Outcome(
            symbol: symbol, feed: feed.name.name, native: feed.nativeSymbol(for: symbol), state: state,
            reason: entry?.reason
        )
    }
}
