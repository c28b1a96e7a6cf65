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
    /// Candle lengths that can be asked for, in seconds; `tick` is the ticks themselves.
    enum Interval: String, CaseIterable, ExpressibleByArgument {
        case tick
        case second1 = "1s"
        case minute1 = "1m"
        case minute5 = "5m"
        case minute15 = "15m"
        case hour1 = "1h"
        case day1 = "1d"

        var seconds: Int {
            switch self {
            case .tick: 0
            case .second1: 1
            case .minute1: 60
            case .minute5: 300
            case .minute15: 900
            case .hour1: 3600
            case .day1: 86400
            }
        }
    }

    /// How rows are printed.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, csv, json, ndjson
    }

    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Print recorded ticks or candles of a symbol.",
        discussion: """
            Candles are computed from the recorded trades of all venues, or of one with --venue. Times are UTC.

            EXAMPLES
              tickwire history BTC-USD --since 5m --interval 1m
              tickwire history AAPL --since 7d --interval 1d --format csv > aapl.csv
              tickwire history BTC-USD --interval tick --venue coinbase --limit 100 --format ndjson
              tickwire history ETH-USD --since 2026-11-01 --until 2026-11-02T12:00:00Z --interval 1h
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The symbol, for example BTC-USD or AAPL.")
    var symbol: String
    @Option(help: "Begin: a time ago (90s, 5m, 24h, 7d, 2w), a date, or an RFC 3339 time.")
    var since: TimeArgument?
    @Option(help: "End, like --since; default: now.")
    var until: TimeArgument?
    @Option(help: "tick, 1s, 1m, 5m, 15m, 1h or 1d; default: what gives about a hundred rows.")
    var interval: Interval?
    @Option(help: "Only this venue; default: all.")
    var venue: String?
    @Option(help: "At most the newest N candles, or the first N ticks of the range.")
    var limit: Int?
    @Option(help: "table, csv, json or ndjson.")
    var format: Format = .table

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is \(limit): expected 1 or more.") }
    }

    func run() async throws {
        let symbol = try Symbol(self.symbol)
        let venue = try self.venue.map { try Venue($0) }
        let now = Timestamp.now
        let since = (self.since ?? TimeArgument(argument: "24h"))?.resolved(now: now) ?? now
        let until = self.until?.resolved(now: now) ?? now.advanced(byNanoseconds: 60_000_000_000)
        guard since < until else {
            throw ValidationError(
                "--until (\(until)) is not after --since (\(since)). Swap them, or leave --until out.")
        }
        let settings = try await self.options.load()
        let interval = self.interval ?? Self.interval(for: since, until: min(until, now))
        try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let history = History(client: client, catalog: SymbolCatalog(client: client))
            if interval == .tick {
                try await self.printTicks(history, symbol, venue, since, until)
            } else {
                try await self.printCandles(history, symbol, venue, since, until, interval)
            }
        }
    }

    /// The longest interval that still gives more than 60 candles, so that a screen is well filled.
    private static func interval(for since: Timestamp, until: Timestamp) -> Interval {
        let seconds = Int((until.nanoseconds - since.nanoseconds) / 1_000_000_000)
        return Interval.allCases.last { $0 != .tick && seconds / $0.seconds >= 60 } ?? .second1
    }

    private func printCandles(
        _ history: History, _ symbol: Symbol, _ venue: Venue?, _ since: Timestamp, _ until: Timestamp,
        _ interval: Interval
    ) async throws {
        let candles = try await history.candles(
            symbol, venue: venue, since: since, until: until, intervalSeconds: interval.seconds,
            limit: self.limit
        )
        if candles.isEmpty, self.format == .table {
            Terminal.note("No trades of \(symbol) between \(since) and \(until).")
        }
        switch self.format {
        case .table: self.printTable(candles)
        case .csv:
            Terminal.print("start,open,high,low,close,volume,trades")
            for candle in candles {
                Terminal.print(
                    "\(candle.start),\(candle.open),\(candle.high),\(candle.low),\(candle.close),\(candle.volume),\(candle.tradeCount)"
                )
            }
        case .json:
            Terminal.print("[" + candles.map(self.json).joined(separator: ",\n ") + "]")
        case .ndjson:
            for candle in candles { Terminal.print(self.json(candle)) }
        }
    }

    private func printTable(_ candles: [Candle]) {
        guard !candles.isEmpty else { return }
        var table = Table([
            ("START (UTC)", .left), ("OPEN", .right), ("HIGH", .right), ("LOW", .right), ("CLOSE", .right),
            ("VOLUME", .right), ("TRADES", .right),
        ])
        for candle in candles {
            table.add([
                String(candle.start.description.prefix(19)).replacing("T", with: " "), candle.open.description,
                candle.high.description, candle.low.description, candle.close.description, candle.volume.description,
                String(candle.tradeCount),
            ])
        }
        for line in table.lines { Terminal.print(line) }
    }

    private func json(_ candle: Candle) -> String {
        #"{"start":"\#(candle.start)","open":"\#(candle.open)","high":"\#(candle.high)","low":"\#(candle.low)","#
            + #""close":"\#(candle.close)","volume":"\#(candle.volume)","trades":\#(candle.tradeCount)}"#
    }

    private func printTicks(
        _ history: History, _ symbol: Symbol, _ venue: Venue?, _ since: Timestamp, _ until: Timestamp
    ) async throws {
        let printer = TickPrinter(format: self.format)
        try await history.ticks(
            TickQuery(symbol: symbol, venue: venue, since: since, until: until, limit: self.limit)
        ) { ticks in
            for tick in ticks { printer.print(tick, venueSymbol: nil) }
        }
        printer.finish()
    }
}
