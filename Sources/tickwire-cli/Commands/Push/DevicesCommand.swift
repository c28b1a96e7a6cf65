import ArgumentParser
import Notifications
import Store
import Tickwire

/// `tickwire devices`: what users are notified on.
struct DevicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices", abstract: "List, add and remove what users are notified on.",
        discussion: """
            EXAMPLES
              tickwire devices add ann --apns 9f31…c2
              tickwire devices list --user ann
              tickwire devices preferences ann --quiet "mon-fri 22:00-07:00" --zone Europe/Berlin --action defer
              tickwire devices remove 3
            """,
        subcommands: [
            DevicesListCommand.self, DevicesAddCommand.self, DevicesRemoveCommand.self, DevicesPreferencesCommand.self,
        ]
    )
}

/// `tickwire devices list`.
struct DevicesListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List devices; tokens are shown by their ends only.",
        discussion: """
            EXAMPLES
              tickwire devices list
              tickwire devices list --user ann --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(help: "Only this user's.")
    var user: String?
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let devices = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            try await DeviceStore(client: client).list(user: self.user)
        }
        if self.json {
            for device in devices { Terminal.print(DeviceLine.json(device)) }
            return
        }
        guard !devices.isEmpty else { return Terminal.note("No devices. Add one with: tickwire devices add USER …") }
        var table = Table([
            ("ID", .right), ("USER", .left), ("SERVICE", .left), ("TARGET", .left), ("REGISTERED (UTC)", .left),
            ("LAST SENT (UTC)", .left), ("STATE", .left),
        ])
        for device in devices {
            table.add([
                String(device.id), device.user, device.service.rawValue, DeviceLine.target(device.target),
                AccountLine.time(device.lastRegisteredAt), device.lastSuccessAt.map { AccountLine.time($0) } ?? "never",
                device.disabledReason.map { "off: \($0)" } ?? "on",
            ])
        }
        for line in table.lines { Terminal.print(line) }
    }
}

/// `tickwire devices remove`.
struct DevicesRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove devices; what waits for them is not sent.",
        discussion: """
            EXAMPLE
              tickwire devices remove 3 4
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "Numbers of devices, as 'devices list' shows them.")
    var ids: [Int64]

    func run() async throws {
        let settings = try await self.options.load()
        try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let store = DeviceStore(client: client)
            for id in self.ids { try await store.remove(id: id) }
        }
    }
}
