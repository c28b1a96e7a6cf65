import Crypto
public import Notifications

/// Signs the webhooks of a Beams instance.
///
/// Source: pusher.com/docs/beams/concepts/webhooks: the header `Webhook-Signature` is the HMAC-SHA1 of the body in hexadecimal.
/// Standard Webhooks gives a better signature the same name, so its three headers go along under the prefix `svix-`, which
/// the libraries of Svix read: RFC 9110 knows no difference between `Webhook-Signature` and `webhook-signature`.
public struct BeamsWebhookSigner: Sendable {
    private let secret: String
    private let standard: WebhookSigner

    /// Makes a signer.
    ///
    /// - Parameters:
    ///   - secret: The key of `Webhook-Signature`.
    ///   - standard: Signs as Standard Webhooks demands.
    public init(secret: String, standard: WebhookSigner) {
        self.secret = secret
        self.standard = standard
    }

    /// Signs one attempt.
    ///
    /// - Parameters:
    ///   - body: The exact bytes that are sent.
    ///   - url: Where to.
    ///   - requestID: A UUID, the same on every attempt.
    ///   - unixSeconds: The time of this attempt.
    /// - Returns: The headers.
    public func headers(
        _ body: [UInt8], to url: String, requestID: String, unixSeconds: Int64
    ) -> [NotificationHeader] {
        let code = HMAC<Insecure.SHA1>.authenticationCode(
            for: body, using: SymmetricKey(data: Array(self.secret.utf8)))
        var headers = [
            NotificationHeader("Content-Type", "application/json"),
            NotificationHeader("Webhook-ID-UUID", Self.uuid(of: url)),
            NotificationHeader("Webhook-Request-ID-UUID", requestID),
            NotificationHeader("Webhook-Signature", code.hexadecimal),
        ]
        if let type = try? JSONValue(parsing: body)["metadata"]?["event_type"]?.string {
            // The older webhooks of a publication name no type.
            headers.append(NotificationHeader("Webhook-Event-Type", type))
        }
        for header in self.standard.headers(id: "msg_" + requestID, unixSeconds: unixSeconds, body: body)
        where header.name.hasPrefix("webhook-") {
            headers.append(NotificationHeader("svix-" + header.name.dropFirst("webhook-".count), header.value))
        }
        return headers
    }

    /// A receiver's id: a UUID of version 8 (RFC 9562), always the same for the same URL.
    static func uuid(of url: String) -> String {
        NameBasedUUID.string(of: SHA256.hash(data: Array(url.utf8)), version: 8)
    }
}
