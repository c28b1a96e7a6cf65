import Crypto
import FoundationEssentials

/// Encrypts one message for one subscription.
///
/// Source: RFC 8291 (key derivation) and RFC 8188 (`aes128gcm`, a single record).
public enum WebPushEncryption {
    /// Bytes that encryption adds: header 86, delimiter 1, authentication tag 16.
    public static let overhead = 103
    /// Plaintext that fits the 4096 bytes every push service takes.
    public static let plaintextMax = 3_993
    /// The record size that the header states.
    private static let recordSize: UInt32 = 4_096

    /// How long a message looks to who carries it.
    public enum Padding: Hashable, Sendable {
        /// As long as it is.
        case none
        /// As long as the next step: 256, 512, 1024, 2048, 3072 or 3993 bytes of plaintext.
        case steps

        func padded(_ count: Int) -> Int {
            switch self {
            case .none: count
            case .steps: [256, 512, 1_024, 2_048, 3_072].first { count <= $0 } ?? WebPushEncryption.plaintextMax
            }
        }
    }

    /// What must be random and used once: a key pair and a salt.
    public struct Ephemeral: Sendable {
        let key: P256.KeyAgreement.PrivateKey
        let salt: [UInt8]

        /// Takes a private key of 32 bytes and a salt of 16.
        ///
        /// - Throws: ``PushError/badCredential(service:part:reason:fix:)``.
        public init(privateKey: [UInt8], salt: [UInt8]) throws(PushError) {
            guard salt.count == 16, let key = try? P256.KeyAgreement.PrivateKey(rawRepresentation: privateKey) else {
                throw .badCredential(
                    service: "Web Push", part: "ephemeral key",
                    reason: "is not 32 bytes of P-256 with 16 bytes of salt",
                    fix: "Take random ones.")
            }
            self.key = key
            self.salt = salt
        }

        /// Makes a new one with the system's random numbers.
        public static func random() -> Ephemeral {
            Ephemeral(
                key: P256.KeyAgreement.PrivateKey(),
                salt: SymmetricKey(size: .bits128).withUnsafeBytes { Array($0) })
        }

        private init(key: P256.KeyAgreement.PrivateKey, salt: [UInt8]) {
            self.key = key
            self.salt = salt
        }
    }

    /// The body of the request.
    ///
    /// - Parameters:
    ///   - plaintext: At most 3993 bytes.
    ///   - subscription: Whose keys encrypt.
    ///   - padding: How it is lengthened.
    ///   - ephemeral: A new one for every message.
    /// - Returns: Salt, record size, key and the one encrypted record.
    /// - Throws: ``PushError/tooLarge(service:bytes:limit:)`` or ``PushError/badTarget(service:part:reason:)`` for a key that is
    ///   no point of the curve.
    public static func seal(
        _ plaintext: [UInt8], for subscription: WebPushSubscription, padding: Padding = .steps,
        with ephemeral: Ephemeral
    ) throws(PushError) -> [UInt8] {
        guard plaintext.count <= self.plaintextMax else {
            throw .tooLarge(service: "Web Push", bytes: plaintext.count, limit: self.plaintextMax)
        }
        guard subscription.authSecret.count == 16,
            let receiver = try? P256.KeyAgreement.PublicKey(x963Representation: subscription.publicKey),
            let shared = try? ephemeral.key.sharedSecretFromKeyAgreement(with: receiver)
        else { throw WebPushSubscription.badKey }
        let sender = Array(ephemeral.key.publicKey.x963Representation)
        let material = shared.hkdfDerivedSymmetricKey(
            using: SHA256.self, salt: subscription.authSecret,
            sharedInfo: Array("WebPush: info\0".utf8) + subscription.publicKey + sender, outputByteCount: 32)
        func derived(_ info: String, _ count: Int) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: material, salt: ephemeral.salt, info: Array(info.utf8), outputByteCount: count)
        }
        let key = derived("Content-Encoding: aes128gcm\0", 16)
        let nonce = derived("Content-Encoding: nonce\0", 12).withUnsafeBytes { Array($0) }
        // The delimiter of the last record, then zeros: RFC 8188, section 2.
        let record = plaintext + [2] + [UInt8](repeating: 0, count: padding.padded(plaintext.count) - plaintext.count)
        do {
            let box = try AES.GCM.seal(record, using: key, nonce: AES.GCM.Nonce(data: nonce))
            var body = ephemeral.salt
            body.reserveCapacity(record.count + self.overhead)
            withUnsafeBytes(of: self.recordSize.bigEndian) { body.append(contentsOf: $0) }
            body.append(UInt8(sender.count))
            body += sender
            body += box.ciphertext
            body += box.tag
            return body
        } catch {
            // A 16-byte key and a 12-byte nonce are what AES-128-GCM takes.
            preconditionFailure("AES-GCM refused its own sizes: \(error)")
        }
    }
}
