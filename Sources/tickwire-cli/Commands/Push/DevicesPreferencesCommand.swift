import ArgumentParser
import Notifications
import Store
import Tickwire

/// `tickwire devices preferences`.
struct DevicesPreferencesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preferences", abstract: "Show or set when and how often a user is notified.",
        discussion: """
            Without options they are shown; what is not given stays. Urgent notifications come in quiet hours too, and have a budget
            of their own.

            EXAMPLES
              tickwire devices preferences ann
              tickwire devices preferences ann --quiet "mon-fri 22:00-07:00; sat,sun 23:30-09:00" --zone Europe/Berlin
              tickwire devices preferences ann --quiet none --burst 20 --every 10
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The user.")
    var user: String
    @Option(help: ArgumentHelp("Windows of the week, or 'none'.", valueName: "windows"))
    var quiet: String?
    @Option(help: ArgumentHelp("The user's zone, such as Europe/Berlin.", valueName: "zone"))
    var zone: String?
    @Option(help: ArgumentHelp("What happens in quiet hours: silent, defer or drop.", valueName: "action"))
    var action: String?
    @Option(help: ArgumentHelp("Notifications at once, 1 to 10000.", valueName: "count"))
    var burst: Int?
    @Option(help: ArgumentHelp("Seconds in which one more is earned, 1 to 3600.", valueName: "seconds"))
    var every: Int?
    @Option(help: ArgumentHelp("Services that may be used, or 'all'.", valueName: "names"))
    var services: String?

    func validate() throws {
        if let burst, !(1...10_000).contains(burst) {
            throw ValidationError("--burst is \(burst): expected 1 to 10000.")
        }
        if let every, !(1...3_600).contains(every) { throw ValidationError("--every is \(every): expected 1 to 3600.") }
    }

    func run() async throws {
        let settings = try await self.options.load()
        let (shown, zone) = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let store = PreferencesStore(client: client)
            var (preferences, zone) = try await store.preferences(of: self.user)
            if try self.change(&preferences, &zone) {
                try await store.set(preferences, zone: zone, of: self.user)
            }
            return (preferences, zone)
        }
        Terminal.print(
            "quiet hours  \(shown.quietHours?.description ?? "none") (\(zone.name)), then \(shown.quietAction.rawValue)"
        )
        Terminal.print("budget       \(shown.budget.burst) at once, then one every \(shown.budget.interval)")
        Terminal.print("services     \(shown.services?.sorted().joined(separator: ", ") ?? "all")")
    }

    /// Takes over what was given; false when nothing was.
    private func change(
        _ preferences: inout NotificationPreferences, _ zone: inout PreferencesStore.Zone
    ) throws -> Bool {
        if let quiet { preferences.quietHours = quiet == "none" ? nil : try QuietHours(quiet) }
        if let name = self.zone {
            guard let known = PreferencesStore.Zone(name) else {
                throw CommandError.usage("'\(name)' is no zone. Write an IANA name such as Europe/Berlin, or UTC.")
            }
            zone = known
        }
        if let action {
            guard let known = QuietAction(rawValue: action) else {
                throw CommandError.usage("'\(action)' is no action. Write silent, defer or drop.")
            }
            preferences.quietAction = known
        }
        let interval = self.every.map { Duration.seconds($0) } ?? preferences.budget.interval
        preferences.budget = NotificationBudget(burst: self.burst ?? preferences.budget.burst, interval: interval)
        if let services {
            let names = services.split(separator: ",").map(String.init)
            let known = DeliveryService.ofDevices.map(\.rawValue)
            if let unknown = names.first(where: { $0 != "all" && !known.contains($0) }) {
                throw CommandError.usage("'\(unknown)' is no service. Known are \(known.joined(separator: ", ")).")
            }
            preferences.services = names == ["all"] ? nil : Set(names)
        }
        return self.quiet != nil || self.zone != nil || self.action != nil || self.burst != nil || self.every != nil
            || self.services != nil
    }
}
