import ArgumentParser
import Foundation
import Ingest
import Logging
import Market
import Postgres
import Store
import Tickwire

/// `tickwire import`: ticks of a CSV file into the database.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring ticks of a CSV file into the database: all of them, or none.",
        discussion: """
            The first line names the columns: time (RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since 1970)
            and price for trades, bid and ask for quotes; size, side, id, symbol, venue, sequence and more as
            'tickwire history --interval tick --format csv' writes them. Trades that are known by their id stay as they are.

            EXAMPLES
              tickwire import btc.csv --symbol BTC-USD --venue coinbase
              tickwire history BTC-USD --since 7d --interval tick --format csv | tickwire import - --config other.yaml
              zcat ticks.csv.gz | tickwire import - --venue kraken
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The file; '-' reads standard input.")
    var file: String
    @Option(help: "The symbol of all ticks, where no column says it.")
    var symbol: String?
    @Option(help: "The venue of all ticks, where no column says it.")
    var venue: String?
    @Flag(help: "Leave out trades without an id that are of the same time, price, size and side as recorded ones.")
    var skipKnown = false
    @Flag(help: "Import such trades: they are other ones.")
    var allowDuplicates = false

    func validate() throws {
        if self.skipKnown, self.allowDuplicates {
            throw ValidationError("--skip-known leaves out what --allow-duplicates imports: choose one.")
        }
    }

    func run() async throws {
        let symbol = try self.symbol.map { try Symbol($0) }
        let venue = try self.venue.map { try Venue($0) }
        let pieces = try FilePieces(self.file)
        let settings = try await self.options.load()
        let logger = self.options.quietLogger(settings)
        try await Database.with(settings, logger: logger) { client in
            let lookalikes: TickImport.Lookalikes = self.skipKnown ? .skip : self.allowDuplicates ? .add : .refuse
            let ticks = TickImport(client: client, symbol: symbol, venue: venue, lookalikes: lookalikes)
            var progress = ExportProgress(isShown: Terminal.hasProgress, zone: .utc)
            let summary: ImportSummary
            do {
                defer { progress.finish() }
                summary = try await ticks.run(pieces, now: .now) { progress.add($0, at: $1) }
            } catch var error as ImportError {
                error.file = self.file == "-" ? "standard input" : self.file
                throw error
            }
            try await self.makeCandles(of: summary.ranges, client, logger)
            self.report(summary)
        }
    }

    private func makeCandles(
        of ranges: [ImportedRange], _ client: PostgresClient, _ logger: Logger
    ) async throws {
        let builder = CandleBuilder(client: client, catalog: SymbolCatalog(client: client), logger: logger)
        for range in ranges {
            if Terminal.hasProgress { Terminal.note("Making the candles of \(range.symbol) at \(range.venue)") }
            _ = try await builder.rebuild(
                symbol: range.symbol, venue: range.venue, since: range.from,
                until: range.to.advanced(byNanoseconds: 1_000))
        }
    }

    private func report(_ summary: ImportSummary) {
        if !summary.ignoredColumns.isEmpty {
            Terminal.note("Columns that were not read: \(summary.ignoredColumns.joined(separator: ", ")).")
        }
        func text(_ new: Int64, _ known: Int64, _ what: String) -> String {
            "\(DecimalText.grouped(new)) new \(what), \(DecimalText.grouped(known)) known already"
        }
        var parts = [text(summary.newTrades, summary.knownTrades, "trades")]
        if summary.newQuotes + summary.knownQuotes > 0 {
            parts.append(text(summary.newQuotes, summary.knownQuotes, "quotes"))
        }
        Terminal.print("Imported \(parts.joined(separator: "; ")).")
        if summary.newTradesWithoutID > 0 {
            Terminal.note(
                "\(DecimalText.grouped(summary.newTradesWithoutID)) trades have no id: a second import can tell them by time, price, size and side only."
            )
        }
    }
}
