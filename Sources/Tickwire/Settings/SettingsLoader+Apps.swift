import Channels
import Foundation
import Yams

extension SettingsLoader {
    /// The keys whose values are lists of entries, read by ``AppListReader``.
    static let listKeys = ["apps", "app.webhooks"]

    /// Reads the apps of the file beside the single `app`, and what belongs to that one.
    ///
    /// - Parameters:
    ///   - document: The settings file, if there is one.
    ///   - environment: Variables; `TICKWIRE_APP_WEBHOOKS` wins over the file's `app.webhooks`.
    ///   - masterKey: The text of `app.encryptionMasterKey`.
    ///   - settings: Gets what was read.
    /// - Throws: ``SetupError``.
    static func readApps(
        _ document: SettingsDocument?, _ environment: [String: String], masterKey: String?,
        into settings: inout Settings
    ) throws {
        if let masterKey {
            settings.appEncryptionMasterKey = try AppSettings.masterKey(masterKey, setting: "app.encryptionMasterKey")
        }
        if let document {
            let reader = AppListReader(file: document.file)
            if let list = document.root["apps"] { settings.apps = try reader.apps(list) }
            if let list = document.root["app"]?.mapping?["webhooks"] {
                settings.appWebhooks = try reader.webhooks(list, path: "app.webhooks")
            }
        }
        if let text = environment["TICKWIRE_APP_WEBHOOKS"], !text.isEmpty {
            settings.appWebhooks = try text.split(separator: ",").map { url in
                let url = url.trimmingCharacters(in: .whitespaces)
                return WebhookEndpoint(url: try AppListReader.url(url, setting: "app.webhooks"))
            }
        }
        try AppSettings.checkUnique(settings.apps)
    }
}
