import Channels
import Foundation
import Testing

@testable import Tickwire

@Suite("Apps in the settings")
struct AppSettingsTests {
    private static let master = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    private static let single = [
        "TICKWIRE_APP_ID": "1", "TICKWIRE_APP_KEY": "one", "TICKWIRE_APP_SECRET": "secret-one",
    ]

    @Test("An app of the list has keys, limits and webhooks; the single app stands before it")
    func list() async throws {
        let settings = try await load(
            """
            port: 7001
            symbols: [BTC-USD]
            app:
              webhooks: [https://one.example/hook]
            apps:
              - id: "2"
                keys:
                  - {key: old, secret: secret-old}
                  - {key: new, secret: secret-new}
                enabled: false
                tlsOnly: yes
                connectionsMax: 20
                clientEvents: true
                subscriptionCounts: true
                encryptionMasterKey: \(Self.master)
                webhooks:
                  - {url: "https://two.example/", events: [member_added, cache_miss], prefix: presence-, batched: true}
            """, Self.single)
        #expect(settings.port == 7001)
        #expect(settings.symbols == ["BTC-USD"])
        let apps = try AppSettings.load(settings)
        #expect(apps.map(\.app.id) == ["1", "2"])
        #expect(apps[0].webhooks.map(\.url) == ["https://one.example/hook"])
        #expect(apps[0].webhooks[0].kinds.count == 7)
        let second = apps[1]
        #expect(second.app.credentials.map(\.key) == ["old", "new"])
        #expect(second.app.signingCredentials.secret == "secret-old")
        #expect(!second.app.options.isEnabled)
        #expect(second.app.options.requiresTLS)
        #expect(second.app.options.connectionsMax == 20)
        #expect(second.app.options.hasClientEvents)
        #expect(second.app.options.hasSubscriptionCounts)
        #expect(second.encryptionMasterKey == Array(0...31))
        #expect(second.webhooks[0].kinds == [.memberAdded, .cacheMiss])
        #expect(second.webhooks[0].channelPrefix == "presence-")
        #expect(second.webhooks[0].isBatched)
    }

    @Test("With a list and no single app, none is made")
    func listOnly() async throws {
        let settings = try await load("apps: [{id: a, keys: [{key: k, secret: s}]}]", [:])
        #expect(try AppSettings.load(settings).map(\.app.id) == ["a"])
    }

    @Test("The environment gives the single app webhooks and a master key")
    func environment() async throws {
        var variables = Self.single
        variables["TICKWIRE_APP_WEBHOOKS"] = "https://a.example, https://b.example/x"
        variables["TICKWIRE_APP_ENCRYPTION_MASTER_KEY"] = Self.master
        let apps = try AppSettings.load(try await load("app: {webhooks: [https://c.example]}", variables))
        #expect(apps[0].webhooks.map(\.url) == ["https://a.example", "https://b.example/x"])
        #expect(apps[0].encryptionMasterKey == Array(0...31))
    }

    @Test(
        "What is wrong is named with its place, and secrets are not repeated",
        arguments: [
            ("apps: [{id: 'a b', keys: [{key: k, secret: hush}]}]", "apps[0].id is 'a b'"),
            ("apps: [{id: a}]", "apps[0].keys"),
            ("apps: [{id: a, keys: []}]", "apps[0].keys"),
            ("apps: [{id: a, keys: [{key: k}]}]", "apps[0].keys[0].secret"),
            ("apps: [{id: a, keys: [{key: 'k/', secret: hush}]}]", "apps[0].keys[0].key is 'k/'"),
            ("apps: [{id: a, keys: [{key: k, secert: hush}]}]", "Did you mean 'secret'"),
            ("apps: [{id: a, keys: [{key: k, secret: hush}], tlsOnly: maybe}]", "apps[0].tlsOnly is 'maybe'"),
            ("apps: [{id: a, keys: [{key: k, secret: hush}], connectionsMax: 0}]", "connectionsMax is '0'"),
            ("apps: [{id: a, keys: [{key: k, secret: hush}], encryptionMasterKey: aHVzaA==}]", "openssl rand"),
            ("apps: [{id: a, keys: [{key: k, secret: hush}], webhooks: [ftp://x]}]", "webhooks[0] is 'ftp://…'"),
            ("apps: [{id: a, keys: hush}]", "apps[0].keys is 'a single value'"),
            ("apps: [{id: a, keys: [hush]}]", "apps[0].keys[0] is 'a single value'"),
            ("app: {webhooks: ['ftp://ann:hush@x/']}", "app.webhooks[0] is 'ftp://…'"),
            (
                "apps: [{id: a, keys: [{key: k, secret: hush}], webhooks: [{url: 'http://x', events: [vacated]}]}]",
                "'vacated'"
            ),
            ("apps: {id: a}", "apps is 'an entry': expected a list"),
            ("apps: [{id: a, keys: [{key: k, secret: hush}]}, {id: a, keys: [{key: l, secret: hush}]}]", "'a'"),
            (
                "apps: [{id: a, keys: [{key: k, secret: hush}]}, {id: b, keys: [{key: k, secret: hush}]}]",
                "apps a and b both have it"
            ),
        ]
    )
    func bad(yaml: String, expected: String) async {
        let error = await #expect(throws: SetupError.self) { try await load(yaml, [:]) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("hush") == false)
        #expect(error?.description.contains("aHVzaA") == false)
        #expect(error?.exitCode == 78)
    }

    @Test("Settings, apps and credentials do not print their secrets")
    func printing() throws {
        var settings = Settings()
        settings.databaseURL = "postgresql://ann:hush@x/y"
        (settings.appID, settings.appKey, settings.appSecret) = ("1", "one", "hush")
        settings.appEncryptionMasterKey = Array(200...231)
        let apps = try AppSettings.load(settings)
        let credentials = try #require(try AppCredentials.existing(settings))
        for value in [settings, apps, credentials] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(!text.contains("hush") && !text.contains("MasterKey"), "\(text)")
            }
        }
        #expect(SettingsLoader.secretKeys.isSubset(of: SettingsLoader.keys))
    }

    @Test("A key of the single app cannot be in the list too")
    func shared() async throws {
        let settings = try await load("apps: [{id: '2', keys: [{key: one, secret: s}]}]", Self.single)
        #expect(throws: SetupError.self) { try AppSettings.load(settings) }
    }
}

private func load(_ yaml: String, _ environment: [String: String]) async throws -> Settings {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("tickwire-\(UUID().uuidString).yaml").path
    try yaml.write(toFile: file, atomically: true, encoding: .utf8)
    defer {
        // Left behind it does no harm.
        try? FileManager.default.removeItem(atPath: file)
    }
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    var flags = SettingsFlags()
    flags.configFile = file
    flags.values["feedsDir"] = root.appendingPathComponent("Feeds").path
    flags.values["migrationsDir"] = root.appendingPathComponent("Migrations").path
    return try await SettingsLoader.load(flags: flags, environment: environment)
}
