import Alerts
import ArgumentParser
import Ingest
import Market
import Notifications
import Postgres
import Store
import Tickwire

/// `tickwire alerts add`.
struct AlertsAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add an alert. A running service evaluates it at once.",
        discussion: """
            \(AlertGrammarHelp.text)

            An alert fires when its condition becomes true, and again only after it was
            false in between. It arrives on the channel private-alerts-USER and, with
            --webhook, as a signed POST (Standard Webhooks).

            TEMPLATES
              --title and --body take fields in braces, {{ is a brace:
              {symbol} {price} {change} {condition} {threshold} {direction} {value}
              {reference} {previous} {venue} {time} {late} {crossing} {user}

            EXAMPLES
              tickwire alerts add BTC-USD "crosses above 70000"
              tickwire alerts add AAPL "below 180 once" --user ann \\
                --webhook https://example.com/hook
              tickwire alerts add ETH-USD "crosses 3000 cooldown 1h" --venue coinbase
              tickwire alerts add BTC-USD "moves 5% in 10m rearm 2% priority urgent"
              tickwire alerts add BTC-USD "above 70000 until 7d" \\
                --title "{symbol} at {price}" --body "{change} since {previous}"
              tickwire alerts add BTC-USD "enters 60000..65000" --locale de-CH --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The symbol, for example BTC-USD.")
    var symbol: String
    @Argument(help: "The condition with its options, in quotes.")
    var condition: String
    @Option(help: "Whose alert it is: its events go to private-alerts-USER.")
    var user: String = "me"
    @Option(help: "Only prices of this venue; default: the symbol's primary venue.")
    var venue: String?
    @Option(help: "Where to POST the event.")
    var webhook: String?
    @Option(help: "The headline of its messages, with fields in braces.")
    var title: String?
    @Option(help: "The text of its messages, with fields in braces.")
    var body: String?
    @Option(help: "How numbers are written in its messages: en, de, fr, de-CH, en-IN … Default: plain digits.")
    var locale: String?
    @Flag(help: "Print the alert as one JSON object.")
    var json = false

    func run() async throws {
        let now = Timestamp.now
        let order = try AlertOrder(
            user: self.user, symbol: Symbol(self.symbol), venue: self.venue.map { try Venue($0) },
            expression: AlertExpression(parsing: self.condition, now: now), webhookURL: self.webhook,
            template: AlertTemplate.checked(title: self.title, body: self.body), locale: self.locale
        )
        let settings = try await self.options.load()
        let secret = try self.webhook == nil ? nil : WebhookSecretFile.loadOrCreate(in: settings.dataDirectory)
        let (alert, ticks, known) = try await Database.with(
            settings, logger: self.options.quietLogger(settings)
        ) { client in
            let catalog = SymbolCatalog(client: client)
            let known = try await catalog.symbols()
            let alert = try await AlertStore(client: client, catalog: catalog)
                .add(order, perUserMax: settings.alertsPerUserMax)
            return (alert, try await LastTicks(client: client, catalog: catalog).load(symbol: order.symbol), known)
        }
        let distance = AlertDistance(alert, ticks: ticks, venues: settings.preferredVenues, now: now)
        if ticks.isEmpty {
            let nearest = Spelling.nearest(to: order.symbol.name, among: known.map(\.name)).first
            let hint = known.contains(order.symbol) ? nil : nearest.map { " Did you mean \($0)?" }
            Terminal.note("No price of \(order.symbol) is known yet; the alert waits for the first one.\(hint ?? "")")
        }
        if self.json {
            return Terminal.print(
                AlertJSON.object(alert, now: now, distance: distance, webhookSecret: secret?.exposed))
        }
        Terminal.print("Alert \(alert.id): \(alert.symbol) \(alert.expression) for \(alert.user)")
        for sentence in alert.expression.explanation(symbol: alert.symbol, venue: alert.venue) {
            Terminal.print("  \(sentence)")
        }
        Terminal.print("  Distance: \(distance.text)")
        if let secret { Terminal.print("Webhook signing secret: \(secret.exposed)") }
    }
}
