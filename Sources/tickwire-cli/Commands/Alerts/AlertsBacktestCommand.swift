import Alerts
import ArgumentParser
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire alerts backtest`.
struct AlertsBacktestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backtest", abstract: "Run a condition over stored history: when would it have fired?",
        discussion: """
            The stored trades and quotes go through the evaluator of the service. Nothing
            is stored, nobody is notified. Where trades are not kept any more, candles
            stand in for them, which the report says.

            EXAMPLES
              tickwire alerts backtest BTC-USD "crosses above 70000" --since 30d
              tickwire alerts backtest BTC-USD "up 3% in 1h rearm 1%" --since 7d \\
                --until 1d --venue coinbase
              tickwire alerts backtest BTC-USD "moves 2% in 10m cooldown 1h" \\
                --since 2026-11-01 --limit 5
              tickwire alerts backtest BTC-USD "new high of 24h" --since 7d --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The symbol, for example BTC-USD.")
    var symbol: String
    @Argument(help: "The condition with its options, in quotes.")
    var condition: String
    @Option(help: ArgumentHelp("From when on: \(TimeArgument.expected).", valueName: "time"))
    var since: TimeArgument
    @Option(help: ArgumentHelp("Until when, excluded. (default: now)", valueName: "time"))
    var until: TimeArgument?
    @Option(help: "Only prices of this venue; default: the symbol's primary venue.")
    var venue: String?
    @Option(help: "How many firings are listed, oldest first; all are counted.")
    var limit: Int = 50
    @Flag(help: "One JSON object a firing, and one with the counts at the end.")
    var json = false

    func validate() throws {
        guard (0...1_000_000).contains(self.limit) else {
            throw ValidationError("--limit must be 0 to 1000000, not \(self.limit).")
        }
    }

    func run() async throws {
        let now = Timestamp.now
        let symbol = try Symbol(self.symbol)
        let venue = try self.venue.map { try Venue($0) }
        let expression = try AlertExpression(parsing: self.condition)
        let since = self.since.resolved(now: now)
        let until = self.until?.resolved(now: now) ?? now
        guard since < until else {
            throw CommandError.usage("--since \(since) is not before --until \(until). Exchange them.")
        }
        let settings = try await self.options.load()
        let report = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let catalog = SymbolCatalog(client: client)
            let known = try await catalog.symbols()
            guard known.contains(symbol) else {
                throw StoreError.unknownSymbol(
                    symbol.name, nearest: Spelling.nearest(to: symbol.name, among: known.map(\.name)))
            }
            return try await AlertBacktest(client: client, catalog: catalog).run(
                symbol: symbol, venue: venue, expression: expression, since: since, until: until
            ) { progress in
                guard Terminal.hasProgress else { return }
                Terminal.showProgress("\(progress.ticks) ticks, \(AlertWords.time(progress.through))")
            }
        }
        if Terminal.hasProgress { Terminal.showProgress("") }
        if self.json { self.printJSON(report) } else { self.print(report, expression) }
    }

    private func printJSON(_ report: AlertBacktest.Report) {
        for fired in report.firings.prefix(self.limit) { Terminal.print(AlertJSON.object(fired)) }
        var members = [
            "\"firings\":\(report.firings.count)", "\"suppressed\":\(report.suppressed.count)",
            "\"ticks\":\(report.ticks)", "\"approximate\":\(report.isApproximate)", "\"cutOff\":\(report.isCutOff)",
        ]
        if let from = report.from { members.append("\"from\":\"\(from)\"") }
        if let through = report.through { members.append("\"through\":\"\(through)\"") }
        Terminal.print("{" + members.joined(separator: ",") + "}")
    }

    private func print(_ report: AlertBacktest.Report, _ expression: AlertExpression) {
        var table = Table([
            ("#", .right), ("TIME (UTC)", .left), ("PRICE", .right), ("BEFORE", .right), ("MEASURED", .left),
            ("VENUE", .left),
        ])
        for fired in report.firings.prefix(self.limit) {
            let from = fired.measurement?.reference.map { " from \($0)" } ?? ""
            table.add([
                String(fired.crossing), AlertWords.time(fired.firedAt), fired.cause.price?.description ?? "–",
                fired.previousPrice?.description ?? "–",
                fired.measurement.map { ($0.amount?.description ?? "") + from } ?? "", fired.cause.venue?.name ?? "–",
            ])
        }
        if !table.isEmpty { for line in table.lines { Terminal.print(line) } }
        let count = report.firings.count
        let times = count == 1 ? "once" : "\(count) times"
        Terminal.print(count == 0 ? "Would not have fired." : "Would have fired \(times).")
        if report.isCutOff {
            Terminal.note("Stopped there: so many firings are not listed. Add 'cooldown' or 'rearm'.")
        }
        if count > self.limit { Terminal.note("The first \(self.limit) are listed; --limit shows more.") }
        if !report.suppressed.isEmpty { Terminal.note(self.suppressions(report.suppressed)) }
        guard let from = report.from, let through = report.through else {
            return Terminal.note("Nothing is stored of \(self.symbol) in that time.")
        }
        let source =
            report.isApproximate ? "ticks and candles (where ticks are not kept any more; less exact)" : "ticks"
        Terminal.note(
            "\(expression): \(report.ticks) \(source) from \(AlertWords.time(from)) to \(AlertWords.time(through)) UTC."
        )
    }

    /// How often what kept it from firing.
    private func suppressions(_ evaluations: [AlertEvaluation]) -> String {
        let words: [(AlertEvaluation.Outcome, String)] = [
            (.cooldown, "by the cooldown"), (.snoozed, "by a snooze"), (.closed, "outside its hours"),
            (.unconfirmed, "not confirmed"),
        ]
        let parts = words.compactMap { outcome, text -> String? in
            let count = evaluations.count { $0.outcome == outcome }
            return count > 0 ? "\(count) \(text)" : nil
        }
        return "Suppressed: \(parts.joined(separator: ", "))."
    }
}
