import Crypto

/// One Beams instance: what its SDKs are configured with.
public struct ServedInstance: Sendable, Hashable, CustomStringConvertible {
    /// The id, which is public.
    public let id: String
    /// The secret key of the application's servers; also signs user tokens.
    public let secretKey: String

    /// Makes an instance from its id and key.
    public init(id: String, secretKey: String) {
        self.id = id
        self.secretKey = secretKey
    }

    /// The id; never the key.
    public var description: String { "Beams instance \(self.id)" }

    /// Checks the header `Authorization` of a server's request.
    ///
    /// - Throws: ``BeamsError`` with status 400 when the header is missing, 401 when the key is another.
    public func checkServer(authorization: String?) throws(BeamsError) {
        let token = try Self.bearer(authorization)
        // Digests are compared in constant time.
        guard SHA256.hash(data: Array(token.utf8)) == SHA256.hash(data: Array(self.secretKey.utf8)) else {
            throw .unauthorized("The secret key is not that of instance '\(self.id)'.")
        }
    }

    /// Whether the header holds the instance's secret key.
    func isServer(authorization: String?) -> Bool {
        do {
            try self.checkServer(authorization: authorization)
            return true
        } catch {
            return false
        }
    }

    /// The token of a header that reads `Bearer TOKEN`.
    ///
    /// - Throws: ``BeamsError`` with status 400.
    public static func bearer(_ authorization: String?) throws(BeamsError) -> String {
        guard let authorization else { throw .badRequest("The header 'Authorization: Bearer …' is missing.") }
        let parts = authorization.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw .badRequest("The header Authorization must read 'Bearer …'.")
        }
        return String(parts[1])
    }
}
