import Channels

/// The users of one presence channel over all connections.
struct PresenceMembers: Equatable {
    private struct User: Equatable {
        /// Of the user's first connection: it holds until the user has left entirely.
        var info: String
        var connections: Int
        var number: Int
    }

    private var users: [String: User] = [:]
    private var joinedCount = 0

    /// How many users there are.
    var count: Int { self.users.count }

    /// The users' ids, whoever came first first.
    var ids: [String] { self.users.sorted { $0.value.number < $1.value.number }.map(\.key) }

    /// Whether the user is there.
    func contains(_ id: String) -> Bool { self.users[id] != nil }

    /// The JSON text about a user.
    func info(of id: String) -> String? { self.users[id]?.info }

    /// One more connection of a user.
    ///
    /// - Returns: Whether it is the user's first.
    mutating func add(_ member: PresenceMember) -> Bool {
        self.joinedCount += 1
        let new = User(info: member.userInfo, connections: 0, number: self.joinedCount)
        self.users[member.userID, default: new].connections += 1
        return self.users[member.userID]?.connections == 1
    }

    /// One connection less of a user.
    ///
    /// - Returns: Whether it was the user's last.
    mutating func remove(_ id: String) -> Bool {
        guard let connections = self.users[id]?.connections else { return false }
        if connections > 1 {
            self.users[id]?.connections = connections - 1
            return false
        }
        self.users[id] = nil
        return true
    }

    /// The JSON that `subscription_succeeded` carries.
    var json: String {
        let users = self.users.sorted { $0.value.number < $1.value.number }
        let ids = users.map { JSONText.quoted($0.key) }.joined(separator: ",")
        let hash = users.map { "\(JSONText.quoted($0.key)):\($0.value.info)" }.joined(separator: ",")
        return #"{"presence":{"count":\#(users.count),"ids":[\#(ids)],"hash":{\#(hash)}}}"#
    }
}
