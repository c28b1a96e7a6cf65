import ArgumentParser
import Ingest
import Market
import Postgres
import Store
import Tickwire

/// `tickwire tokens`: what users prove themselves with.
struct TokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "Create, list and revoke API tokens.",
        discussion: """
            A token lets its user's clients join private channels: they send 'Authorization: Bearer TOKEN' to /pusher/auth.

            EXAMPLES
              tickwire tokens create ann
              tickwire tokens create ann --name phone --scope "channels:private-*" --expires 90d
              tickwire tokens list --user ann
              tickwire tokens revoke 3
            """,
        subcommands: [TokensCreateCommand.self, TokensListCommand.self, TokensRevokeCommand.self]
    )
}

/// `tickwire tokens create`.
struct TokensCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a token and print it, once: only its hash is kept.",
        discussion: """
            SCOPES
              channels:PATTERN   the channels it may join; * stands for any characters. Default: channels:*
              alerts             to read and change the user's alerts over HTTP; alerts:all: everybody's
              Other users' private-alerts-USER are never within a scope.

            EXAMPLES
              tickwire tokens create ann
              tickwire tokens create ann --name dashboard --scope "channels:presence-*" --scope "channels:private-alerts-*"
              TOKEN=$(tickwire tokens create ann --expires 30d)
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "Whose token it is: an id, as 'users list' shows it.")
    var user: String
    @Option(help: "What it is for, for example phone.")
    var name: String = "token"
    @Option(help: ArgumentHelp("What it allows; may be repeated. (default: channels:*)", valueName: "scope"))
    var scope: [String] = []
    @Option(help: ArgumentHelp("How long it is valid: 12h, 90d, 52w. Default: until it is revoked.", valueName: "time"))
    var expires: DurationArgument?
    @Flag(help: "Print the token with all about it as one JSON object.")
    var json = false

    func run() async throws {
        let scopes = try self.scope.map { try TokenScope($0) }
        let settings = try await self.options.load()
        let expiresAt = self.expires.map { Timestamp.now.advanced(byNanoseconds: $0.nanoseconds) }
        let (token, secret) = try await Database.with(
            settings, logger: self.options.quietLogger(settings)
        ) { client in
            try await AccountStore(client: client).createToken(
                user: self.user, name: self.name, scopes: scopes.isEmpty ? [.allChannels] : scopes,
                expiresAt: expiresAt)
        }
        if self.json { return Terminal.print(AccountLine.json(token, secret: secret)) }
        Terminal.print(secret.exposed)
        let until = token.expiresAt.map { ", valid until \(AccountLine.time($0)) UTC" } ?? ""
        Terminal.note("Token \(token.id) of \(token.userID)\(until). It is not shown again.")
    }
}

/// `tickwire tokens list`.
struct TokensListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List tokens: whose, what for, and when last used.",
        discussion: """
            EXAMPLES
              tickwire tokens list
              tickwire tokens list --user ann --all --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Option(help: "Only this user's tokens.")
    var user: String?
    @Flag(help: "Revoked and expired tokens too.")
    var all = false
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let tokens = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            try await AccountStore(client: client).tokens(user: self.user, includesEnded: self.all)
        }
        if self.json {
            for token in tokens { Terminal.print(AccountLine.json(token)) }
            return
        }
        guard !tokens.isEmpty else { return Terminal.note("No tokens. Create one with: tickwire tokens create USER") }
        var table = Table([
            ("ID", .right), ("USER", .left), ("NAME", .left), ("SCOPES", .left), ("LAST USED (UTC)", .left),
            ("STATE", .left),
        ])
        for token in tokens {
            table.add([
                String(token.id), token.userID, token.name, token.scopes.map(\.description).joined(separator: " "),
                token.lastUsedAt.map(AccountLine.time) ?? "never", self.state(token),
            ])
        }
        for line in table.lines { Terminal.print(line) }
    }

    private func state(_ token: APIToken) -> String {
        if token.revokedAt != nil { return "revoked" }
        guard let expiresAt = token.expiresAt else { return "valid" }
        return (expiresAt <= .now ? "expired " : "until ") + AccountLine.time(expiresAt)
    }
}

/// `tickwire tokens revoke`.
struct TokensRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke tokens for good.",
        discussion: """
            A running service lets them in for 5 more seconds at most. Who is on a channel stays there until the connection ends.

            EXAMPLE
              tickwire tokens revoke 3 4
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The tokens' ids, as 'tokens list' shows them.")
    var ids: [Int64]

    func run() async throws {
        let settings = try await self.options.load()
        try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let store = AccountStore(client: client)
            for id in self.ids { try await store.revokeToken(id) }
        }
    }
}
