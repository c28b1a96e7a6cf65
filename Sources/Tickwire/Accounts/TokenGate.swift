import Channels
import Store
import Synchronization

/// Why a request's token opens nothing.
enum TokenRefusal: Error, Equatable {
    /// The header is missing or holds no token.
    case noToken(String)
    /// The token is unknown, revoked or expired.
    case unknown
    /// The token asks too often.
    case tooMany(perSecond: Int)
    /// Too many unknown tokens are being tried by somebody.
    case overloaded
    /// The database does not answer.
    case unavailable

    /// One line for the developer of the client.
    var reason: String {
        switch self {
        case .noToken(let reason): reason
        case .unknown: "The token is unknown, revoked or expired"
        case .tooMany(let perSecond): "Too many requests with this token: \(perSecond) a second are allowed"
        case .overloaded: "Too many unknown tokens are being tried, try again later"
        case .unavailable: "Tokens cannot be checked now, try again later"
        }
    }
}

/// Finds out who a request speaks for, and holds back who asks too often.
final class TokenGate: Sendable {
    /// Requests a token may make: a page joins all its channels at once.
    private static let burst = 500
    private static let perSecond = 50

    private let tokens: TokenCache
    private let limits = Mutex(TokenBuckets<Int64>(perSecond: TokenGate.perSecond, burst: TokenGate.burst))

    /// A gate that knows what `tokens` knows.
    init(tokens: TokenCache) { self.tokens = tokens }

    /// Who the header `Authorization` speaks for.
    func holder(_ authorization: String) async throws(TokenRefusal) -> TokenHolder {
        let parts = authorization.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw .noToken("The header 'Authorization: Bearer TOKEN' is missing")
        }
        guard let secret = TokenSecret(String(parts[1])) else {
            throw .noToken("The token is not one of Tickwire's: they begin with tw_ ('tickwire tokens create')")
        }
        switch await self.tokens.answer(for: secret) {
        case .holder(let holder):
            guard self.limits.withLock({ $0.take(holder.tokenID, now: .now) }) else {
                throw .tooMany(perSecond: Self.perSecond)
            }
            return holder
        case .unknown: throw .unknown
        case .unavailable: throw .unavailable
        case .overloaded: throw .overloaded
        }
    }
}
