import Alerts
import ArgumentParser
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire alerts list`.
struct AlertsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List alerts with their state and how far they are from firing.",
        discussion: """
            STATES
              armed    fires the next time its condition is true
              fired    has fired, and waits until the condition was false
              paused   by its user
              storm    fired too often and was paused
              snoozed  silent until a time
              expired  its 'until' has come
              done     was to fire once, and has

            EXAMPLES
              tickwire alerts list
              tickwire alerts list --user ann --symbol BTC-USD
              tickwire alerts list --state storm
              tickwire alerts list --user ann --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(help: "Only this user's alerts.")
    var user: String?
    @Option(help: "Only alerts on this symbol.")
    var symbol: String?
    @Option(help: ArgumentHelp("Only alerts in this state.", valueName: "state"))
    var state: AlertStateArgument?
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let symbol = try self.symbol.map { try Symbol($0) }
        let settings = try await self.options.load()
        let now = Timestamp.now
        let (all, ticks) = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let catalog = SymbolCatalog(client: client)
            let alerts = try await AlertStore(client: client, catalog: catalog).list(user: self.user, symbol: symbol)
            return (alerts, try await LastTicks(client: client, catalog: catalog).load(symbol: symbol))
        }
        let alerts = all.filter { self.state == nil || $0.standing(at: now) == self.state?.status }
        let bySymbol = Dictionary(grouping: ticks, by: \.symbol)
        func distance(_ alert: Alert) -> AlertDistance {
            AlertDistance(alert, ticks: bySymbol[alert.symbol] ?? [], venues: settings.preferredVenues, now: now)
        }
        if self.json {
            for alert in alerts { Terminal.print(AlertJSON.object(alert, now: now, distance: distance(alert))) }
            return
        }
        guard !alerts.isEmpty else {
            let isFiltered = self.user != nil || symbol != nil || self.state != nil
            let hint = "Add one with: tickwire alerts add BTC-USD \"crosses above 70000\""
            return Terminal.note(isFiltered ? "No such alerts." : "No alerts. \(hint)")
        }
        var table = Table([
            ("ID", .right), ("SYMBOL", .left), ("CONDITION", .left), ("USER", .left), ("STATE", .left),
            ("FIRED", .right), ("LAST FIRED (UTC)", .left), ("DISTANCE", .left),
        ])
        for alert in alerts {
            table.add([
                String(alert.id), alert.symbol.name + (alert.venue.map { "@\($0)" } ?? ""),
                alert.expression.description, alert.user, AlertWords.state(alert, now: now),
                String(alert.state.crossingCount), alert.state.lastFiredAt.map(AlertWords.time) ?? "never",
                distance(alert).text,
            ])
        }
        for line in table.lines { Terminal.print(line) }
    }
}

/// A state as an argument.
struct AlertStateArgument: ExpressibleByArgument {
    static let allValueStrings = AlertStanding.allCases.map(\.rawValue)

    let status: AlertStanding

    init?(argument: String) {
        guard let status = AlertStanding(rawValue: argument.lowercased()) else { return nil }
        self.status = status
    }
}

/// Parts of what the commands of alerts print.
enum AlertWords {
    /// To the second, without a zone.
    static func time(_ time: Timestamp) -> String { String(time.description.prefix(19)).replacing("T", with: " ") }

    /// The state in one word, with the time where it has an end.
    static func state(_ alert: Alert, now: Timestamp) -> String {
        let status = alert.standing(at: now)
        guard status == .snoozed, let until = alert.snoozedUntil else { return status.rawValue }
        return "snoozed until \(self.time(until))"
    }
}
