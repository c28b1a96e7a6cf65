import ArgumentParser
import Foundation
import Ingest
import Logging
import Market
import Postgres
import Store
import Tickwire

/// `tickwire history`: what was recorded.
struct HistoryCommand: AsyncParsableCommand {
    /// How rows are printed.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, csv, json, ndjson
    }

    /// Which ticks are printed.
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case trades, quotes, both

        var kinds: Set<TickQuery.Kind> {
            switch self {
            case .trades: [.trades]
            case .quotes: [.quotes]
            case .both: [.trades, .quotes]
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Print recorded ticks or candles of a symbol.",
        discussion: """
            Candles are those of all venues together, or of one with --venue. A candle marked 'gap' may lack trades.
            Times are UTC unless --zone says otherwise. docs/history.md teaches it by examples.

            EXAMPLES
              tickwire history BTC-USD --since 5m --interval 1m
              tickwire history AAPL --since 7d --interval 1d --format csv > aapl.csv
              tickwire history BTC-USD --interval tick --venue coinbase --limit 100 --format ndjson
              tickwire history ETH-USD --since yesterday --zone Europe/Berlin --chart
              tickwire history BTC-USD --since today --interval tick --follow
              tickwire history BTC-USD --stats
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The symbol, for example BTC-USD or AAPL.")
    var symbol: String
    @Option(help: "Begin: \(TimeArgument.expected); default: 24h.")
    var since: TimeArgument?
    @Option(help: "End, like --since, excluded; default: now.")
    var until: TimeArgument?
    @Option(help: "\(IntervalArgument.expected); default: what gives about a hundred rows.")
    var interval: IntervalArgument?
    @Option(help: "Only this venue; default: all.")
    var venue: String?
    @Option(help: "At most the newest N rows.")
    var limit: Int?
    @Option(help: "At most the oldest N rows.")
    var first: Int?
    @Option(help: "With --interval tick: trades, quotes or both.")
    var kind: Kind = .both
    @Option(help: "table, csv, json or ndjson.")
    var format: Format = .table
    @Option(help: "Zone of dates without one and of all output: UTC, local, +05:30 or a name such as Europe/Berlin.")
    var zone: ZoneArgument = .utc
    @Flag(help: "Draw candlesticks in the terminal.")
    var chart = false
    @Option(help: ArgumentHelp("Draw candlesticks into an SVG file.", valueName: "file"))
    var svg: String?
    @Flag(help: "Go on with what is recorded from now on, without a hole and without a double.")
    var follow = false
    @Flag(help: "How much there is, of which venues, and what is missing.")
    var stats = false

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is \(limit): expected 1 or more.") }
        if let first, first < 1 { throw ValidationError("--first is \(first): expected 1 or more.") }
        if self.limit != nil, self.first != nil {
            throw ValidationError("--limit takes the newest rows and --first the oldest: leave one of them out.")
        }
        let isTick = self.interval == .tick
        let draws = self.chart || self.svg != nil
        if isTick, draws { throw ValidationError("--chart and --svg draw candles: choose an --interval such as 1m.") }
        if self.chart, self.svg != nil { throw ValidationError("Choose --chart or --svg, or run the command twice.") }
        if draws, self.format != .table {
            throw ValidationError("--format \(self.format.rawValue) prints rows: leave it out with --chart and --svg.")
        }
        if !isTick, self.kind != .both { throw ValidationError("--kind \(self.kind.rawValue) needs --interval tick.") }
        if self.follow {
            if self.until != nil { throw ValidationError("--follow has no end: leave --until out.") }
            if self.first != nil {
                throw ValidationError("--follow begins with the newest rows: use --limit, not --first.")
            }
            if self.format == .json {
                throw ValidationError("--follow never ends, a JSON array does: use --format ndjson.")
            }
            if draws { throw ValidationError("--follow prints rows: leave --chart and --svg out.") }
        }
        if self.stats {
            if draws || self.follow || self.interval != nil || self.limit != nil || self.first != nil {
                throw ValidationError("--stats goes with --venue and --format only.")
            }
            if self.since != nil || self.until != nil {
                throw ValidationError("--stats counts everything: leave --since and --until out.")
            }
            if self.format == .csv { throw ValidationError("--stats prints a table or JSON: use --format json.") }
        }
    }

    func run() async throws {
        let symbol = try Symbol(self.symbol)
        let venue = try self.venue.map { try Venue($0) }
        let range = try self.range(now: .now)
        if let svg { try AtomicFile.check(svg) }
        let settings = try await self.options.load()
        let logger = self.options.quietLogger(settings)
        try await Database.with(settings, logger: logger) { client in
            let history = History(client: client, catalog: SymbolCatalog(client: client))
            if self.stats {
                try await HistoryStatisticsView(format: self.format, zone: self.zone).print(
                    history.statistics(of: symbol, at: venue), symbol)
            } else if self.interval == .tick {
                let query = TickQuery(
                    symbol: symbol, venue: venue, since: range.since, until: range.until, kinds: self.kind.kinds,
                    count: self.count)
                if self.follow {
                    try await TickFollowing(format: self.format, zone: self.zone).run(history, query)
                } else {
                    try await self.printTicks(history, query)
                }
            } else {
                let query = CandleQuery(
                    symbol: symbol, venue: venue, interval: self.candleInterval(range), since: range.since,
                    until: range.until, count: self.count)
                if self.follow {
                    try await CandleFollowing(format: self.format, zone: self.zone).run(history, query)
                } else if self.chart || self.svg != nil {
                    try await self.draw(history, query)
                } else {
                    try await self.printCandles(history, query)
                }
            }
        }
    }

    /// What the user asks for in time, and how long it is.
    private struct Range {
        var since: Timestamp?
        var until: Timestamp?
        var seconds: Int
    }

    private func range(now: Timestamp) throws -> Range {
        let until = self.until?.resolved(now: now, zone: self.zone)
        let day: Int64 = 86_400_000_000_000
        // A count alone reaches back as far as it takes; without either it is a day.
        let isCounted = self.limit != nil || self.first != nil || self.stats
        var since = self.since?.resolved(now: now, zone: self.zone)
        if since == nil, !isCounted { since = (until ?? now).advanced(byNanoseconds: -day) }
        let end = until ?? now
        let start = since ?? end.advanced(byNanoseconds: -day)
        if let since, since >= end {
            var clock = ClockText(self.zone)
            throw CommandError.usage(
                "--until (\(clock.text(end))) is not after --since (\(clock.text(since))). Swap them, or leave --until out."
            )
        }
        return Range(since: since, until: until, seconds: Int((end.nanoseconds - start.nanoseconds) / 1_000_000_000))
    }

    private var count: HistoryCount? { self.limit.map { .newest($0) } ?? self.first.map { .first($0) } }

    private func candleInterval(_ range: Range) -> CandleInterval {
        if case .candle(let interval) = self.interval { return interval }
        if self.chart { return IntervalArgument.fitting(range.seconds, in: CandleChart.columns) }
        return IntervalArgument.filling(range.seconds)
    }

    // MARK: Rows

    private func printTicks(_ history: History, _ query: TickQuery) async throws {
        let printer = TickPrinter(format: self.format, zone: self.zone)
        var progress = ExportProgress(
            isShown: Terminal.hasProgress && !Terminal.isInteractive, zone: self.zone)
        defer { progress.finish() }
        try await history.placedTicks(query) { ticks in
            for tick in ticks { printer.print(tick.tick, venueSymbol: nil) }
            progress.add(ticks.count, at: ticks.last?.eventTime)
        }
        printer.finish()
    }

    private func printCandles(_ history: History, _ query: CandleQuery) async throws {
        var printer = CandlePrinter(format: self.format, zone: self.zone)
        var progress = ExportProgress(
            isShown: Terminal.hasProgress && !Terminal.isInteractive, zone: self.zone)
        defer { progress.finish() }
        try await history.candles(query) { candles in
            printer.print(candles)
            progress.add(candles.count, at: candles.last?.start)
        }
        if printer.count == 0, self.format == .table { self.noteEmpty(query) }
        printer.finish()
    }

    private func noteEmpty(_ query: CandleQuery) {
        var clock = ClockText(self.zone)
        let span = [query.since.map { " from \(clock.text($0))" }, query.until.map { " until \(clock.text($0))" }]
        Terminal.note(
            "No trades of \(query.symbol)\(span.compactMap { $0 }.joined()). 'tickwire history \(query.symbol) --stats' shows what there is."
        )
    }

    // MARK: Drawing

    private func draw(_ history: History, _ query: CandleQuery) async throws {
        let most = self.chart ? CandleChart.columns : CandleSVG.candlesMax
        var query = query
        // One more than fit tells whether all do.
        if self.first == nil { query.count = .newest(min(self.limit ?? .max, most + 1)) }
        var candles = try await history.candles(query)
        if candles.isEmpty { self.noteEmpty(query) }
        if candles.count > most {
            Terminal.note("Drawing the newest \(most) candles, as many as fit. Choose a longer --interval to see more.")
            candles = Array(candles.suffix(most))
        }
        if let svg {
            let title = "\(query.symbol) \(query.interval)" + (query.venue.map { " \($0)" } ?? "")
            try AtomicFile.write(CandleSVG(candles, query, title: title, zone: self.zone).text, to: svg)
            Terminal.note("Wrote \(candles.count) candles to \(svg).")
        } else {
            for line in CandleChart(candles, query, zone: self.zone).lines { Terminal.print(line) }
        }
    }
}
