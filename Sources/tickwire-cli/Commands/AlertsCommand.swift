import Alerts
import ArgumentParser
import Market
import Notifications
import Postgres
import Store
import Tickwire

/// `tickwire alerts`: stored conditions that notify.
struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Add, list and remove alerts.",
        discussion: """
            EXAMPLES
              tickwire alerts add BTC-USD "crosses above 70000" --webhook https://example.com/hook
              tickwire alerts list
              tickwire alerts remove 3
            """,
        subcommands: [AlertsAddCommand.self, AlertsListCommand.self, AlertsRemoveCommand.self]
    )
}

/// `tickwire alerts add`.
struct AlertsAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add an alert. A running service evaluates it at once.",
        discussion: """
            CONDITIONS
              above PRICE            the price is above PRICE
              below PRICE            the price is below PRICE
              crosses PRICE          the price goes from one side of PRICE to the other
              crosses above PRICE    … upwards only;  crosses below PRICE: downwards only
              followed by: once (fire a single time) and cooldown 15m (stay silent for a while after firing)

            An alert fires when its condition becomes true, and again only after it was false in between. It arrives on the channel
            private-alerts-USER and, with --webhook, as a signed POST (Standard Webhooks).

            EXAMPLES
              tickwire alerts add BTC-USD "crosses above 70000"
              tickwire alerts add AAPL "below 180 once" --user ann --webhook https://example.com/hook
              tickwire alerts add ETH-USD "crosses 3000 cooldown 1h" --venue coinbase
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The symbol, for example BTC-USD.")
    var symbol: String
    @Argument(help: "The condition, in quotes.")
    var condition: String
    @Option(help: "Whose alert it is: its events go to private-alerts-USER.")
    var user: String = "me"
    @Option(help: "Only prices of this venue; default: the symbol's primary venue.")
    var venue: String?
    @Option(help: "Where to POST the event.")
    var webhook: String?
    @Flag(help: "Print the alert as one JSON object.")
    var json = false

    func run() async throws {
        let order = try AlertOrder(
            user: self.user, symbol: Symbol(self.symbol), venue: self.venue.map { try Venue($0) },
            expression: AlertExpression(parsing: self.condition), webhookURL: self.webhook
        )
        let settings = try await self.options.load()
        let secret = try self.webhook == nil ? nil : WebhookSecretFile.loadOrCreate(in: settings.dataDirectory)
        let alert = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            try await AlertStore(client: client, catalog: SymbolCatalog(client: client)).add(order)
        }
        if self.json {
            Terminal.print(AlertLine.json(alert, webhookSecret: secret?.exposed))
        } else {
            Terminal.print("Alert \(alert.id): \(alert.symbol) \(alert.expression) for \(alert.user)")
            if let secret { Terminal.print("Webhook signing secret: \(secret.exposed)") }
        }
    }
}

/// `tickwire alerts list`.
struct AlertsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List alerts and their state.",
        discussion: """
            EXAMPLES
              tickwire alerts list
              tickwire alerts list --user ann --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(help: "Only this user's alerts.")
    var user: String?
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let alerts = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            try await AlertStore(client: client, catalog: SymbolCatalog(client: client)).list(user: self.user)
        }
        if self.json {
            for alert in alerts { Terminal.print(AlertLine.json(alert, webhookSecret: nil)) }
            return
        }
        guard !alerts.isEmpty else {
            return Terminal.note("No alerts. Add one with: tickwire alerts add BTC-USD \"crosses above 70000\"")
        }
        var table = Table([
            ("ID", .right), ("SYMBOL", .left), ("CONDITION", .left), ("USER", .left), ("FIRED", .right),
            ("LAST FIRED (UTC)", .left),
            ("STATE", .left),
        ])
        for alert in alerts {
            table.add([
                String(alert.id), alert.symbol.name + (alert.venue.map { "@\($0)" } ?? ""),
                alert.expression.description,
                alert.user, String(alert.state.crossingCount),
                alert.state.lastFiredAt.map { String($0.description.prefix(19)).replacing("T", with: " ") } ?? "never",
                alert.isSpent ? "done" : (alert.state.isArmed ? "armed" : "fired"),
            ])
        }
        for line in table.lines { Terminal.print(line) }
    }
}

/// `tickwire alerts remove`.
struct AlertsRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove alerts; their past events stay.",
        discussion: """
            EXAMPLE
              tickwire alerts remove 3 4
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The alerts' ids, as 'alerts list' shows them.")
    var ids: [Int64]

    func run() async throws {
        let settings = try await self.options.load()
        try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let store = AlertStore(client: client, catalog: SymbolCatalog(client: client))
            for id in self.ids { try await store.remove(id: id) }
        }
    }
}

/// An alert as a line of JSON.
enum AlertLine {
    static func json(_ alert: Alert, webhookSecret: String?) -> String {
        var members = [
            "\"id\":\(alert.id)", "\"symbol\":\"\(alert.symbol)\"",
            "\"condition\":\(JSONLine.string(alert.expression.description))", "\"user\":\(JSONLine.string(alert.user))",
            "\"armed\":\(alert.state.isArmed)", "\"fired\":\(alert.state.crossingCount)",
        ]
        if let venue = alert.venue { members.append("\"venue\":\"\(venue)\"") }
        if let time = alert.state.lastFiredAt { members.append("\"lastFiredAt\":\"\(time)\"") }
        if let webhook = alert.webhookURL { members.append("\"webhook\":\(JSONLine.string(webhook))") }
        if let webhookSecret { members.append("\"webhookSecret\":\"\(webhookSecret)\"") }
        return "{" + members.joined(separator: ",") + "}"
    }
}
