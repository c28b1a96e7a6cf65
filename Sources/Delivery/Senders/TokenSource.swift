import Market
import Store

/// The short-lived token of one credential: fetched by one asker, while the others wait for it.
actor TokenSource {
    private let isUsable: @Sendable (CredentialStore.Token) -> Bool
    private let fetch: @Sendable (_ rejected: String?) async throws -> CredentialStore.Token
    private var token: CredentialStore.Token?
    private var isFetching = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - isUsable: Whether a token will do now.
    ///   - fetch: Gets one, but not the one that was rejected.
    init(
        isUsable: @escaping @Sendable (CredentialStore.Token) -> Bool,
        fetch: @escaping @Sendable (_ rejected: String?) async throws -> CredentialStore.Token
    ) {
        self.isUsable = isUsable
        self.fetch = fetch
    }

    /// The token to use now.
    ///
    /// - Parameter rejected: One that a service refused.
    /// - Returns: The one in use, or a new one.
    /// - Throws: Why there is none.
    func token(butNot rejected: String? = nil) async throws -> CredentialStore.Token {
        while true {
            if let token, token.exposed != rejected, self.isUsable(token) { return token }
            guard self.isFetching else { break }
            await withCheckedContinuation { self.waiters.append($0) }
        }
        self.isFetching = true
        defer {
            self.isFetching = false
            for waiter in self.waiters { waiter.resume() }
            self.waiters = []
        }
        let token = try await self.fetch(rejected)
        self.token = token
        return token
    }
}
