public import Channels
import Foundation

/// One application with all its keys, and what its own server is told.
public struct AppSettings: Sendable, CustomStringConvertible, CustomReflectable {
    /// Who may connect and publish, and with which limits.
    public let app: App
    /// Who is told what happens on its channels.
    public var webhooks: [WebhookEndpoint]
    /// The 32 bytes that the secrets of encrypted channels are made from.
    ///
    /// Secret. `nil`: market data is not published encrypted, and nobody is authorised for encrypted channels.
    public var encryptionMasterKey: [UInt8]?

    /// Seals and gives out secrets; `nil` without a master key.
    var encryption: ChannelEncryption? { self.encryptionMasterKey.map { ChannelEncryption(masterKey: $0) } }

    /// The app's id, without its secrets.
    public var description: String { "AppSettings(id: \(self.app.id))" }
    /// The app's id, without its secrets.
    public var customMirror: Mirror { Mirror(self, children: ["id": self.app.id]) }

    /// The apps of the settings: the single one of `app` first, then those of `apps`.
    ///
    /// Without any, the one of the data directory, which is made when it is not there.
    ///
    /// - Throws: ``SetupError`` when two share an id or a key, or the data directory cannot be used.
    public static func load(_ settings: Settings) throws -> [AppSettings] {
        var apps: [AppSettings] = []
        if settings.appID != nil || settings.apps.isEmpty {
            let made = try AppCredentials.loadOrCreate(settings)
            var options = App.Options()
            options.hasClientEvents = settings.hasClientEvents
            options.hasSubscriptionCounts = settings.hasSubscriptionCounts
            apps.append(
                AppSettings(
                    app: App(id: made.id, key: made.key, secret: made.secret, options: options),
                    webhooks: settings.appWebhooks, encryptionMasterKey: settings.appEncryptionMasterKey
                )
            )
        }
        apps += settings.apps
        try Self.checkUnique(apps)
        return apps
    }

    /// Refuses what could not be told apart: ids are in the HTTP API's paths, keys in the WebSocket's.
    static func checkUnique(_ apps: [AppSettings]) throws(SetupError) {
        var ids: Set<String> = []
        var owners: [String: String] = [:]
        for app in apps.map(\.app) {
            guard ids.insert(app.id).inserted else {
                throw .badSetting(
                    name: "apps", value: app.id, expected: "an id that no other app has (app and apps together)")
            }
            for pair in app.credentials {
                guard let owner = owners.updateValue(app.id, forKey: pair.key) else { continue }
                throw .badSetting(
                    name: "apps", value: pair.key,
                    expected: "a key that is there once; apps \(owner) and \(app.id) both have it"
                )
            }
        }
    }

    /// The bytes of a master key written in base64.
    static func masterKey(_ text: String, setting: String) throws(SetupError) -> [UInt8] {
        guard let data = Data(base64Encoded: text), data.count == ChannelEncryption.masterKeyBytes else {
            throw .badSetting(
                name: setting, value: "…",
                expected: "32 random bytes in base64, as 'openssl rand -base64 32' prints them"
            )
        }
        return Array(data)
    }
}
