import ArgumentParser
import Market
import Postgres
import Store
import Tickwire

/// `tickwire users`: who may have tokens.
struct UsersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "users", abstract: "Create, list and remove users.",
        discussion: """
            A user is whoever an API token speaks for: on presence channels, in sign-ins, and on private-alerts-USER.

            EXAMPLES
              tickwire users create ann --name "Ann Lee"
              tickwire users list
              tickwire users remove ann
            """,
        subcommands: [UsersCreateCommand.self, UsersListCommand.self, UsersRemoveCommand.self]
    )
}

/// `tickwire users create`.
struct UsersCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a user.",
        discussion: """
            EXAMPLES
              tickwire users create ann
              tickwire users create 4711 --name "Ann Lee" --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The user's id: 1 to 100 of A-Z a-z 0-9 _ - = @ .")
    var id: String
    @Option(help: "What others see on presence channels; default: the id.")
    var name: String?
    @Flag(help: "Print the user as one JSON object.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let user = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            try await AccountStore(client: client).createUser(self.id, name: self.name)
        }
        if self.json { return Terminal.print(AccountLine.json(user)) }
        Terminal.print("User \(user.id) (\(user.name)) created")
        Terminal.note("Next: tickwire tokens create \(user.id)")
    }
}

/// `tickwire users list`.
struct UsersListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List users and how many valid tokens they have.",
        discussion: """
            EXAMPLES
              tickwire users list
              tickwire users list --json
            """
    )

    @OptionGroup var options: SettingsOptions
    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let settings = try await self.options.load()
        let users = try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            try await AccountStore(client: client).users()
        }
        if self.json {
            for user in users { Terminal.print(AccountLine.json(user)) }
            return
        }
        guard !users.isEmpty else { return Terminal.note("No users. Create one with: tickwire users create NAME") }
        var table = Table([("ID", .left), ("NAME", .left), ("TOKENS", .right), ("CREATED (UTC)", .left)])
        for user in users {
            table.add([user.id, user.name, String(user.tokenCount), AccountLine.time(user.createdAt)])
        }
        for line in table.lines { Terminal.print(line) }
    }
}

/// `tickwire users remove`.
struct UsersRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove users with all their tokens; their alerts stay.",
        discussion: """
            A running service lets the tokens in for 5 more seconds at most.

            EXAMPLE
              tickwire users remove ann
            """
    )

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The users' ids, as 'users list' shows them.")
    var ids: [String]

    func run() async throws {
        let settings = try await self.options.load()
        try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let store = AccountStore(client: client)
            for id in self.ids { try await store.removeUser(id) }
        }
    }
}

/// Users and tokens as lines of JSON.
enum AccountLine {
    static func json(_ user: User) -> String {
        "{\"id\":\(JSONLine.string(user.id)),\"name\":\(JSONLine.string(user.name)),\"tokens\":\(user.tokenCount),"
            + "\"createdAt\":\"\(user.createdAt)\"}"
    }

    static func json(_ token: APIToken, secret: TokenSecret? = nil) -> String {
        let scopes = token.scopes.map { JSONLine.string($0.description) }.joined(separator: ",")
        var members = [
            "\"id\":\(token.id)", "\"user\":\(JSONLine.string(token.userID))",
            "\"name\":\(JSONLine.string(token.name))", "\"scopes\":[\(scopes)]", "\"createdAt\":\"\(token.createdAt)\"",
        ]
        if let time = token.expiresAt { members.append("\"expiresAt\":\"\(time)\"") }
        if let time = token.lastUsedAt { members.append("\"lastUsedAt\":\"\(time)\"") }
        if let time = token.revokedAt { members.append("\"revokedAt\":\"\(time)\"") }
        if let secret { members.append("\"token\":\"\(secret.exposed)\"") }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// A time for people, to the second.
    static func time(_ time: Timestamp) -> String {
        String(time.description.prefix(19)).replacing("T", with: " ")
    }
}
