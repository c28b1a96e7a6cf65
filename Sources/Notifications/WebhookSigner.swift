import Crypto
import FoundationEssentials

/// A signing secret as Standard Webhooks spells it: `whsec_` and Base64.
public struct WebhookSecret: Hashable, Sendable, CustomStringConvertible {
    let key: [UInt8]

    /// Reads `whsec_…`.
    ///
    /// - Throws: ``NotificationError/invalidWebhookSecret(reason:)``, which never contains the text.
    public init(_ text: String) throws(NotificationError) {
        guard text.hasPrefix("whsec_") else { throw .invalidWebhookSecret(reason: "does not begin with whsec_") }
        guard let key = Data(base64Encoded: String(text.dropFirst(6))) else {
            throw .invalidWebhookSecret(reason: "is not Base64 after whsec_")
        }
        try self.init(key: Array(key))
    }

    /// Takes 24 to 64 random bytes.
    ///
    /// - Throws: ``NotificationError/invalidWebhookSecret(reason:)`` for any other count.
    public init(key: [UInt8]) throws(NotificationError) {
        guard (24...64).contains(key.count) else { throw .invalidWebhookSecret(reason: "holds \(key.count) bytes") }
        self.key = key
    }

    /// The spelling that ``init(_:)`` reads: show it only to who set it up.
    public var exposed: String { "whsec_" + Data(self.key).base64EncodedString() }
    /// Hides the secret, so that it cannot slip into a log.
    public var description: String { "whsec_…" }
}

/// Signs webhook deliveries.
///
/// Source: Standard Webhooks specification 1.0, "Signature scheme": HMAC-SHA256 over `id.timestamp.body`.
public struct WebhookSigner: Hashable, Sendable {
    /// The secrets in use: more than one while they are being rotated.
    public let secrets: [WebhookSecret]

    /// Makes a signer that signs with every one of `secrets`.
    public init(secrets: [WebhookSecret]) { self.secrets = secrets }

    /// Signs one attempt.
    ///
    /// - Parameters:
    ///   - id: The delivery's id, the same on every attempt; must not contain a full stop.
    ///   - unixSeconds: The time of this attempt.
    ///   - body: The exact bytes that are sent.
    /// - Returns: `webhook-id`, `webhook-timestamp` and `webhook-signature`, and the content type.
    public func headers(id: String, unixSeconds: Int64, body: [UInt8]) -> [NotificationHeader] {
        let signed = Array("\(id).\(unixSeconds).".utf8) + body
        let signatures = self.secrets.map { secret in
            let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: secret.key))
            return "v1," + Data(code).base64EncodedString()
        }
        return [
            NotificationHeader("content-type", "application/json"),
            NotificationHeader("webhook-id", id),
            NotificationHeader("webhook-timestamp", String(unixSeconds)),
            NotificationHeader("webhook-signature", signatures.joined(separator: " ")),
        ]
    }
}
