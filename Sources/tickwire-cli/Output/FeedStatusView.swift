import Foundation
import Ingest
import Market

/// The terminal's side of `feeds status`: a table and what needs attention; redrawn in place on a terminal.
struct FeedStatusView {
    private var drawnLines = 0

    mutating func show(_ status: [FeedReport], now: Date) {
        let lines = Self.lines(status, now: now)
        var text = Terminal.isInteractive && self.drawnLines > 0 ? "\u{1B}[\(self.drawnLines)A\u{1B}[J" : ""
        text += lines.joined(separator: "\n") + "\n"
        self.drawnLines = lines.count
        Terminal.write(text)
    }

    /// The table and the notes below it.
    static func lines(_ status: [FeedReport], now: Date) -> [String] {
        guard !status.isEmpty else { return ["No feeds are running."] }
        var table = Table([
            ("FEED", .left), ("KIND", .left), ("STATE", .left), ("CONNECTIONS", .right), ("SYMBOLS", .right),
            ("FRAMES", .right), ("TICKS", .right), ("LAST FRAME", .right), ("LAST TICK", .right), ("LAG", .right),
            ("RECONNECTS", .right), ("UNMATCHED", .right), ("ERRORS", .right),
        ])
        for feed in status {
            let subscribed = feed.symbols.count { $0.state == "subscribed" }
            let live = feed.connections.count { $0.state == "live" }
            table.add([
                feed.feed, feed.kind, feed.state, "\(live)/\(feed.connections.count)",
                "\(subscribed)/\(feed.symbols.count)", String(feed.framesTotal), String(feed.ticks),
                Self.age(feed.lastFrameTime, now), Self.age(feed.lastTickTime, now),
                feed.lag.map { "\($0.p50) ms" } ?? "-", String(feed.reconnects),
                String((feed.frames["unmatched"] ?? 0) + (feed.frames["malformed"] ?? 0)),
                String(feed.frames["error"] ?? 0),
            ])
        }
        return table.lines + status.flatMap(Self.notes)
    }

    private static func notes(_ feed: FeedReport) -> [String] {
        var notes: [String] = []
        for connection in feed.connections {
            guard let reason = connection.reason else { continue }
            let attempt = connection.attempt.map { ", try \($0)" } ?? ""
            notes.append("connection \(connection.name) \(connection.state)\(attempt): \(reason)")
        }
        for symbol in feed.symbols where symbol.state == "refused" {
            notes.append("\(symbol.symbol) refused: \(symbol.reason ?? "")")
        }
        for budget in feed.budgets { notes.append("allowance \(budget.name): \(budget.used) of \(budget.limit) used") }
        if let problem = feed.problem {
            notes.append("the changed file is not in use since \(problem.since):")
            notes += problem.lines.map { "  " + $0 }
        }
        for sample in feed.samples {
            let detail = sample.detail.map { " (\($0))" } ?? ""
            notes.append("\(sample.outcome)\(detail): \(sample.frame.prefix(120))")
        }
        return notes.map { "\(feed.feed): \($0)" }
    }

    private static func age(_ time: String?, _ now: Date) -> String {
        guard let time = time.flatMap({ Timestamp(iso8601: $0) }) else { return "-" }
        return Age.text(seconds: now.timeIntervalSince1970 - Double(time.nanoseconds) / 1e9)
    }
}
