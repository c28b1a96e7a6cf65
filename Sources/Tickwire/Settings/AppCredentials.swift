import Channels
import Crypto
import Foundation

/// The app that clients and publishers name: from the settings, else from the data directory, else made anew.
public struct AppCredentials: Codable, Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// The id in HTTP API paths.
    public let id: String
    /// The public key that clients connect with.
    public let key: String
    /// The secret that signs.
    ///
    /// Never logged.
    public let secret: String

    /// The id and the key, without the secret.
    public var description: String { "AppCredentials(id: \(self.id), key: \(self.key))" }
    /// The id and the key, without the secret.
    public var customMirror: Mirror { Mirror(self, children: ["id": self.id, "key": self.key]) }

    /// Where the made app is kept.
    static func file(in dataDirectory: String) -> String { dataDirectory + "/app.json" }

    /// The app of the settings, the first one of several, or of the data directory; `nil` when neither has one.
    public static func existing(_ settings: Settings) throws -> AppCredentials? {
        if let id = settings.appID, let key = settings.appKey, let secret = settings.appSecret {
            return AppCredentials(id: id, key: key, secret: secret)
        }
        if let app = settings.apps.first?.app {
            let credentials = app.signingCredentials
            return AppCredentials(id: app.id, key: credentials.key, secret: credentials.secret)
        }
        let path = self.file(in: settings.dataDirectory)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path),
            let app = try? JSONDecoder().decode(AppCredentials.self, from: data)
        else {
            throw SetupError.badSetting(
                name: "app", value: path,
                expected: "a JSON file with id, key and secret; remove it to have a new app made"
            )
        }
        return app
    }

    /// The existing app, or a new one with random values, kept readable for its owner only.
    public static func loadOrCreate(_ settings: Settings) throws -> AppCredentials {
        if let app = try self.existing(settings) { return app }
        let app = AppCredentials(
            id: String(UInt32.random(in: 100_000...999_999)), key: self.randomHex(bytes: 10),
            secret: self.randomHex(bytes: 20)
        )
        let path = self.file(in: settings.dataDirectory)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do {
            try FileManager.default.createDirectory(
                atPath: settings.dataDirectory, withIntermediateDirectories: true
            )
        } catch {
            throw SetupError.notPermitted(
                path: settings.dataDirectory, fix: "Choose a writable folder with --data-dir.")
        }
        guard
            FileManager.default.createFile(
                atPath: path, contents: try encoder.encode(app), attributes: [.posixPermissions: 0o600]
            )
        else {
            throw SetupError.notPermitted(path: path, fix: "Choose a writable folder with --data-dir.")
        }
        return app
    }

    private static func randomHex(bytes: Int) -> String {
        SymmetricKey(size: .init(bitCount: bytes * 8)).withUnsafeBytes { raw in
            raw.map { byte in
                let text = String(byte, radix: 16)
                return text.count == 1 ? "0" + text : text
            }.joined()
        }
    }
}
