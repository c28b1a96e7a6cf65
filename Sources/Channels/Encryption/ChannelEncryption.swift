import Crypto

/// Seals what goes to encrypted channels, and gives out their secrets (protocol section 6.5).
public struct ChannelEncryption: Sendable {
    /// Bytes of a master key.
    public static let masterKeyBytes = 32

    private let masterKey: [UInt8]

    /// Works with an app's master key.
    ///
    /// - Parameter masterKey: ``masterKeyBytes`` random bytes.
    public init(masterKey: [UInt8]) {
        precondition(masterKey.count == Self.masterKeyBytes, "an encryption master key has 32 bytes")
        self.masterKey = masterKey
    }

    /// The channel's key: SHA-256 of its name and the master key.
    package func key(of channel: String) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array(channel.utf8))
        hash.update(data: self.masterKey)
        return Array(hash.finalize())
    }

    /// What an auth endpoint answers as `shared_secret`: the channel's key in base64.
    public func sharedSecret(of channel: String) -> String { Base64.text(self.key(of: channel)) }

    /// The `data` of an event on an encrypted channel.
    ///
    /// - Parameters:
    ///   - data: The `data` before encryption.
    ///   - channel: The encrypted channel's name.
    /// - Returns: JSON text with `nonce` and `ciphertext`.
    public func sealed(_ data: [UInt8], for channel: String) -> [UInt8] {
        // 192 random bits do not repeat.
        let nonce = SymmetricKey(size: .bits192).withUnsafeBytes { Array($0) }
        return self.sealed(data, for: channel, nonce: nonce)
    }

    /// The event for an encrypted channel, its data sealed.
    public func sealed(_ event: ChannelEvent, for channel: String) -> ChannelEvent {
        var event = event
        event.channel = channel
        event.data = self.sealed(event.data, for: channel)
        return event
    }

    func sealed(_ data: [UInt8], for channel: String, nonce: [UInt8]) -> [UInt8] {
        let box = SecretBox.seal(data, key: self.key(of: channel), nonce: nonce)
        return Array(#"{"nonce":"\#(Base64.text(nonce))","ciphertext":"\#(Base64.text(box))"}"#.utf8)
    }
}
