import Crypto
import FoundationEssentials

extension WebPushSubscription {
    /// Checks what a browser's `PushSubscription` says.
    ///
    /// - Parameters:
    ///   - endpoint: Where to post.
    ///   - p256dh: The public key in Base64 URL, with or without padding.
    ///   - auth: The authentication secret likewise.
    ///   - rules: Where endpoints may point.
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public init(endpoint: String, p256dh: String, auth: String, rules: WebPushEndpointRules) throws(PushError) {
        try rules.check(endpoint)
        guard let key = Base64URL.decode(p256dh) else { throw Self.bad("p256dh key", "is not Base64 URL") }
        guard key.count == 65 else { throw Self.bad("p256dh key", "has \(key.count) bytes in place of 65") }
        guard key[0] == 4, (try? P256.KeyAgreement.PublicKey(x963Representation: key)) != nil else { throw Self.badKey }
        guard let secret = Base64URL.decode(auth) else { throw Self.bad("auth secret", "is not Base64 URL") }
        guard secret.count == 16 else { throw Self.bad("auth secret", "has \(secret.count) bytes in place of 16") }
        self.init(endpoint: endpoint, publicKey: key, authSecret: secret)
    }

    /// Checks `JSON.stringify(subscription)` of a browser.
    ///
    /// - Parameters:
    ///   - json: `{"endpoint":…,"keys":{"p256dh":…,"auth":…}}`.
    ///   - rules: Where endpoints may point.
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public init(json: [UInt8], rules: WebPushEndpointRules) throws(PushError) {
        struct Subscription: Decodable {
            struct Keys: Decodable { var p256dh: String, auth: String }
            var endpoint: String
            var keys: Keys
        }
        guard json.count <= 8_192, let read = try? JSONDecoder().decode(Subscription.self, from: Data(json)) else {
            throw Self.bad("subscription", "is not JSON with endpoint, keys.p256dh and keys.auth")
        }
        try self.init(endpoint: read.endpoint, p256dh: read.keys.p256dh, auth: read.keys.auth, rules: rules)
    }

    static var badKey: PushError { bad("p256dh key", "is not an uncompressed point of the curve P-256") }

    private static func bad(_ part: String, _ reason: String) -> PushError {
        .badTarget(service: "Web Push", part: part, reason: reason)
    }
}
