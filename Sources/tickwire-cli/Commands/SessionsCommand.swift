import ArgumentParser
import Ingest
import Market

/// `tickwire sessions`: the trading days of an exchange.
struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "Print the trading days of an exchange with their hours.",
        discussion: """
            The calendars are rules, not a list: XNYS (New York Stock Exchange) and XNAS (Nasdaq), holidays and half days included,
            right from 2013 on. Closures that are announced later than this version are missing. Times are UTC.

            EXAMPLES
              tickwire sessions
              tickwire sessions XNYS --from 2026-11-20 --until 2026-12-31
              tickwire sessions XNYS --from 2015-01-01 --until 2030-12-31 --format csv > sessions.csv
            """
    )

    @Argument(help: "The exchange's market identifier code: XNYS or XNAS.")
    var exchange = "XNYS"
    @Option(help: ArgumentHelp("The first date; default: today.", valueName: "date"))
    var from: String?
    @Option(help: ArgumentHelp("The last date; default: 13 days after the first.", valueName: "date"))
    var until: String?
    @Option(help: "table, csv, json or ndjson.")
    var format: HistoryCommand.Format = .table

    func run() throws {
        let calendar = try TradingCalendar(self.exchange.uppercased())
        let first =
            try self.from.map { try Self.day($0, option: "--from") } ?? CivilDay(Timestamp.now, in: calendar.zone)
        let last = try self.until.map { try Self.day($0, option: "--until") } ?? first.advanced(by: 13)
        guard first <= last else {
            throw CommandError.usage("--until (\(last)) is before --from (\(first)). Swap them, or leave --until out.")
        }
        let sessions = (first.daysSinceEpoch...last.daysSinceEpoch).lazy
            .compactMap { calendar.session(on: CivilDay(daysSinceEpoch: $0)) }
        switch self.format {
        case .table: self.printTable(sessions)
        case .csv:
            Terminal.print("date,preOpen,open,close,postClose,halfDay")
            for session in sessions { Terminal.print(Self.fields(session).joined(separator: ",")) }
        case .json: Terminal.print("[" + sessions.map(Self.json).joined(separator: ",\n ") + "]")
        case .ndjson: for session in sessions { Terminal.print(Self.json(session)) }
        }
    }

    private static func day(_ text: String, option: String) throws -> CivilDay {
        guard let day = CivilDay(text), (2013...2199).contains(day.year) else {
            throw CommandError.usage(
                "\(option) is '\(text)': expected a date from 2013 to 2199, for example 2026-11-23.")
        }
        return day
    }

    private func printTable(_ sessions: some Sequence<TradingSession>) {
        var table = Table([
            ("DATE", .left), ("PRE (UTC)", .left), ("OPEN", .left), ("CLOSE", .left), ("POST ENDS", .left), ("", .left),
        ])
        for session in sessions {
            let times = [session.preOpen, session.open, session.close, session.postClose]
                .map { String($0.description.dropFirst(11).prefix(5)) }
            table.add([session.day.description] + times + [session.isHalfDay ? "half day" : ""])
        }
        if table.isEmpty {
            Terminal.note("No trading day in that time. Ask for a longer one with --until.")
        } else {
            for line in table.lines { Terminal.print(line) }
        }
    }

    /// The date, four times to the second, and whether it is a half day.
    private static func fields(_ session: TradingSession) -> [String] {
        let times = [session.preOpen, session.open, session.close, session.postClose]
            .map { String($0.description.prefix(19)) + "Z" }
        return [session.day.description] + times + [String(session.isHalfDay)]
    }

    private static func json(_ session: TradingSession) -> String {
        let fields = Self.fields(session)
        return #"{"date":"\#(fields[0])","preOpen":"\#(fields[1])","open":"\#(fields[2])","close":"\#(fields[3])","#
            + #""postClose":"\#(fields[4])","halfDay":\#(fields[5])}"#
    }
}
