import Alerts
import ArgumentParser
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire alerts show`.
struct AlertsShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Explain an alert: what it waits for, how far that is, and what it did lately.",
        discussion: """
            EXAMPLES
              tickwire alerts show 1
              tickwire alerts show 1 --events 50
              tickwire alerts show 1 --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The alert's id, as 'alerts list' shows it.")
    var id: Int64
    @Option(help: "How many of its newest firings are shown.")
    var events: Int = 10
    @Flag(help: "One JSON object: the alert with its events.")
    var json = false

    func validate() throws {
        guard (0...1_000).contains(self.events) else {
            throw ValidationError("--events must be 0 to 1000, not \(self.events).")
        }
    }

    func run() async throws {
        let settings = try await self.options.load()
        let now = Timestamp.now
        let (alert, events, ticks) = try await Database.with(
            settings, logger: self.options.quietLogger(settings)
        ) { client in
            let catalog = SymbolCatalog(client: client)
            let store = AlertStore(client: client, catalog: catalog)
            let alert = try await store.alert(id: self.id)
            let events = try await store.events(of: self.id, limit: self.events)
            return (alert, events, try await LastTicks(client: client, catalog: catalog).load(symbol: alert.symbol))
        }
        let distance = AlertDistance(alert, ticks: ticks, venues: settings.preferredVenues, now: now)
        if self.json {
            let object = AlertJSON.object(alert, now: now, distance: distance).dropLast()
            let list = events.map { AlertJSON.object($0) }.joined(separator: ",")
            return Terminal.print("\(object),\"events\":[\(list)]}")
        }
        let venue = alert.venue.map { "@\($0)" } ?? ""
        Terminal.print("Alert \(alert.id): \(alert.symbol)\(venue) \(alert.expression) for \(alert.user)")
        for sentence in alert.expression.explanation(symbol: alert.symbol, venue: alert.venue) {
            Terminal.print("  \(sentence)")
        }
        Terminal.print("State:     \(AlertWords.state(alert, now: now))")
        Terminal.print("Distance:  \(distance.text)")
        Terminal.print("Waits for: \(Self.next(alert, now: now))")
        if let webhook = alert.webhookURL { Terminal.print("Webhook:   \(webhook)") }
        if let title = alert.template?.title { Terminal.print("Title:     \(title)") }
        if let body = alert.template?.body { Terminal.print("Body:      \(body)") }
        if let locale = alert.locale { Terminal.print("Locale:    \(locale)") }
        self.printEvaluations(alert)
        self.printEvents(events, count: alert.state.crossingCount)
    }

    private func printEvaluations(_ alert: Alert) {
        guard !alert.state.evaluations.isEmpty else { return }
        Terminal.print("")
        var table = Table([("LAST TIMES IT WAS TRUE (UTC)", .left), ("PRICE", .right), ("OUTCOME", .left)])
        for evaluation in alert.state.evaluations.reversed() {
            table.add([
                AlertWords.time(evaluation.time), evaluation.price?.description ?? "–",
                Self.outcome(evaluation.outcome),
            ])
        }
        for line in table.lines { Terminal.print(line) }
    }

    private func printEvents(_ events: [AlertEventRecord], count: Int64) {
        guard !events.isEmpty else { return }
        Terminal.print("")
        var table = Table([
            ("#", .right), ("FIRED (UTC)", .left), ("PRICE", .right), ("BEFORE", .right), ("MEASURED", .left),
            ("VENUE", .left), ("NOTE", .left),
        ])
        for event in events {
            let from = event.measurement?.reference.map { " from \($0)" } ?? ""
            let measured = event.measurement.map { ($0.amount?.description ?? "") + from } ?? ""
            table.add([
                String(event.crossing), AlertWords.time(event.firedAt), event.cause.price?.description ?? "–",
                event.previousPrice?.description ?? "–", measured, event.cause.venue?.name ?? "–", Self.note(event),
            ])
        }
        for line in table.lines { Terminal.print(line) }
        if count > Int64(events.count) { Terminal.note("\(count) firings in all; --events shows more.") }
    }

    private static func note(_ event: AlertEventRecord) -> String {
        var notes: [String] = []
        switch event.lateness?.reason {
        case .gap:
            notes.append("late: the feed had a gap since \(AlertWords.time(event.lateness?.since ?? event.firedAt))")
        case .restart:
            notes.append(
                "late: the service was not watching since \(AlertWords.time(event.lateness?.since ?? event.firedAt))")
        case nil: break
        }
        if event.isStorm { notes.append("too often: paused") }
        return notes.joined(separator: "; ")
    }

    private static func outcome(_ outcome: AlertEvaluation.Outcome) -> String {
        switch outcome {
        case .fired: "fired"
        case .cooldown: "suppressed: within the cooldown"
        case .snoozed: "suppressed: snoozed"
        case .closed: "suppressed: the market was closed"
        case .unconfirmed: "not confirmed: not true for long enough"
        }
    }

    /// The next thing that must happen before it can fire.
    static func next(_ alert: Alert, now: Timestamp) -> String {
        switch alert.standing(at: now) {
        case .done: return "nothing: it was to fire once, and has"
        case .expired: return "nothing: it has expired"
        case .paused: return "'tickwire alerts resume \(alert.id)': its user paused it"
        case .storm: return "'tickwire alerts resume \(alert.id)': it fired too often and was paused"
        case .snoozed: return "the end of its snooze, at \(alert.snoozedUntil.map(AlertWords.time) ?? "") UTC"
        case .armed, .fired: break
        }
        if let cooldown = alert.expression.options.cooldown, let fired = alert.state.lastFiredAt {
            let end = fired.advanced(byNanoseconds: cooldown.components.seconds * 1_000_000_000)
            if end > now { return "the end of its cooldown, at \(AlertWords.time(end)) UTC" }
        }
        if let confirming = alert.state.confirming {
            let since = AlertWords.time(confirming.since)
            return "its confirmation: true \(confirming.count) times in a row since \(since) UTC"
        }
        return alert.state.isArmed ? "its condition to become true" : "its condition to be false again"
    }
}
