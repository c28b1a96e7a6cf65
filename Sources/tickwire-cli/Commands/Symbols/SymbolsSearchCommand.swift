import ArgumentParser
import FeedLanguage
import HTTPClient
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire symbols search`.
struct SymbolsSearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find symbols in the feed files and the database, or in the providers' own lists.",
        discussion: """
            Upper and lower case and separators do not matter: btcusd finds BTC-USD. With --online the providers of the enabled feeds, or
            of --feed, are asked for all that they have, where the feed file says how (discover).

            Ends with 1 when nothing is found, and 69 when no provider answers.

            EXAMPLES
              tickwire symbols search doge
              tickwire symbols search eur --feed kraken --online
              tickwire symbols search AVAX --online --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "A part of the symbol, or of the venue's own name of it.")
    var text: String
    @Option(help: ArgumentHelp("Only this feed, enabled or not.", valueName: "name"))
    var feed: String?
    @Flag(help: "Ask the providers.")
    var online = false
    @Option(help: ArgumentHelp("Ask a feed's provider at another URL; may be repeated.", valueName: "name=url"))
    var feedURL: [String] = []
    @Flag(help: "One JSON object a line.")
    var json = false

    func validate() throws {
        guard self.text.contains(where: { $0.isLetter || $0.isNumber }) else {
            throw ValidationError(
                "'\(self.text)' has no letter or digit to look for. Write a part of a name, for example BTC.")
        }
    }

    func run() async throws {
        var flags = self.options.flags()
        flags.feedURLs = self.feedURL
        let settings = try await SettingsLoader.load(flags: flags)
        let enabled = try EnabledFeeds(settings)
        let only = try self.feed.map { try enabled.anyFeed(named: $0) }
        var search = SymbolSearch(self.text)
        if self.online {
            try await self.searchOnline(&search, only, enabled, settings)
        } else {
            await self.searchStored(&search, only, enabled, settings)
        }
        let matches = search.matches
        guard !matches.isEmpty else {
            let nearest = search.nearest
            let hint = nearest.isEmpty ? "" : " Near to it: \(nearest.joined(separator: ", "))."
            Terminal.note(
                "Nothing found for '\(self.text)'.\(hint)" + (self.online ? "" : " Ask the providers with --online."))
            throw ExitCode(1)
        }
        self.show(matches, Set(enabled.feeds.map(\.name)))
    }

    // MARK: Offline

    private func searchStored(
        _ search: inout SymbolSearch, _ only: Feed?, _ enabled: EnabledFeeds, _ settings: Settings
    ) async {
        let (recorded, known) = await self.stored(settings)
        let feeds = only.map { [$0] } ?? enabled.allFeeds { Terminal.note($0) }
        let isEnabled = Set(enabled.feeds.map(\.name))
        for feed in feeds {
            let others = known.filter { symbol in
                recorded[symbol]?.contains(feed.name) ?? (isEnabled.contains(feed.name) && feed.mayHave(symbol))
            }
            search.look(at: feed, others: others)
        }
    }

    /// The symbols of the database, and at which venues they were recorded.
    private func stored(_ settings: Settings) async -> (venues: [Symbol: Set<Venue>], symbols: [Symbol]) {
        do {
            return try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
                let catalog = SymbolCatalog(client: client)
                let ticks = try await LastTicks(client: client, catalog: catalog).load()
                return (
                    venues: Dictionary(grouping: ticks, by: \.symbol).mapValues { Set($0.map(\.venue)) },
                    symbols: try await catalog.symbols()
                )
            }
        } catch {
            // The files are worth looking through without it.
            Terminal.note("The database is not looked through: \(error)")
            return (venues: [:], symbols: [])
        }
    }

    // MARK: Online

    private func searchOnline(
        _ search: inout SymbolSearch, _ only: Feed?, _ enabled: EnabledFeeds, _ settings: Settings
    ) async throws {
        let wanted = only.map { [$0] } ?? enabled.feeds
        for problem in enabled.problems where only == nil { Terminal.note(problem) }
        let feeds = wanted.filter { feed in feed.streams.contains { $0.discovery != nil } }
        let without = wanted.filter { feed in !feeds.contains { $0 === feed } }.map(\.name.name)
        guard !feeds.isEmpty else {
            throw CommandError.usage(
                "No list to ask for: the feed files of \(without.joined(separator: ", ")) have no 'discover'. Name another feed with --feed."
            )
        }
        if !without.isEmpty {
            Terminal.note("Not asked, because their feed files have no 'discover': \(without.joined(separator: ", ")).")
        }
        for note in ProviderLists.notes(on: feeds) { Terminal.note(note) }
        let lists = try await withHTTPClient { client in
            await ProviderLists.fetch(feeds, urls: settings.feedURLs, client: client)
        }
        var failures: [String] = []
        for (feed, list) in lists {
            switch list {
            case .success(let listings): search.look(at: listings, of: feed)
            case .failure(let error): failures.append("\(error)")
            }
        }
        if failures.count == lists.count { throw CommandError.unavailable(failures.joined(separator: "\n")) }
        for failure in failures { Terminal.note(failure) }
    }

    // MARK: Showing

    private func show(_ matches: [SymbolSearch.Match], _ enabled: Set<Venue>) {
        var table = Table([("SYMBOL", .left), ("FEED", .left), ("NATIVE", .left), ("ADD IT WITH", .left)])
        for match in matches {
            let isEnabled = enabled.contains(match.feed)
            let how: String
            if let symbol = match.symbol {
                let command = "tickwire symbols add \(symbol) --feed \(match.feed)"
                how = isEnabled ? command : "enable \(match.feed) (feeds.enabled), then \(command)"
            } else {
                how = "a name of its own in the table of 'symbols' in the feed file"
            }
            if self.json {
                var members = ["feed": match.feed.name, "native": match.native, "add": how]
                members["symbol"] = match.symbol?.name
                Terminal.print(JSONLine(members).text)
            } else {
                table.add([match.symbol?.name ?? "-", match.feed.name, match.native, how])
            }
        }
        if !self.json { for line in table.lines { Terminal.print(line) } }
    }
}
