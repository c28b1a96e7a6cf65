import Alerts
import Configuration
import Foundation
import Ingest
import Logging
import Market
import Store

/// Values that a command line gave; `nil` where it gave none.
public struct SettingsFlags: Sendable {
    /// The settings file; `nil` looks for `tickwire.yaml` in the working directory.
    public var configFile: String?
    /// Values by settings key, for example `port`.
    public var values: [String: String] = [:]
    /// `NAME=URL` pairs of `--feed-url`.
    public var feedURLs: [String] = []
    /// `NAME=FILE` pairs of `--replay`.
    public var replays: [String] = []
    /// `--replay-speed`; `nil` is the speed of the recording.
    public var replaySpeed: String?
    /// Whether recorded ticks may fire alerts.
    public var replayAlerts = false

    /// No flags.
    public init() {}
}

/// Reads settings from flags, environment and file, and checks every one of them.
public enum SettingsLoader {
    /// The keys of `tickwire.yaml`; each is also `TICKWIRE_…` in capitals with underscores.
    static let keys =
        [
            "bind", "port", "dataDir", "databaseURL", "databaseWait", "feedsDir", "migrationsDir", "feeds.enabled",
            "feeds.fallback",
            "feeds.urls", "symbols", "candleChannels", "demo", "simulator.rate", "simulator.faults", "publishURL",
            "publishBatch",
            "app.id",
            "app.key", "app.secret", "app.clientEvents", "app.subscriptionCounts", "guard.cryptoBand",
            "guard.stockBand", "alerts.stormFirings", "alerts.stormWindow", "alerts.perUserMax",
            "journal.sizeMax", "retention.trades",
            "retention.quotes", "connectionBytesPerSecondMax",
            "webhooks.allowPrivate", "push.apnsTopic", "log.level",
            "app.encryptionMasterKey", "publish.interval", "publish.messagesPerSecond", "publish.messagesPerDay",
            "publish.countDeliveries", "publish.encrypted", "auth.origins",
        ] + SettingsLoader.gatewayKeys + SettingsLoader.natsKeys + SettingsLoader.pushKeys
        + SettingsLoader.beamsKeys

    /// The keys whose values are never printed.
    static let secretKeys: Set<String> = [
        "databaseURL", "app.secret", "app.encryptionMasterKey", "nats.url", "push.beams.secretKey",
        "beams.secretKey", "beams.webhookSecret",
    ]

    /// Reads and checks all settings.
    ///
    /// - Parameters:
    ///   - flags: What the command line said.
    ///   - environment: Variables; `nil` takes the process's own.
    /// - Returns: Checked settings.
    /// - Throws: ``SetupError``.
    public static func load(
        flags: SettingsFlags, environment: [String: String]? = nil
    ) async throws -> Settings {
        let environment = environment ?? ProcessInfo.processInfo.environment
        var providers: [any ConfigProvider] = [
            KeyMappingProvider(upstream: EnvironmentVariablesProvider(environmentVariables: environment)) {
                $0.prepending("tickwire")
            }
        ]
        let file = try self.settingsFile(flags)
        let document = try file.map { try SettingsDocument(file: $0) }
        if let document { providers.append(try document.provider()) }
        let reader = ConfigReader(providers: providers)
        let values = Values(flags: flags.values, reader: reader)
        var settings = Settings()
        try self.readService(values, environment, into: &settings)
        try self.readFeeds(values, flags, environment, into: &settings)
        try self.readReplays(flags, into: &settings)
        try self.readPublishing(values, into: &settings)
        try self.readApp(values, into: &settings)
        try self.readApps(document, environment, masterKey: values.text("app.encryptionMasterKey"), into: &settings)
        try self.readGateway(values, into: &settings)
        try self.readNATS(values, into: &settings)
        try self.readPush(values, into: &settings)
        try self.readBeams(values, into: &settings)
        return settings
    }

    /// One look-up: the flag, then the environment and the file.
    struct Values {
        fileprivate let flags: [String: String]
        fileprivate let reader: ConfigReader

        func text(_ key: String) -> String? {
            if let flag = self.flags[key] { return flag }
            let configKey = ConfigKey(stringLiteral: key)
            // The file's own types are accepted where a text is asked for: `port: 6001`, `demo: true`.
            if let text = self.reader.string(forKey: configKey) { return text.isEmpty ? nil : text }
            if let number = self.reader.int(forKey: configKey) { return String(number) }
            return self.reader.bool(forKey: configKey).map { String($0) }
        }

        func list(_ key: String) -> [String]? {
            if let flag = self.flags[key] { return Self.split(flag) }
            if let text = self.reader.string(forKey: ConfigKey(stringLiteral: key)), !text.isEmpty {
                return Self.split(text)
            }
            return self.reader.stringArray(forKey: ConfigKey(stringLiteral: key))
        }

