import Alerts
import ArgumentParser
import Ingest
import Market
import Store
import Tickwire

/// `tickwire alerts pause`.
struct AlertsPauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stop evaluating alerts until they are resumed.",
        discussion: """
            What happens while an alert is paused is not made up for.

            EXAMPLES
              tickwire alerts pause 1
              tickwire alerts pause 1 2
            """
    )

    @OptionGroup var alerts: ChosenAlerts

    func run() async throws {
        try await self.alerts.change { store, alert in
            // What the storm guard paused stays so, with its reason.
            let paused = alert.pause == nil ? try await store.setPause(id: alert.id, .user) : alert
            return "Alert \(alert.id) is paused. Resume it with: tickwire alerts resume \(paused.id)"
        }
    }
}

/// `tickwire alerts resume`.
struct AlertsResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Evaluate paused, snoozed or stormy alerts again.",
        discussion: """
            EXAMPLES
              tickwire alerts resume 1
              tickwire alerts resume 1 2
            """
    )

    @OptionGroup var alerts: ChosenAlerts

    func run() async throws {
        try await self.alerts.change { store, alert in
            if let reason = AlertChange.cannotResume(alert, now: .now) { throw CommandError.usage(reason) }
            let resumed = try await AlertChange.resume(alert, in: store)
            return "Alert \(alert.id) is \(resumed.standing(at: .now))."
        }
    }
}

/// `tickwire alerts snooze`.
struct AlertsSnoozeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snooze", abstract: "Silence alerts for a while.",
        discussion: """
            A snoozed alert is evaluated but does not fire; what happens meanwhile is not
            made up for. 'alerts resume' ends it early.

            EXAMPLES
              tickwire alerts snooze 1 --for 15m
              tickwire alerts snooze 1 2 --until 2030-12-31T08:00Z
            """
    )

    @OptionGroup var alerts: ChosenAlerts
    @Option(name: .customLong("for"), help: ArgumentHelp("How long: 90s, 15m, 2h, 7d.", valueName: "duration"))
    var duration: String?
    @Option(help: ArgumentHelp("Until when, in UTC unless it has a zone: 2030-12-31T08:00Z.", valueName: "time"))
    var until: String?

    func validate() throws {
        guard (self.duration == nil) != (self.until == nil) else {
            throw ValidationError("Give either --for, such as --for 15m, or --until.")
        }
    }

    func run() async throws {
        let until: Timestamp
        do { until = try AlertChange.snooze(for: self.duration, until: self.until, now: .now) } catch {
            throw CommandError.usage(error.description)
        }
        try await self.alerts.change { store, alert in
            try await store.snooze(id: alert.id, until: until)
            return "Alert \(alert.id) is snoozed until \(AlertWords.time(until)) UTC."
        }
    }
}

/// `tickwire alerts remove`.
struct AlertsRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove alerts; their past events stay.",
        discussion: """
            EXAMPLES
              tickwire alerts remove 1
              tickwire alerts remove 2 3
            """
    )

    @OptionGroup var alerts: ChosenAlerts

    func run() async throws {
        try await self.alerts.change { store, alert in
            try await store.remove(id: alert.id)
            return "Alert \(alert.id) is removed."
        }
    }
}
