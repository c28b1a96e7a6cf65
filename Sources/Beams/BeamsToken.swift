import Crypto
import Notifications

/// What a Beams token says: a JSON Web Token that the application's server signed with the instance's secret key.
public struct BeamsToken: Sendable, Hashable {
    /// Whose token it is.
    public let userID: BeamsUserID
    /// The private interests it allows; a name that ends in `*` stands for all that begin so.
    public let interests: [String]

    /// The longest token that is looked at.
    static let bytesMax = 8_192
    /// How much clocks may differ.
    static let leewaySeconds: Int64 = 60

    /// Checks a token.
    ///
    /// HS256 only; `iss` must be the instance's address, `exp` in the future, `sub` a user id. See RFC 7519.
    ///
    /// - Parameters:
    ///   - text: The token.
    ///   - instance: Whose key it must be signed with.
    ///   - now: Unix seconds.
    /// - Throws: ``BeamsError`` with status 401.
    public init(checking text: String, instance: ServedInstance, now: Int64) throws(BeamsError) {
        guard text.utf8.count <= Self.bytesMax else { throw Self.bad("is longer than \(Self.bytesMax) bytes") }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Base64URL.decode(parts[2]) else { throw Self.bad("is no JWT") }
        let header = try Self.object(parts[0], "header")
        guard header["alg"] == .string("HS256") else { throw Self.bad("must be signed with HS256") }
        let isSigned = HMAC<SHA256>.isValidAuthenticationCode(
            signature, authenticating: Array("\(parts[0]).\(parts[1])".utf8),
            using: SymmetricKey(data: Array(instance.secretKey.utf8)))
        guard isSigned else {
            throw Self.bad("is not signed with the secret key of instance '\(instance.id)'")
        }
        let claims = try Self.object(parts[1], "body")
        let issuer = claims["iss"]?.string ?? ""
        guard Self.isIssuer(issuer, of: instance.id) else {
            throw Self.bad("has the issuer '\(issuer.prefix(100))' instead of the instance's address")
        }
        guard let expiry = claims["exp"].flatMap(Self.seconds) else { throw Self.bad("has no 'exp'") }
        guard expiry + Self.leewaySeconds > now else { throw Self.bad("expired at \(expiry), it is \(now)") }
        if let start = claims["nbf"].flatMap(Self.seconds), start - Self.leewaySeconds > now {
            throw Self.bad("is valid from \(start) on, it is \(now)")
        }
        guard let subject = claims["sub"]?.string, let user = try? BeamsUserID(subject) else {
            throw Self.bad("has no 'sub' of 1 to \(BeamsUserID.bytesMax) bytes")
        }
        self.userID = user
        if case .array(let names)? = claims["interests"] {
            self.interests = names.compactMap(\.string)
        } else {
            self.interests = []
        }
    }

    /// Makes a token, as the SDKs for servers do.
    ///
    /// - Parameters:
    ///   - userID: Whose token it is.
    ///   - interests: Private interests it allows.
    ///   - instance: Whose key signs it.
    ///   - expiry: Unix seconds.
    /// - Returns: The token.
    public static func make(
        for userID: BeamsUserID, interests: [String] = [], instance: ServedInstance, expiry: Int64
    ) -> String {
        var claims: [String: JSONValue] = [
            "sub": .string(userID.text), "exp": .integer(expiry),
            "iss": .string("https://\(instance.id).pushnotifications.pusher.com"),
        ]
        if !interests.isEmpty { claims["interests"] = .array(interests.map(JSONValue.string)) }
        let header = JSONValue.object(["alg": .string("HS256"), "typ": .string("JWT")])
        let signed = "\(Base64URL.encode(header.bytes)).\(Base64URL.encode(JSONValue.object(claims).bytes))"
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(signed.utf8), using: SymmetricKey(data: Array(instance.secretKey.utf8)))
        return "\(signed).\(Base64URL.encode(Array(code)))"
    }

    /// Whether the token allows subscribing to a private interest.
    public func allows(_ interest: InterestName) -> Bool {
        self.interests.contains { pattern in
            pattern.hasSuffix("*") ? interest.text.hasPrefix(pattern.dropLast()) : interest.text == pattern
        }
    }

    /// SDKs write the hosted service's address, whatever server they are pointed at: the first label is what counts.
    private static func isIssuer(_ issuer: String, of instance: String) -> Bool {
        issuer.hasPrefix("https://\(instance).") || issuer == "https://\(instance)"
    }

    private static func seconds(_ value: JSONValue) -> Int64? {
        switch value {
        case .integer(let seconds): seconds
        case .number(let seconds): Int64(exactly: seconds.rounded(.down))
        case .null, .boolean, .string, .array, .object: nil
        }
    }

    private static func object(_ part: Substring, _ name: String) throws(BeamsError) -> JSONValue {
        guard let bytes = Base64URL.decode(part), let value = try? JSONValue(parsing: bytes), value.members != nil
        else {
            throw Self.bad("has a \(name) that is no JSON object")
        }
        return value
    }

    private static func bad(_ reason: String) -> BeamsError { .unauthorized("The Beams token \(reason).") }
}
