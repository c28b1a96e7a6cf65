import ArgumentParser
import Foundation
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire symbols list`.
struct SymbolsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the symbols, where they come from, their last prices and states.",
        discussion: """
            FROM is 'default' (the feed file proposes it), '--symbols' (the settings name it), 'simulated' (the simulated market has it, and
            none that was named), 'added' or 'removed' (with 'symbols add' and 'remove'). STATE is what the running service says: 'subscribed', 'pending' until the venue has said a word, or 'refused' with its reason.
            When none answers, the list is what the settings and the database say.

            EXAMPLES
              tickwire symbols list
              tickwire symbols list --json --url http://ingester.example:6002
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(help: "The running service; default: the local one.")
    var url: String?
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let reports = try await withHTTPClient { client in
            let service = RunningService(url: self.url, settings, client: client)
            do {
                return try await service.reports() as [FeedReport]?
            } catch let error as CommandError {
                Terminal.note("\(error)")
                Terminal.note("Shown is what is stored, without states.")
                return nil
            }
        }
        let enabled = try EnabledFeeds(settings, running: reports)
        for problem in enabled.problems { Terminal.note(problem) }
        let (choices, lastTicks) = try await self.stored(settings)
        let overview = SymbolOverview(enabled: enabled, choices: choices, reports: reports, lastTicks: lastTicks)
        if self.json {
            for row in overview.rows { Terminal.print(Self.json(row, now: .now)) }
        } else if overview.rows.isEmpty {
            Terminal.note("No symbols. Add one with: tickwire symbols add BTC-USD")
        } else {
            self.printTable(overview.rows, now: .now)
        }
    }

    /// What the database says; nothing before the first start of a service.
    private func stored(_ settings: Settings) async throws -> (choices: [SymbolChoice], lastTicks: [LastTick]) {
        do {
            return try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
                let catalog = SymbolCatalog(client: client)
                return (
                    choices: try await SymbolChoices(client: client).load(),
                    lastTicks: try await LastTicks(client: client, catalog: catalog).load()
                )
            }
        } catch let error as SetupError {
            guard case .notFound = error else { throw error }
            Terminal.note("\(error)")
            return (choices: [], lastTicks: [])
        }
    }

    private func printTable(_ rows: [SymbolOverview.Row], now: Timestamp) {
        var table = Table([
            ("SYMBOL", .left), ("VENUE", .left), ("FROM", .left), ("LAST PRICE", .right), ("AGE", .right),
            ("STATE", .left),
        ])
        for row in rows {
            let state = [row.state, row.reason].compactMap { $0 }.joined(separator: ": ")
            table.add([
                row.symbol.name, row.venue, row.origin, row.last?.lastPrice?.description ?? "-",
                row.last.map { Age.text(seconds: Self.age($0, now)) } ?? "-", state.isEmpty ? "-" : state,
            ])
        }
        for line in table.lines { Terminal.print(line) }
    }

    private static func age(_ tick: LastTick, _ now: Timestamp) -> Double {
        max(0, Double(now.nanoseconds - tick.receivedTime.nanoseconds) / 1e9)
    }

    private static func json(_ row: SymbolOverview.Row, now: Timestamp) -> String {
        var members = [
            "\"symbol\":\"\(row.symbol)\"", "\"venue\":\(JSONLine.string(row.venue))",
            "\"from\":\(JSONLine.string(row.origin))",
        ]
        if let state = row.state { members.append("\"state\":\(JSONLine.string(state))") }
        if let reason = row.reason { members.append("\"reason\":\(JSONLine.string(reason))") }
        if let price = row.last?.lastPrice { members.append("\"lastPrice\":\"\(price)\"") }
        if let last = row.last {
            members.append("\"lastTime\":\"\(last.receivedTime)\"")
            members.append("\"ageSeconds\":" + String(format: "%.1f", Self.age(last, now)))
        }
        return "{" + members.joined(separator: ",") + "}"
    }
}
