import Crypto
import JWTKit
public import Market

/// The key pair by which push services know this server.
///
/// Source: RFC 8292.
public struct VAPIDKey: Sendable, CustomStringConvertible, CustomReflectable {
    private let key: P256.Signing.PrivateKey
    /// What the browser subscribes with, `applicationServerKey`: 65 bytes in Base64 URL.
    public let publicKey: String

    /// How long a token is valid; RFC 8292 allows 24 hours.
    static let lifetimeSeconds: Int64 = 12 * 3_600

    /// Makes a new pair with the system's random numbers.
    public init() { self.init(key: P256.Signing.PrivateKey()) }

    /// Reads a key in PEM form, or its 32 bytes in Base64 URL as other tools write it.
    ///
    /// - Parameter text: The text of the file.
    /// - Throws: ``PushError/badCredential(service:part:reason:fix:)``, which never contains the key.
    public init(_ text: String) throws(PushError) {
        let text = String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
        if text.hasPrefix("-----BEGIN"), let key = try? P256.Signing.PrivateKey(pemRepresentation: text) {
            self.init(key: key)
        } else if let bytes = Base64URL.decode(text), bytes.count == 32,
            let key = try? P256.Signing.PrivateKey(rawRepresentation: bytes)
        {
            self.init(key: key)
        } else {
            throw .badCredential(
                service: "Web Push", part: "VAPID key",
                reason: "is neither a private key on the curve P-256 in PEM form nor 32 bytes in Base64 URL",
                fix: "Make one with: tickwire push vapid")
        }
    }

    private init(key: P256.Signing.PrivateKey) {
        self.key = key
        self.publicKey = Base64URL.encode(key.publicKey.x963Representation)
    }

    /// The private key in PEM form, for the file that keeps it.
    public var exposedPEM: String { self.key.pemRepresentation }

    /// A token for one push service.
    ///
    /// - Parameters:
    ///   - endpoint: Any endpoint of the service; its origin is the audience.
    ///   - subject: Who answers for this server.
    ///   - now: The time; the token ends twelve hours later.
    /// - Returns: The value of the header `Authorization`.
    /// - Throws: ``PushError/badTarget(service:part:reason:)`` or ``PushError/badCredential(service:part:reason:fix:)``.
    public func authorization(
        endpoint: String, subject: VAPIDSubject, now: Timestamp
    ) async throws(PushError) -> String {
        let audience = try Self.origin(endpoint)
        do {
            let keys = await JWTKeyCollection().add(
                ecdsa: try ES256PrivateKey(pem: self.key.pemRepresentation), serializer: SignedToken.serializer)
            let claims = SignedToken.Claims(
                sub: subject.text, aud: audience, exp: now.unixSeconds + Self.lifetimeSeconds)
            // Without a blank after the comma, which some receivers do not expect.
            return "vapid t=\(try await SignedToken.sign(claims, using: keys)),k=\(self.publicKey)"
        } catch {
            throw .badCredential(
                service: "Web Push", part: "VAPID key", reason: "cannot sign (\(error))",
                fix: "Make one with: tickwire push vapid")
        }
    }

    /// What a token is good for, and the key under which it is cached: the endpoint's origin.
    ///
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public static func origin(_ endpoint: String) throws(PushError) -> String {
        guard let url = PushURL(endpoint) else {
            throw .badTarget(service: "Web Push", part: "endpoint", reason: "is not an absolute http or https URL")
        }
        return url.origin
    }

    /// The public key, without the private one.
    public var description: String { "VAPIDKey(\(self.publicKey))" }
    /// The public key, without the private one.
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": self.publicKey]) }
}

/// Whom a push service can reach about this server: `sub` of RFC 8292.
public struct VAPIDSubject: Hashable, Sendable {
    /// `mailto:ops@example.com` or `https://example.com/contact`.
    public let text: String

    /// Checks it as strictly as Apple does, who refuses tokens with others.
    ///
    /// - Throws: ``PushError/badCredential(service:part:reason:fix:)``.
    public init(_ text: String) throws(PushError) {
        let isMail = text.hasPrefix("mailto:") && Self.isAddress(text.dropFirst(7))
        let isPage = PushURL(text).map { $0.scheme == "https" && Self.isPublic($0.host) } ?? false
        guard text.utf8.count <= 255, isMail || isPage else {
            throw .badCredential(
                service: "Web Push", part: "VAPID subject", reason: "'\(PushText.line(text, 80))' names nobody",
                fix: "Write mailto: and an address at a real domain without a blank, or an https URL.")
        }
        self.text = text
    }

    private static func isAddress(_ text: Substring) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"()<>,;:\\\"[]?&".utf8.contains($0) })
        else { return false }
        return PushURL("https://" + parts[1]).map { $0.host == parts[1].lowercased() && Self.isPublic($0.host) }
            ?? false
    }

    /// Whether it is a domain that could be reached from elsewhere.
    private static func isPublic(_ host: String) -> Bool {
        let labels = host.split(separator: ".")
        guard labels.count >= 2, let top = labels.last, top.utf8.count >= 2,
            top.utf8.contains(where: { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return false }
        return !["localhost", "local", "invalid", "test", "internal", "localdomain", "lan", "home"].contains(
            String(top))
    }
}
