import Foundation
import Market
import Store

/// `history --stats`: a table and two lines, or one JSON object.
struct HistoryStatisticsView {
    let format: HistoryCommand.Format
    let zone: ZoneArgument

    func print(_ statistics: HistoryStatistics, _ symbol: Symbol) {
        switch self.format {
        case .table, .csv: self.printTable(statistics, symbol)
        case .json, .ndjson: Terminal.print(self.json(statistics, symbol))
        }
    }

    private func printTable(_ statistics: HistoryStatistics, _ symbol: Symbol) {
        var clock = ClockText(self.zone)
        func time(_ time: Timestamp?) -> String { time.map { clock.plain($0) } ?? "-" }
        let about = statistics.areQuotesEstimated ? "about " : ""
        var table = Table([
            ("VENUE", .left), ("TRADES", .right), ("QUOTES", .right), ("FIRST TRADE (\(self.zone.name))", .left),
            ("LAST TRADE", .left),
        ])
        for venue in statistics.venues {
            table.add([
                venue.venue.name, DecimalText.grouped(venue.trades), about + DecimalText.grouped(venue.quotes),
                time(venue.firstTrade), time(venue.lastTrade),
            ])
        }
        if statistics.venues.count != 1 {
            table.add([
                "all", DecimalText.grouped(statistics.trades), about + DecimalText.grouped(statistics.quotes),
                time(statistics.venues.compactMap(\.firstTrade).min()),
                time(statistics.venues.compactMap(\.lastTrade).max()),
            ])
        }
        for line in table.lines { Terminal.print(line) }
        Terminal.print("")
        Terminal.print("Ticks from \(time(statistics.first)) to \(time(statistics.last)).")
        Terminal.print(self.gaps(statistics.gaps))
        if statistics.lostTicks > 0 {
            Terminal.print(
                "\(DecimalText.grouped(statistics.lostTicks)) ticks of all symbols were received and lost: see the table recording_losses."
            )
        }
    }

    private func gaps(_ gaps: HistoryStatistics.Gaps) -> String {
        if gaps.count == 0 { return "No gaps." }
        let parts = [(gaps.open, "open"), (gaps.repaired, "repaired"), (gaps.unrepairable, "not repairable")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        var text = "\(gaps.count) gaps: \(parts.joined(separator: ", "))"
        if gaps.open + gaps.unrepairable > 0 {
            text += "; \(Int(gaps.missingSeconds.rounded(.up))) s are not covered"
            if gaps.missingTicks > 0 { text += ", \(DecimalText.grouped(gaps.missingTicks)) ticks known to be missing" }
        }
        return text + "."
    }

    private func json(_ statistics: HistoryStatistics, _ symbol: Symbol) -> String {
        var clock = ClockText(self.zone)
        func time(_ time: Timestamp?) -> String { time.map { "\"\(clock.text($0))\"" } ?? "null" }
        let venues = statistics.venues.map { venue in
            #"{"venue":"\#(venue.venue)","trades":\#(venue.trades),"quotes":\#(venue.quotes),"#
                + #""firstTrade":\#(time(venue.firstTrade)),"lastTrade":\#(time(venue.lastTrade))}"#
        }
        let gaps = statistics.gaps
        return #"{"symbol":"\#(symbol)","first":\#(time(statistics.first)),"last":\#(time(statistics.last)),"#
            + #""trades":\#(statistics.trades),"quotes":\#(statistics.quotes),"quotesEstimated":\#(statistics.areQuotesEstimated),"#
            + #""venues":[\#(venues.joined(separator: ","))],"gaps":{"open":\#(gaps.open),"repaired":\#(gaps.repaired),"#
            + #""unrepairable":\#(gaps.unrepairable),"missingSeconds":\#(String(format: "%.3f", gaps.missingSeconds)),"#
            + #""missingTicks":\#(gaps.missingTicks)},"lostTicks":\#(statistics.lostTicks)}"#
    }
}
