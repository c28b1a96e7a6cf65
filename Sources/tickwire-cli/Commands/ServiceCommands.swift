import ArgumentParser
import Foundation
import Ingest
import Logging
import Market
import NIOPosix
import Postgres
import Store
import Tickwire

/// `tickwire up`: everything in one process.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run everything in one process: feeds, PostgreSQL, alerts, gateway.",
        discussion: """
            Without DATABASE_URL a private PostgreSQL is kept under the data directory and stopped with the process. When no live feed
            connects within 10 s, the simulated market takes over, labelled as venue 'sim' (setting feeds.fallback: none to forbid).

            EXAMPLES
              tickwire up
              tickwire up --demo --port 7000
              tickwire up --feeds coinbase,kraken --symbols BTC-USD,ETH-USD
              DATABASE_URL=postgresql://ann@db.example/ticks tickwire up --bind 0.0.0.0
              tickwire up --replay coinbase=COINBASE.rec --replay-speed 10
            """
    )

    @OptionGroup var options: ServiceOptions
    @OptionGroup var replay: ReplayOptions

    func run() async throws {
        var flags = self.options.flags()
        self.replay.add(to: &flags)
        try await runService(.up, flags)
    }
}

/// `tickwire ingest`: feeds to PostgreSQL and transport, without a gateway.
struct IngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Run the feeds headless: ticks to PostgreSQL, alerts, events to a gateway.",
        discussion: """
            Its port serves /healthz, /readyz, /metrics and /v1/feeds only. With --nats events go to every gateway that has subscribers for them. Without it
            they are published with the Pusher HTTP API to one server, signed with the app's key and secret (TICKWIRE_APP_ID, TICKWIRE_APP_KEY,
            TICKWIRE_APP_SECRET), which the gateway must share.

            EXAMPLES
              tickwire ingest --feeds coinbase --symbols BTC-USD
              tickwire ingest --nats nats://nats.example:4222 --port 6002
              tickwire ingest --publish-to http://gateway.example:6001 --port 6002
              tickwire ingest --replay coinbase=COINBASE.rec --replay-speed max
            """
    )

    @OptionGroup var options: ServiceOptions
    @OptionGroup var replay: ReplayOptions
    @Option(
        help: ArgumentHelp(
            "Base URL of a gateway, or of any server with the Pusher HTTP API; also TICKWIRE_PUBLISH_URL.",
            valueName: "url"))
    var publishTo: String?

    func run() async throws {
        var flags = self.options.flags()
        flags.values["publishURL"] = self.publishTo
        self.replay.add(to: &flags)
        try await runService(.ingest, flags)
    }
}

/// `tickwire gateway`: the realtime edge.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway", abstract: "Run the realtime edge: WebSocket channels and the HTTP API.",
        discussion: """
            Feed it with 'tickwire ingest', or publish to it with any Pusher server library. With --nats any number of gateways act as one:
            events, presence, counts, users and webhooks are those of all.

            EXAMPLES
              tickwire gateway --port 6001
              tickwire gateway --nats nats://nats-1.example:4222,nats://nats-2.example:4222 --bind 0.0.0.0
              DATABASE_URL=postgresql://ann@db.example/ticks tickwire gateway --bind 0.0.0.0
            """
    )

    @OptionGroup var options: ServiceOptions

    func run() async throws { try await runService(.gateway, self.options.flags()) }
}

func runService(_ kind: ServiceRunner.Kind, _ flags: SettingsFlags) async throws {
    let settings = try await SettingsLoader.load(flags: flags)
    var logger = Logger(label: "tickwire")
    logger.logLevel = settings.logLevel
    try await ServiceRunner(kind: kind, settings: settings, logger: logger).run { Terminal.note($0) }
}