        func whole(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
            guard let text = self.text(key) else { return nil }
            guard let value = Int(text), range.contains(value) else {
                throw SetupError.badSetting(
                    name: key, value: text, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return value
        }

        func flag(_ key: String) throws -> Bool? {
            guard let text = self.text(key) else { return nil }
            switch text.lowercased() {
            case "true", "yes", "on", "1": return true
            case "false", "no", "off", "0": return false
            default: throw SetupError.badSetting(name: key, value: text, expected: "true or false")
            }
        }

        /// A number of bytes, written as `64MB` or `4GB`; 1 kB is 1024 bytes.
        func size(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
            guard let text = self.text(key) else { return nil }
            let number = text.prefix { $0.isNumber }
            let unit = text.dropFirst(number.count).trimmingCharacters(in: .whitespaces).lowercased()
            let shifts = ["": 0, "kb": 10, "mb": 20, "gb": 30, "tb": 40]
            guard let shift = shifts[unit], let count = Int(number), count <= Int.max >> shift,
                range.contains(count << shift)
            else {
                throw SetupError.badSetting(
                    name: key, value: text,
                    expected:
                        "a size from \(range.lowerBound >> 20)MB to \(range.upperBound >> 40)TB, for example 512MB or 4GB"
                )
            }
            return count << shift
        }

        private static func split(_ text: String) -> [String] {
            text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
    }

    private static func readService(
        _ values: Values, _ environment: [String: String], into settings: inout Settings
    ) throws {
        if let bind = values.text("bind") { settings.bind = bind }
        if let port = try values.whole("port", in: 0...65535) { settings.port = port }
        if let directory = values.text("dataDir") { settings.dataDirectory = self.absolute(directory) }
        let databaseURL = values.text("databaseURL") ?? environment["DATABASE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        if let databaseURL {
            let isURL = databaseURL.hasPrefix("postgres://") || databaseURL.hasPrefix("postgresql://")
            guard isURL || databaseURL.contains("=") else {
                throw SetupError.badSetting(
                    name: "DATABASE_URL", value: "…", expected: "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
                )
            }
            settings.databaseURL = databaseURL
        }
        if let seconds = try values.whole("databaseWait", in: 0...3600) { settings.databaseWait = .seconds(seconds) }
        settings.migrationsDirectory = try self.folder(
            values.text("migrationsDir"), named: "Migrations", setting: "migrationsDir"
        )
        // In percent; 0 holds nothing back.
        if let percent = try values.whole("guard.cryptoBand", in: 0...100) {
            settings.cryptoBand = GuardBand(percent: percent)
        }
        if let percent = try values.whole("guard.stockBand", in: 0...100) {
            settings.stockBand = GuardBand(percent: percent)
        }
        if let firings = try values.whole("alerts.stormFirings", in: 1...10_000) {
            settings.stormGuard.firingsMax = firings
        }
        // In seconds.
        if let seconds = try values.whole("alerts.stormWindow", in: 1...86_400) {
            settings.stormGuard.window = .seconds(seconds)
        }
        if let count = try values.whole("alerts.perUserMax", in: 1...10_000_000) { settings.alertsPerUserMax = count }
        if let size = try values.size("journal.sizeMax", in: Settings.journalBytesRange) {
            settings.journalBytesMax = size
        }
        settings.connectionBytesPerSecondMax = try values.whole(
            "connectionBytesPerSecondMax", in: 256...1_000_000_000)
        settings.retention.tradeDays = try values.whole("retention.trades", in: 1...36_500)
        settings.retention.quoteDays = try values.whole("retention.quotes", in: 1...36_500)
        if let allow = try values.flag("webhooks.allowPrivate") { settings.allowPrivateWebhooks = allow }
        if let level = values.text("log.level") {
            guard let parsed = Logger.Level(rawValue: level) else {
                let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw SetupError.badSetting(name: "log.level", value: level, expected: "one of \(levels)")
            }
            settings.logLevel = parsed
        }
    }

    private static func readFeeds(
        _ values: Values, _ flags: SettingsFlags, _ environment: [String: String], into settings: inout Settings
    ) throws {
        settings.feedsDirectory = try self.folder(values.text("feedsDir"), named: "Feeds", setting: "feedsDir")
        // TICKWIRE_FEEDS is the documented short form of feeds.enabled.
        let short = environment["TICKWIRE_FEEDS"].flatMap { $0.isEmpty ? nil : $0 }
        if values.flags["feeds.enabled"] == nil, let short {
            settings.feeds = short.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        } else {
            settings.feeds = values.list("feeds.enabled")
        }
        settings.symbols = values.list("symbols")
        if let fallback = values.text("feeds.fallback") {
            guard let parsed = Settings.Fallback(rawValue: fallback) else {
                throw SetupError.badSetting(name: "feeds.fallback", value: fallback, expected: "sim or none")
            }
            settings.fallback = parsed
        }
        for pair in (values.list("feeds.urls") ?? []) + flags.feedURLs {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                throw SetupError.badSetting(
                    name: "feeds.urls", value: pair, expected: "NAME=URL, for example sim=ws://127.0.0.1:6080/")
            }
            settings.feedURLs[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        if let hasCandles = try values.flag("candleChannels") { settings.hasCandleChannels = hasCandles }
        if let isDemo = try values.flag("demo") { settings.isDemo = isDemo }
        if let rate = try values.whole("simulator.rate", in: 1...200_000) { settings.simulatorRate = rate }
        if let faults = values.text("simulator.faults") {
            do {
                settings.simulatorFaults = try FaultPlan(faults)
            } catch {
                throw SetupError.badSetting(
                    name: "simulator.faults", value: faults, expected: "a plan of faults (\(error))")
            }
        }
    }

    private static func readPublishing(_ values: Values, into settings: inout Settings) throws {
        if let url = values.text("publishURL") {
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                throw SetupError.badSetting(
                    name: "publishURL", value: url, expected: "http://HOST:PORT or https://HOST"
                )
            }
            settings.publishURL = url.hasSuffix("/") ? String(url.dropLast()) : url
        }
        if let batch = try values.whole("publishBatch", in: 1...1000) { settings.publishBatch = batch }
        if let url = settings.publishURL, PublisherSettings.isHosted(url),
            settings.publishBatch > PublisherSettings.hostedBatchMax
        {
            throw SetupError.badSetting(
                name: "publishBatch", value: String(settings.publishBatch),
                expected:
                    "at most \(PublisherSettings.hostedBatchMax) with publishURL \(url): hosted Pusher takes no more")
        }
        if let interval = try values.whole("publish.interval", in: 0...60_000) {
            settings.publishInterval = .milliseconds(interval)
        }
        settings.publishMessagesPerSecond = try values.whole("publish.messagesPerSecond", in: 1...1_000_000)
        settings.publishMessagesPerDay = try values.whole("publish.messagesPerDay", in: 1...1_000_000_000_000)
        if let count = try values.flag("publish.countDeliveries") { settings.publishCountsDeliveries = count }
        if let encrypted = try values.flag("publish.encrypted") { settings.publishesEncrypted = encrypted }
        if let origins = values.list("auth.origins") { settings.authOrigins = origins }
    }

    private static func readApp(_ values: Values, into settings: inout Settings) throws {
        settings.appID = values.text("app.id")
        settings.appKey = values.text("app.key")
        settings.appSecret = values.text("app.secret")
        if let allow = try values.flag("app.clientEvents") { settings.hasClientEvents = allow }
        if let tell = try values.flag("app.subscriptionCounts") { settings.hasSubscriptionCounts = tell }
        let given = [settings.appID, settings.appKey, settings.appSecret].compactMap { $0 }.count
        guard given == 0 || given == 3 else {
            throw SetupError.badSetting(
                name: "app", value: "\(given) of 3 given",
                expected: "TICKWIRE_APP_ID, TICKWIRE_APP_KEY and TICKWIRE_APP_SECRET together, or none of them"
            )
        }
    }

    private static func settingsFile(_ flags: SettingsFlags) throws -> String? {
        if let file = flags.configFile {
            guard FileManager.default.isReadableFile(atPath: file) else {
                throw SetupError.notFound(what: "The settings file", path: file, fix: "Check --config.")
            }
            return self.absolute(file)
        }
        return FileManager.default.isReadableFile(atPath: "tickwire.yaml") ? self.absolute("tickwire.yaml") : nil
    }

    /// The folder that was set, or `named` in the working directory, above the program, or in the system's share folder.
    private static func folder(_ given: String?, named name: String, setting: String) throws -> String {
        let files = FileManager.default
        if let given {
            let path = self.absolute(given)
            guard files.fileExists(atPath: path) else {
                throw SetupError.notFound(what: "The folder", path: given, fix: "Check the setting \(setting).")
            }
            return path
        }
        var candidates = [files.currentDirectoryPath + "/" + name]
        if let program = try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            var directory = URL(fileURLWithPath: program).deletingLastPathComponent()
            for _ in 0..<5 {
                candidates.append(directory.appendingPathComponent(name).path)
                directory.deleteLastPathComponent()
            }
        }
        candidates.append("/usr/share/tickwire/" + name)
        guard let found = candidates.first(where: { files.fileExists(atPath: $0) }) else {
            throw SetupError.notFound(
                what: "The folder", path: name, fix: "Start tickwire where it is, or set \(setting).")
        }
        return found
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
