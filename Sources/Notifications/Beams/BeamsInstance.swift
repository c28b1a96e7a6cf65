import JWTKit
public import Market

/// An instance of hosted Pusher Beams and its secret key.
///
/// Source: Pusher, "Beams server API reference"; docs/notifications.md.
public struct BeamsInstance: Hashable, Sendable {
    /// The instance's id, a UUID.
    public let id: String
    /// The secret key.
    let secretKey: PushSecret
    /// The base URL without a final slash.
    public let server: String

    /// Checks id and key.
    ///
    /// - Parameters:
    ///   - id: Letters, digits and hyphens, as the dashboard shows it.
    ///   - secretKey: The secret key.
    ///   - server: Another base URL, such as that of a test server or of a Tickwire; `nil` is Pusher's.
    /// - Throws: ``PushError/badCredential(service:part:reason:fix:)``, which never contains the key.
    public init(id: String, secretKey: PushSecret, server: String? = nil) throws(PushError) {
        let isIDByte: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard (1...63).contains(id.utf8.count), id.utf8.allSatisfy(isIDByte) else {
            throw .badCredential(
                service: "Beams", part: "instance id", reason: "is not letters, digits and hyphens",
                fix: "Copy it from the instance's Keys page.")
        }
        let key = secretKey.exposed
        guard (16...256).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .badCredential(
                service: "Beams", part: "secret key", reason: "is not 16 to 256 printable characters",
                fix: "Copy it from the instance's Keys page.")
        }
        self.id = id
        self.secretKey = secretKey
        self.server = server ?? "https://\(id).pushnotifications.pusher.com"
    }

    /// What binds a device to a user: a token the app fetches and gives to the Beams SDK.
    ///
    /// - Parameters:
    ///   - user: 1 to 164 bytes.
    ///   - now: The time; the token ends a day later.
    /// - Returns: The token, to be given to that user alone.
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public func userToken(for user: String, now: Timestamp) async throws(PushError) -> PushSecret {
        try BeamsAudience.users([user]).check()
        do {
            let keys = await JWTKeyCollection().add(
                hmac: HMACKey(from: self.secretKey.exposed), digestAlgorithm: .sha256,
                serializer: SignedToken.serializer)
            let claims = SignedToken.Claims(
                iss: "https://\(self.id).pushnotifications.pusher.com", sub: user, exp: now.unixSeconds + 86_400)
            return PushSecret(try await SignedToken.sign(claims, using: keys))
        } catch {
            throw .badCredential(
                service: "Beams", part: "secret key", reason: "cannot sign (\(error))",
                fix: "Copy it from the instance's Keys page.")
        }
    }
}

extension BeamsAudience {
    /// Interests that one publish may name.
    public static let interestsMax = 100
    /// Users that one publish may name.
    public static let usersMax = 1_000
    /// Bytes of an interest's or a user's name.
    public static let nameBytesMax = 164

    /// Checks names and their count.
    ///
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public func check() throws(PushError) {
        switch self {
        case .interests(let names):
            try Self.check(names, "interests", max: Self.interestsMax)
            for name in names where !Self.isInterest(name) {
                throw Self.bad(
                    "interest", "'\(PushText.line(name, 60))' is not 1 to 164 of A-Z a-z 0-9 _ - = @ , . ;")
            }
        case .users(let names):
            try Self.check(names, "users", max: Self.usersMax)
            for name in names where !(1...Self.nameBytesMax).contains(name.utf8.count) {
                throw Self.bad("user", "'\(PushText.line(name, 60))' is not 1 to 164 bytes")
            }
        }
    }

    /// Whether `name` is an interest's.
    public static func isInterest(_ name: String) -> Bool {
        (1...self.nameBytesMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "_-=@,.;".utf8.contains(byte)
                }
            }
    }

    private static func check(_ names: [String], _ part: String, max: Int) throws(PushError) {
        guard (1...max).contains(names.count) else {
            throw Self.bad(part, "are \(names.count) in place of 1 to \(max)")
        }
    }

    private static func bad(_ part: String, _ reason: String) -> PushError {
        .badTarget(service: "Beams", part: part, reason: reason)
    }
}