/// `tickwire simulate`: the simulated exchange on its own.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Run a simulated exchange: a WebSocket server with a random-walk market.",
        discussion: """
            Eight crypto pairs and eight stocks; Feeds/sim.yaml describes its dialect. The same seed gives the same prices.

            FAULTS, separated by commas; what happens every so often happens the first time when that time has passed
              drop 1%                   messages that are lost for good
              duplicate 0.5%            messages that are sent twice
              reorder 0.5%              messages that come after the next one of their symbol
              garbage 0.2%              unreadable messages in between
              gap 20 every 30s          trades that are not sent, but served for backfill
              stall 3s every 1m         silence; trades go on and are served for backfill
              disconnect every 45s      every connection is cut
              skew 2s                   the exchange's clock is ahead (-2s: behind)
              burst 5x for 1s every 20s a higher rate for a while

            HTTP, ON THE SAME PORT
              GET  /trades?symbol=S&from=ID&to=ID&limit=N   trades of the last 10 minutes, at most 100000 of a symbol
              GET  /ledger                                  what was sent and what was not, by symbol
              GET  /faults, POST /faults                    the faults in force; the text of others, 'none' for none

            EXAMPLES
              tickwire simulate --rate 100 --seed 7
              tickwire simulate --rate 2000 --faults "drop 1%, reorder 0.5%, disconnect every 45s"
              curl -d "stall 5s every 20s" http://127.0.0.1:6080/faults
              tickwire up --feeds sim --feed-url sim=ws://127.0.0.1:6080/
            """
    )

    @Option(help: "Messages a second over all symbols, 1 to 200000.")
    var rate = 20
    @Option(help: "Decides every price, size and side.")
    var seed: UInt64 = 1
    @Option(help: "What goes wrong; see FAULTS.")
    var faults: String?
    @Option(help: "Port to listen on; 0 takes a free one.")
    var port = 6080
    @Option(help: "Address to listen on.")
    var bind = "127.0.0.1"

    func validate() throws {
        guard (1...200_000).contains(self.rate) else {
            throw ValidationError("--rate is \(self.rate): expected 1 to 200000.")
        }
        guard (0...65535).contains(self.port) else {
            throw ValidationError("--port is \(self.port): expected 0 to 65535.")
        }
    }

    func run() async throws {
        let faults = try self.faults.map { text throws(FaultPlanError) in try FaultPlan(text) } ?? FaultPlan()
        let server = try await SimulatorServer.start(
            .init(host: self.bind, port: self.port, rate: self.rate, seed: self.seed, faults: faults),
            on: MultiThreadedEventLoopGroup.singleton.next(), logger: Logger(label: "tickwire")
        )
        Terminal.note(
            "Simulated exchange on ws://\(self.bind):\(server.port)/, \(self.rate) messages a second, seed \(self.seed), faults: \(faults). Ctrl-C stops it."
        )
        await StopSignal.wait()
        await server.stop()
    }
}

/// `tickwire migrate`: the database schema.
struct MigrateCommand: AsyncParsableCommand {
    /// What to do with the migrations.
    enum Action: String, CaseIterable, ExpressibleByArgument {
        case up, status
    }

    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database schema up to date, or show its state.",
        discussion: """
            EXAMPLES
              tickwire migrate
              tickwire migrate status
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "up or status.")
    var action: Action = .up

    func run() async throws {
        let settings = try await self.options.load()
        let logger = self.options.quietLogger(settings)
        let connection: String
        var server: PrivatePostgres?
        if let url = settings.databaseURL {
            connection = url
        } else {
            let started = try await PrivatePostgres.start(under: settings.dataDirectory, logger: logger)
            server = started
            connection = started.connectionString
        }
        let client = PostgresClient(PostgresSettings(connection), maxConnections: 1, logger: logger)
        let migrator = Migrator(client: client, directory: settings.migrationsDirectory)
        do {
            switch self.action {
            case .up:
                let applied = try await migrator.up()
                for file in applied { Terminal.print("applied \(file)") }
                if applied.isEmpty { Terminal.print("up to date") }
            case .status:
                for migration in try await migrator.status() {
                    Terminal.print("\(migration.file): \(migration.appliedAt.map { "applied \($0)" } ?? "pending")")
                }
            }
        } catch {
            client.close()
            try await server?.stop()
            throw error
        }
        client.close()
        try await server?.stop()
    }
}

/// `tickwire version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() { Terminal.print("tickwire \(TickwireVersion.current)") }
}
