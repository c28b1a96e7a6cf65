import Alerts
import Foundation
import Logging
import Store
import Testing

@testable import Tickwire

@Suite("Settings")
struct SettingsLoaderTests {
    @Test("Flags win over the environment, that over the file, that over the defaults")
    func precedence() async throws {
        let file = try temporaryFile(
            "port: 7001\nbind: 10.0.0.1\nlog:\n  level: debug\nsymbols: [BTC-USD, AAPL]\nfeeds:\n  fallback: none\n")
        var flags = SettingsFlags()
        flags.configFile = file
        flags.values["port"] = "7003"
        let settings = try await load(flags, ["TICKWIRE_PORT": "7002", "TICKWIRE_BIND": "10.0.0.2"])
        #expect(settings.port == 7003)
        #expect(settings.bind == "10.0.0.2")
        #expect(settings.logLevel == .debug)
        #expect(settings.symbols == ["BTC-USD", "AAPL"])
        #expect(settings.fallback == .none)
        #expect(settings.simulatorRate == 20)
    }

    @Test("Every documented variable is read")
    func environment() async throws {
        let settings = try await load(
            SettingsFlags(),
            [
                "DATABASE_URL": "postgresql://a@b/c", "TICKWIRE_FEEDS": "kraken, coinbase",
                "TICKWIRE_SYMBOLS": "BTC-USD,AAPL",
                "TICKWIRE_FEEDS_FALLBACK": "none", "TICKWIRE_DATA_DIR": "/tmp/x", "TICKWIRE_APP_ID": "3",
                "TICKWIRE_APP_KEY": "k",
                "TICKWIRE_APP_SECRET": "s", "TICKWIRE_WEBHOOKS_ALLOW_PRIVATE": "true", "TICKWIRE_LOG_LEVEL": "error",
                "TICKWIRE_PUBLISH_URL": "http://a/", "TICKWIRE_PUBLISH_BATCH": "1000", "TICKWIRE_DEMO": "true",
                "TICKWIRE_SIMULATOR_RATE": "5", "TICKWIRE_PUSH_APNS_TOPIC": "a.b",
                "TICKWIRE_JOURNAL_SIZE_MAX": "512 MB", "TICKWIRE_ALERTS_STORM_FIRINGS": "7",
                "TICKWIRE_ALERTS_STORM_WINDOW": "90", "TICKWIRE_ALERTS_PER_USER_MAX": "12",
                "TICKWIRE_RETENTION_TRADES": "365", "TICKWIRE_DATABASE_WAIT": "120", "TICKWIRE_RETENTION_QUOTES": "30",
            ]
        )
        #expect(settings.databaseURL == "postgresql://a@b/c")
        #expect(settings.feeds == ["kraken", "coinbase"])
        #expect(settings.symbols == ["BTC-USD", "AAPL"])
        #expect(settings.fallback == .none)
        #expect(settings.dataDirectory == "/tmp/x")
        #expect(settings.appSecret == "s")
        #expect(settings.allowPrivateWebhooks)
        #expect(settings.logLevel == .error)
        #expect(settings.publishURL == "http://a")
        #expect(settings.publishBatch == 1000)
        #expect(settings.isDemo)
        #expect(settings.simulatorRate == 5)
        #expect(settings.apnsTopic == "a.b")
        #expect(settings.journalBytesMax == 512 << 20)
        #expect(settings.stormGuard == StormGuard(firingsMax: 7, window: .seconds(90)))
        #expect(settings.alertsPerUserMax == 12)
        #expect(settings.retention.tradeDays == 365)
        #expect(settings.databaseWait == .seconds(120))
        #expect(settings.retention.quoteDays == 30)
    }

    @Test("The example file is valid and says the defaults")
    func example() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var flags = SettingsFlags()
        flags.configFile = root.appendingPathComponent("tickwire.example.yaml").path
        let settings = try await load(flags, [:])
        let defaults = Settings()
        #expect(settings.port == defaults.port)
        #expect(settings.feeds == Settings.defaultFeeds)
        #expect(settings.publishBatch == defaults.publishBatch)
        #expect(settings.apnsTopic == defaults.apnsTopic)
        #expect(settings.journalBytesMax == defaults.journalBytesMax)
        #expect(settings.stormGuard == defaults.stormGuard)
        #expect(settings.alertsPerUserMax == defaults.alertsPerUserMax)
        #expect(settings.retention == defaults.retention)
        #expect(settings.databaseWait == defaults.databaseWait)
    }

    @Test(
        "A bad setting names itself, its value and what is expected",
        arguments: [
            ("TICKWIRE_PORT", "70000"), ("TICKWIRE_PORT", "abc"), ("TICKWIRE_FEEDS_FALLBACK", "maybe"),
            ("TICKWIRE_LOG_LEVEL", "loud"), ("TICKWIRE_DEMO", "perhaps"), ("TICKWIRE_PUBLISH_URL", "gateway:6001"),
            ("TICKWIRE_SIMULATOR_RATE", "0"), ("TICKWIRE_ALERTS_STORM_FIRINGS", "0"),
            ("TICKWIRE_ALERTS_STORM_WINDOW", "1m"), ("TICKWIRE_ALERTS_PER_USER_MAX", "0"),
            ("TICKWIRE_JOURNAL_SIZE_MAX", "4 apples"),
            ("TICKWIRE_JOURNAL_SIZE_MAX", "1MB"),
            ("TICKWIRE_JOURNAL_SIZE_MAX", "99999999999999999999GB"), ("TICKWIRE_RETENTION_TRADES", "0"),
        ]
    )
    func badValues(name: String, value: String) async {
        let error = await #expect(throws: SetupError.self) { try await load(SettingsFlags(), [name: value]) }
        #expect(error?.description.contains("'\(value)'") == true)
        #expect(error?.exitCode == 78)
    }

    @Test("A misspelt key of the file is an error with the nearest one")
    func misspeltKey() async throws {
        var flags = SettingsFlags()
        flags.configFile = try temporaryFile("feeds:\n  fallbak: none\n")
        let error = await #expect(throws: SetupError.self) { try await load(flags, [:]) }
        #expect(error?.description.contains("'feeds.fallbak'") == true)
        #expect(error?.description.contains("'feeds.fallback'") == true)
    }

    @Test("A password in DATABASE_URL is never repeated")
    func secret() async {
        let error = await #expect(throws: SetupError.self) {
            try await load(SettingsFlags(), ["DATABASE_URL": "mysql://ann:hunter2@x"])
        }
        #expect(error?.description.contains("hunter2") == false)
    }
}

private func load(_ flags: SettingsFlags, _ environment: [String: String]) async throws -> Settings {
    var flags = flags
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    flags.values["feedsDir"] = root.appendingPathComponent("Feeds").path
    flags.values["migrationsDir"] = root.appendingPathComponent("Migrations").path
    return try await SettingsLoader.load(flags: flags, environment: environment)
}

private func temporaryFile(_ text: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("tickwire-\(UUID().uuidString).yaml").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
}
