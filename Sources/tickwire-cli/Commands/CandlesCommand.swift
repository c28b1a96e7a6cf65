import ArgumentParser
import Ingest
import Logging
import Market
import Postgres
import Store
import Tickwire

/// `tickwire candles`: the candles that are kept.
struct CandlesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "candles",
        abstract: "Compute the kept candles anew.",
        subcommands: [CandlesRebuildCommand.self]
    )
}

/// `tickwire candles rebuild`: candles from the recorded trades.
struct CandlesRebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Compute candles from the recorded trades, and mend those that are missing or wrong.",
        discussion: """
            All candles from one second to one day, of whole UTC days. Safe while tickwire records. Days whose trades retention
            has dropped keep the candles they have. Times are UTC.

            EXAMPLES
              tickwire candles rebuild
              tickwire candles rebuild BTC-USD --since 2d
              tickwire candles rebuild AAPL --venue alpaca --since 2026-11-01 --until 2026-11-08
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The symbol, for example BTC-USD or AAPL; default: all.")
    var symbol: String?
    @Option(help: "Only this venue; default: all.")
    var venue: String?
    @Option(help: "Begin: a time ago (90s, 5m, 24h, 7d, 2w), a date, or an RFC 3339 time; default: the first trade.")
    var since: TimeArgument?
    @Option(help: "End, like --since; default: the last trade.")
    var until: TimeArgument?

    func run() async throws {
        let symbol = try self.symbol.map { try Symbol($0) }
        let venue = try self.venue.map { try Venue($0) }
        let now = Timestamp.now
        let (since, until) = (self.since?.resolved(now: now), self.until?.resolved(now: now))
        let settings = try await self.options.load()
        let logger = self.options.quietLogger(settings)
        let rebuild = try await Database.with(settings, logger: logger) { client in
            let builder = CandleBuilder(client: client, catalog: SymbolCatalog(client: client), logger: logger)
            defer { if Terminal.hasProgress { Terminal.showProgress("") } }
            return try await builder.rebuild(symbol: symbol, venue: venue, since: since, until: until) {
                if Terminal.hasProgress {
                    Terminal.showProgress("\($0.daysDone) of \($0.days) days, \($0.candles) candles")
                }
            }
        }
        for day in rebuild.daysSkipped {
            Terminal.note("\(day): its trades were dropped by retention, its candles stay as they are.")
        }
        Terminal.print("\(rebuild.candles) candles of \(rebuild.daysDone) days computed, \(rebuild.changed) mended.")
    }
}
