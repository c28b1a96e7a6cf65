import ArgumentParser
import FeedLanguage
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire symbols`: what the feeds are asked for.
struct SymbolsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "symbols", abstract: "List, find, add and remove the symbols that feeds subscribe to.",
        discussion: """
            EXAMPLES
              tickwire symbols search avax --online        find it in the providers' own lists
              tickwire symbols add AVAX-USD                at every enabled feed that has it
              tickwire symbols remove DOGE-USD --feed kraken
              tickwire symbols list
            """,
        subcommands: [
            SymbolsListCommand.self, SymbolsAddCommand.self, SymbolsRemoveCommand.self, SymbolsSearchCommand.self,
        ]
    )
}

/// What `symbols add` and `symbols remove` are told.
struct SymbolChangeOptions: ParsableArguments {
    @OptionGroup var settings: SettingsOptions
    @Argument(help: "The symbols, for example BTC-USD AAPL.")
    var symbols: [String]
    @Option(help: ArgumentHelp("Only at this feed; default: every enabled feed that has it.", valueName: "name"))
    var feed: String?
    @Option(help: "The running service, to see what becomes of it; default: the local one.")
    var url: String?
    @Flag(help: "One JSON object a line.")
    var json = false
}

/// A change of symbols on its way: what it concerns, and what a running service makes of it.
struct SymbolChange {
    /// What became of a symbol at a feed.
    struct Outcome {
        let symbol: Symbol
        let feed: String
        let native: String?
        let state: String
        var reason: String?
    }

    /// How long a running service has to take a change up.
    private static let patience = Duration.seconds(3)

    let settings: Settings
    let service: RunningService
    /// What the service said of its feeds; `nil` where none answers.
    let reports: [FeedReport]?
    /// Why there are no reports.
    private let absence: String
    let enabled: EnabledFeeds
    let symbols: [Symbol]
    /// The only feed that is meant.
    let feed: Feed?

    init(_ options: SymbolChangeOptions, _ settings: Settings, _ service: RunningService) async throws {
        self.settings = settings
        self.service = service
        // Without a service the change is stored all the same, and the outcome says so.
        do {
            self.reports = try await service.reports()
            self.absence = ""
        } catch let error as CommandError {
            self.reports = nil
            self.absence = "\(error)"
        }
        self.enabled = try EnabledFeeds(settings, running: self.reports)
        for problem in self.enabled.problems { Terminal.note(problem) }
        self.symbols = try self.enabled.symbols(options.symbols)
        self.feed = try options.feed.map { [enabled] name in try enabled.feed(named: name) }
    }

    /// The feeds that are meant.
    var feeds: [Feed] { self.feed.map { [$0] } ?? self.enabled.feeds }

    /// Asks the service again until `isDone`, within reason; one that does not answer any more has said its last word.
    ///
    /// - Returns: What it said last; `nil` where none answers.
    func reports(until isDone: ([FeedReport]) -> Bool) async throws -> [FeedReport]? {
        guard var reports else { return nil }
        let deadline = ContinuousClock.now + Self.patience
        while !isDone(reports), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(100))
            do {
                reports = try await self.service.reports()
            } catch let error as CommandError {
                Terminal.note("The change is stored, but the service answers no more: \(error)")
                return reports
            }
        }
        return reports
    }

    /// What a service says of a symbol at a feed; of several connections the one that is worst off.
    static func entry(_ symbol: Symbol, _ feed: Feed, in reports: [FeedReport]) -> FeedReport.SymbolEntry? {
        let entries = reports.filter { $0.feed == feed.name.name }.flatMap(\.symbols)
            .filter { $0.symbol == symbol.name }
        return entries.first { $0.state == "refused" } ?? entries.first { $0.state == "pending" } ?? entries.first
    }

    /// Prints outcomes as data, and for people what they need to know besides.
    func show(_ outcomes: [Outcome], json: Bool) {
        if json {
            for outcome in outcomes {
                var members = ["symbol": outcome.symbol.name, "feed": outcome.feed, "state": outcome.state]
                members["native"] = outcome.native
                members["reason"] = outcome.reason
                Terminal.print(JSONLine(members).text)
            }
        } else {
            var table = Table([("SYMBOL", .left), ("FEED", .left), ("NATIVE", .left), ("STATE", .left)])
            for outcome in outcomes {
                table.add([
                    outcome.symbol.name, outcome.feed, outcome.native ?? "-",
                    outcome.state + (outcome.reason.map { ": \($0)" } ?? ""),
                ])
            }
            for line in table.lines { Terminal.print(line) }
        }
        if self.reports == nil {
            Terminal.note(self.absence)
            Terminal.note("Stored: a service on this database takes it up at once, or at its next start.")
        }
    }
}
