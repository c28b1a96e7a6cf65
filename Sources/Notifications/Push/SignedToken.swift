import FoundationEssentials
import JWTKit

/// Signing JSON Web Tokens with JWTKit so that equal claims give equal bytes before the signature.
enum SignedToken {
    /// Signs `claims` with the only key of `keys`.
    static func sign(
        _ claims: Claims, keyID: String? = nil, using keys: JWTKeyCollection
    ) async throws -> String {
        var header = JWTHeader()
        header.kid = keyID
        return try await keys.sign(claims, header: header)
    }

    /// Writes members in the order of their names.
    static var serializer: DefaultJWTSerializer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return DefaultJWTSerializer(jsonEncoder: encoder)
    }

    /// Claims that are only written; those without a value are left out.
    struct Claims: JWTPayload {
        var iss: String?
        var sub: String?
        var aud: String?
        var scope: String?
        var iat: Int64?
        var exp: Int64?

        /// Tokens of this kind are only made, never taken in.
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }
}
