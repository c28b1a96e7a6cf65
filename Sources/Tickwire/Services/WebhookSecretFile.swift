import Crypto
import Foundation
public import Notifications

/// The secret that signs alert webhooks, kept in the data directory.
public enum WebhookSecretFile {
    /// The secret of `TICKWIRE_WEBHOOKS_SECRET` or of the data directory, or a new one kept there for its owner only.
    ///
    /// - Throws: ``SetupError`` or the secret's own error.
    public static func loadOrCreate(in dataDirectory: String) throws -> WebhookSecret {
        if let text = ProcessInfo.processInfo.environment["TICKWIRE_WEBHOOKS_SECRET"], !text.isEmpty {
            return try WebhookSecret(text)
        }
        let path = dataDirectory + "/webhook-secret"
        if let text = try? String(contentsOfFile: path, encoding: .utf8) {
            return try WebhookSecret(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        let secret = try WebhookSecret(key: SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
        do {
            try FileManager.default.createDirectory(atPath: dataDirectory, withIntermediateDirectories: true)
        } catch {
            throw SetupError.notPermitted(path: dataDirectory, fix: "Choose a writable folder with --data-dir.")
        }
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(secret.exposed.utf8), attributes: [.posixPermissions: 0o600]
            )
        else {
            throw SetupError.notPermitted(path: path, fix: "Choose a writable folder with --data-dir.")
        }
        return secret
    }
}
