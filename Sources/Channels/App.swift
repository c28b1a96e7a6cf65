import Crypto

/// One application: who may connect and publish, and with which limits.
public struct App: Sendable, CustomStringConvertible, CustomReflectable {
    /// The id in the HTTP API's paths.
    public let id: String
    /// The public key, in the WebSocket's path and in signatures.
    public let key: String
    /// The secret that signs; never printed.
    public let secret: String
    /// ``secret`` as a key for HMAC, made once.
    let signingKey: SymmetricKey

    /// An application with one key pair.
    public init(id: String, key: String, secret: String) {
        self.id = id
        self.key = key
        self.secret = secret
        self.signingKey = SymmetricKey(data: Array(secret.utf8))
    }

    /// The id and the key, without the secret.
    public var description: String { "App(id: \(self.id), key: \(self.key))" }
    /// The id and the key, without the secret.
    public var customMirror: Mirror { Mirror(self, children: ["id": self.id, "key": self.key]) }
}
