import JWTKit
public import Market

/// Apple's authentication key: makes the provider tokens of a team.
///
/// Source: Apple, "Establishing a token-based connection to APNs": ES256 with `kid`, `iss` and `iat`.
public struct APNsKey: Sendable, CustomStringConvertible, CustomReflectable {
    /// The ten characters that Apple gave the key.
    public let keyID: String
    /// The ten characters of the developer team.
    public let teamID: String
    private let key: ES256PrivateKey

    /// Reads a `.p8` file's text.
    ///
    /// - Parameters:
    ///   - pem: `-----BEGIN PRIVATE KEY-----…`.
    ///   - keyID: Ten characters of A–Z and 0–9.
    ///   - teamID: Ten characters of A–Z and 0–9.
    /// - Throws: ``PushError/badCredential(service:part:reason:fix:)``, which never contains the key.
    public init(pem: String, keyID: String, teamID: String) throws(PushError) {
        for (part, text) in [("key id", keyID), ("team id", teamID)] where !Self.isID(text) {
            throw .badCredential(
                service: "APNs", part: part,
                reason: "'\(PushText.line(text, 32))' is not ten characters of A-Z and 0-9",
                fix: "Copy it from the Keys page of the developer account.")
        }
        do {
            self.key = try ES256PrivateKey(pem: pem)
        } catch {
            throw .badCredential(
                service: "APNs", part: "key", reason: "is not a private key on the curve P-256 in PEM form",
                fix: "Use the AuthKey_….p8 file as Apple gave it, beginning with -----BEGIN PRIVATE KEY-----.")
        }
        self.keyID = keyID
        self.teamID = teamID
    }

    /// A provider token issued at `now`.
    public func token(now: Timestamp) async throws(PushError) -> String {
        do {
            let keys = await JWTKeyCollection().add(
                ecdsa: self.key, kid: JWKIdentifier(string: self.keyID), serializer: SignedToken.serializer)
            let claims = SignedToken.Claims(iss: self.teamID, iat: now.unixSeconds)
            return try await SignedToken.sign(claims, keyID: self.keyID, using: keys)
        } catch {
            throw .badCredential(
                service: "APNs", part: "key", reason: "cannot sign (\(error))", fix: "Check the key file.")
        }
    }

    private static func isID(_ text: String) -> Bool {
        text.utf8.count == 10
            && text.utf8.allSatisfy {
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }

    /// The ids, without the key.
    public var description: String { "APNsKey(keyID: \(self.keyID), teamID: \(self.teamID))" }
    /// The ids, without the key.
    public var customMirror: Mirror { Mirror(self, children: ["keyID": self.keyID, "teamID": self.teamID]) }
}
