import Market
import Store
import Testing

@Suite("Users and tokens", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct AccountStoreTests {
    private func with(_ body: (AccountStore, TestStore) async throws -> Void) async throws {
        try await TestStore.with { store in try await body(AccountStore(client: store.client), store) }
    }

    @Test("A token speaks for its user until it is revoked")
    func life() async throws {
        try await self.with { accounts, store in
            #expect(try await accounts.createUser("ann", name: "Ann Lee").name == "Ann Lee")
            let scope = try TokenScope("channels:private-*")
            let (token, secret) = try await accounts.createToken(user: "ann", name: "phone", scopes: [scope])
            #expect(
                try await accounts.holder(hash: secret.hash)
                    == TokenHolder(tokenID: token.id, userID: "ann", userName: "Ann Lee", scopes: [scope]))
            #expect(try await accounts.users().map(\.tokenCount) == [1])
            #expect(try await accounts.tokens(user: "ann") == [token])
            try await accounts.revokeToken(token.id)
            try await accounts.revokeToken(token.id)
            #expect(try await accounts.holder(hash: secret.hash) == nil)
            #expect(try await accounts.tokens().isEmpty)
            #expect(try await accounts.tokens(includesEnded: true).first?.revokedAt != nil)
            // The token itself is nowhere.
            #expect(
                try await store.number(
                    "SELECT count(*) FROM api_tokens WHERE api_tokens::text LIKE '%\(secret.exposed.dropFirst(3))%'")
                    == 0)
        }
    }

    @Test("An expired token speaks for nobody")
    func expiry() async throws {
        try await self.with { accounts, store in
            _ = try await accounts.createUser("ann")
            let past = try time("2020-01-01T00:00:00Z")
            let (_, secret) = try await accounts.createToken(
                user: "ann", name: "old", scopes: [.allChannels], expiresAt: past)
            #expect(try await accounts.holder(hash: secret.hash) == nil)
            #expect(try await accounts.tokens(includesEnded: true).map(\.expiresAt) == [past])
        }
    }

    @Test("The newest use is kept")
    func use() async throws {
        try await self.with { accounts, store in
            _ = try await accounts.createUser("ann")
            let token = try await accounts.createToken(user: "ann", name: "a", scopes: [.allChannels]).token
            let (early, late) = (try time("2026-01-01T00:00:00Z"), try time("2026-01-02T00:00:00Z"))
            try await accounts.noteUsed([token.id: late])
            try await accounts.noteUsed([token.id: early, 4711: late])
            #expect(try await accounts.tokens().map(\.lastUsedAt) == [late])
        }
    }

    @Test("What does not exist is named with its nearest; what exists is not made twice")
    func errors() async throws {
        try await self.with { accounts, store in
            _ = try await accounts.createUser("annette")
            await #expect(throws: StoreError.userExists("annette")) { try await accounts.createUser("annette") }
            await #expect(throws: StoreError.invalidUser("a b")) { try await accounts.createUser("a b") }
            await #expect(throws: StoreError.invalidName("")) { try await accounts.createUser("x", name: "") }
            let unknown = StoreError.unknownUser("anette", nearest: ["annette"])
            await #expect(throws: unknown) { try await accounts.removeUser("anette") }
            await #expect(throws: unknown) { try await accounts.tokens(user: "anette") }
            await #expect(throws: unknown) {
                try await accounts.createToken(user: "anette", name: "x", scopes: [.allChannels])
            }
            await #expect(throws: StoreError.unknownToken(7)) { try await accounts.revokeToken(7) }
        }
    }

    @Test("With a user the tokens go")
    func removal() async throws {
        try await self.with { accounts, store in
            _ = try await accounts.createUser("ann")
            let (_, secret) = try await accounts.createToken(user: "ann", name: "a", scopes: [.allChannels])
            try await accounts.removeUser("ann")
            #expect(try await accounts.holder(hash: secret.hash) == nil)
            #expect(try await accounts.users().isEmpty)
        }
    }
}

@Suite("Token scopes")
struct TokenScopeTests {
    @Test(
        "A star stands for any characters",
        arguments: [
            ("*", "private-x", true), ("private-*", "private-x", true), ("private-*", "presence-x", false),
            ("private-*-eu", "private-a-b-eu", true), ("private-*-eu", "private-a-b-us", false),
            ("private-a", "private-a", true), ("private-a", "private-ab", false), ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false), ("private-*", "private-", true), ("**", "", true),
        ])
    func patterns(pattern: String, channel: String, isAllowed: Bool) throws {
        #expect(try TokenScope("channels:\(pattern)").allows(channel: channel) == isAllowed)
    }

    @Test(
        "Anything else is no scope", arguments: ["", "channels:", "private-*", "admin", "channels:a b", "channels:#x"])
    func invalid(text: String) { #expect(throws: StoreError.invalidScope(text)) { try TokenScope(text) } }

    @Test("Tokens are 256 random bits with a prefix, and do not print themselves")
    func secrets() {
        let secret = TokenSecret()
        #expect(secret.exposed.count == 46)
        #expect(TokenSecret(secret.exposed)?.hash == secret.hash)
        #expect(TokenSecret().exposed != secret.exposed)
        #expect("\(secret)" == "tw_…")
        #expect(!String(reflecting: secret).contains(secret.exposed))
    }
}
