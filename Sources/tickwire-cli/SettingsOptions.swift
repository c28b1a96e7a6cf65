import ArgumentParser
import Logging
import Tickwire

/// Options of every command that reads settings.
struct SettingsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Settings file; default: tickwire.yaml in the working directory.", valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp("Where state is kept; also TICKWIRE_DATA_DIR.", valueName: "folder"))
    var dataDir: String?
    @Option(
        help: ArgumentHelp(
            "Folder of the feed files; also TICKWIRE_FEEDS_DIR. Default: Feeds here, above the program, or in its share folder.",
            valueName: "folder"))
    var feedsDir: String?

    func flags() -> SettingsFlags {
        var flags = SettingsFlags()
        flags.configFile = self.config
        flags.values["dataDir"] = self.dataDir
        flags.values["feedsDir"] = self.feedsDir
        return flags
    }

    func load() async throws -> Settings { try await SettingsLoader.load(flags: self.flags()) }

    /// A logger for commands whose output is data: warnings and worse, on standard error.
    func quietLogger(_ settings: Settings) -> Logger {
        var logger = Logger(label: "tickwire")
        logger.logLevel = max(.warning, settings.logLevel)
        return logger
    }
}

extension SettingsOptions {
    /// A logger for a command that tells of all trouble itself.
    func silentLogger(_ settings: Settings) -> Logger {
        var logger = self.quietLogger(settings)
        logger.logLevel = .critical
        return logger
    }
}

/// Options of the commands that run as a service.
struct ServiceOptions: ParsableArguments {
    @OptionGroup var settings: SettingsOptions
    @Option(
        help: ArgumentHelp(
            "Port of HTTP and WebSocket; 0 takes a free one. Also TICKWIRE_PORT. (default: 6001)", valueName: "port"))
    var port: String?
    @Option(help: ArgumentHelp("Address to listen on; also TICKWIRE_BIND. (default: 127.0.0.1)", valueName: "address"))
    var bind: String?
    @Option(
        help: ArgumentHelp(
            "Feeds to run, best first; also TICKWIRE_FEEDS. (default: coinbase,kraken,binance,bitstamp)",
            valueName: "names"))
    var feeds: String?
    @Option(
        help: ArgumentHelp(
            "Symbols to subscribe to; also TICKWIRE_SYMBOLS. (default: those in each feed file)", valueName: "symbols"))
    var symbols: String?
    @Option(
        help: ArgumentHelp(
            "NATS servers by which several nodes act as one; also TICKWIRE_NATS_URL.", valueName: "urls"))
    var nats: String?
    @Option(help: ArgumentHelp("Connect a feed to another URL; may be repeated.", valueName: "name=url"))
    var feedURL: [String] = []
    @Flag(help: "Run on the simulated market, plainly labelled as venue 'sim'.")
    var demo = false
    @Option(
        help: ArgumentHelp(
            "What goes wrong on the simulated market, as in 'tickwire simulate --help'; also TICKWIRE_SIMULATOR_FAULTS.",
            valueName: "faults"))
    var faults: String?
    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical; also TICKWIRE_LOG_LEVEL. (default: info)",
            valueName: "level"))
    var logLevel: String?

    func flags() -> SettingsFlags {
        var flags = self.settings.flags()
        flags.values["port"] = self.port
        flags.values["bind"] = self.bind
        flags.values["feeds.enabled"] = self.feeds
        flags.values["symbols"] = self.symbols
        flags.values["log.level"] = self.logLevel
        flags.values["nats.url"] = self.nats
        flags.values["simulator.faults"] = self.faults
        if self.demo { flags.values["demo"] = "true" }
        flags.feedURLs = self.feedURL
        return flags
    }
}
