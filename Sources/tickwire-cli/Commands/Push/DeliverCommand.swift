import ArgumentParser
import Logging
import Market
import Store
import Tickwire

/// `tickwire deliver`: the worker that sends notifications.
struct DeliverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliver", abstract: "Send what waits in the outbox; show and replay deliveries.",
        discussion: """
            'up' and 'ingest' deliver by themselves unless deliver.here is false. Any number of workers share an outbox.

            EXAMPLES
              tickwire deliver
              tickwire deliver status
              tickwire deliver status --dead
              tickwire deliver replay --dead 17 18
            """,
        subcommands: [DeliverRunCommand.self, DeliverStatusCommand.self, DeliverReplayCommand.self],
        defaultSubcommand: DeliverRunCommand.self
    )
}

/// `tickwire deliver run`.
struct DeliverRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Send deliveries until stopped (the default).")

    @OptionGroup var options: SettingsOptions
    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical; also TICKWIRE_LOG_LEVEL. (default: info)",
            valueName: "level"))
    var logLevel: String?

    func run() async throws {
        var flags = self.options.flags()
        flags.values["log.level"] = self.logLevel
        let settings = try await SettingsLoader.load(flags: flags)
        var logger = Logger(label: "tickwire")
        logger.logLevel = settings.logLevel
        try await DeliveryRunner(settings: settings, logger: logger).run { Terminal.note($0) }
    }
}

/// `tickwire deliver status`.
struct DeliverStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the lanes: what waits, what was sent, what is held back and why.",
        discussion: """
            A lane is one credential of one service. BREAKER is 'closed' while it sends, 'open' while it is held back, 'half-open'
            while one delivery tries whether the service is back, and '-' when no worker has the lane.

            EXAMPLES
              tickwire deliver status
              tickwire deliver status --dead --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Show what was given up instead, the newest first.")
    var dead = false
    @Option(help: "How many of those, 1 to 10000.")
    var limit = 50
    @Flag(help: "One JSON object a line.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(self.limit) else {
            throw ValidationError("--limit is \(self.limit): expected 1 to 10000.")
        }
    }

    func run() async throws {
        let settings = try await self.options.load()
        let (lanes, letters) = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let outbox = Outbox(client: client)
            return self.dead
                ? ([], try await outbox.deadLetters(limit: self.limit)) : (try await outbox.laneStatus(), [])
        }
        if self.dead {
            return DeliveryView.show(letters, json: self.json)
        }
        DeliveryView.show(lanes, json: self.json)
    }
}

/// `tickwire deliver replay`.
struct DeliverReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Send again what was given up.",
        discussion: """
            What has run out is worth something for 15 more minutes, and devices that were given up are tried again.

            EXAMPLES
              tickwire deliver replay --dead
              tickwire deliver replay --dead 17 18
            """
    )

    @OptionGroup var options: SettingsOptions
    @Flag(help: "What was given up: all of it, or the deliveries named.")
    var dead = false
    @Argument(help: "Numbers of deliveries, as 'deliver status --dead' shows them.")
    var ids: [Int64] = []

    func validate() throws {
        guard self.dead else { throw ValidationError("Say what to send again: --dead, or --dead and numbers.") }
    }

    func run() async throws {
        let settings = try await self.options.load()
        let count = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            try await Outbox(client: client).replay(self.ids.isEmpty ? nil : self.ids)
        }
        Terminal.print("\(count) \(count == 1 ? "delivery is" : "deliveries are") due again")
    }
}
