import Channels

/// What the directory of a node with others beside it knows apart from the sums: who said what, and what is to be said.
struct NodeLedger {
    /// One node's part of a channel.
    struct Channel: Equatable {
        struct Member: Equatable {
            var info: String
            var connections: Int
        }

        var count = 0
        var members: [String: Member] = [:]
    }

    /// One node's part of everything.
    struct Node: Equatable {
        var channels: [ChannelKey: Channel] = [:]
        var users: [UserKey: Int] = [:]
    }

    private struct Standby {
        let tick: Int
        let app: Int32
        let activity: ChannelActivity
        /// Who was to tell it; `nil` when nobody was known.
        let node: UInt64?
    }

    /// Activities kept in case the node that was to tell them has died.
    private static let standbyMax = 10_000

    /// This node's number.
    let node: UInt64
    /// The apps' ids, by their numbers: these differ between nodes.
    let appIDs: [String]
    private(set) var own = Node()
    var others: [UInt64: Node] = [:]
    /// Counts up with each set of changes that is taken.
    private(set) var sequence: UInt64 = 0
    /// Those that may tell apps' servers, this node among them when it may.
    private(set) var tellers: [UInt64] = []
    /// Whether what happens is old news: told by others, or long ago.
    var isSilent = false
    /// Rises twice a second or so.
    var tick = 0
    /// Whether somebody is about to take the changes.
    private var isFlushPlanned = false
    private var changedChannels: [ChannelKey: Set<String>] = [:]
    private var changedUsers: Set<UserKey> = []
    private var notes: [DirectoryChange] = []
    private var standby: [Standby] = []

    init(node: UInt64, appIDs: [String]) {
        self.node = node
        self.appIDs = appIDs
    }

    // MARK: This node's connections

    /// A connection of this node joined; `member` with the info that holds for the user.
    mutating func joined(_ key: ChannelKey, member: PresenceMember?) {
        self.own.channels[key, default: Channel()].count += 1
        self.changedChannels[key, default: []].formUnion([])
        guard let member else { return }
        let new = Channel.Member(info: member.userInfo, connections: 0)
        self.own.channels[key]?.members[member.userID, default: new].connections += 1
        if self.own.channels[key]?.members[member.userID]?.connections == 1 {
            self.changedChannels[key]?.insert(member.userID)
        }
    }

    /// A connection of this node left.
    mutating func left(_ key: ChannelKey, userID: String?) {
        guard let count = self.own.channels[key]?.count else { return }
        self.changedChannels[key, default: []].formUnion([])
        if let userID, let connections = self.own.channels[key]?.members[userID]?.connections {
            self.own.channels[key]?.members[userID]?.connections = connections - 1
            if connections == 1 {
                self.own.channels[key]?.members[userID] = nil
                self.changedChannels[key]?.insert(userID)
            }
        }
        self.own.channels[key]?.count = count - 1
        if count == 1 { self.own.channels[key] = nil }
    }

    /// A connection of this node signed in, or one that was is gone.
    mutating func signed(_ user: UserKey, isIn: Bool) {
        let count = self.own.users[user, default: 0] + (isIn ? 1 : -1)
        self.own.users[user] = count > 0 ? count : nil
        if isIn ? count == 1 : count == 0 { self.changedUsers.insert(user) }
    }

    /// Something that is no state is to be said.
    mutating func say(_ change: DirectoryChange) { self.notes.append(change) }

    // MARK: What is to be said

    /// Whether there is something.
    var hasChanges: Bool { !self.changedChannels.isEmpty || !self.changedUsers.isEmpty || !self.notes.isEmpty }

    /// Whether somebody must take the changes, and nobody has that in mind yet.
    mutating func planFlush() -> Bool {
        guard self.hasChanges, !self.isFlushPlanned else { return false }
        self.isFlushPlanned = true
        return true
    }

    /// Takes out what has changed since the last time; the sequence counts it.
    mutating func takeChanges() -> [DirectoryChange] {
        self.isFlushPlanned = false
        guard self.hasChanges else { return [] }
        self.sequence += 1
        var changes: [DirectoryChange] = self.changedChannels.map { key, users in
            let channel = self.own.channels[key]
            return .channel(
                key, count: channel?.count ?? 0,
                members: users.sorted().map { .init(id: $0, info: channel?.members[$0]?.info) })
        }
        changes += self.changedUsers.map { .user($0, isOnline: self.own.users[$0] != nil) }
        changes += self.notes
        self.changedChannels = [:]
        self.changedUsers = []
        self.notes = []
        return changes
    }

    /// More messages than one were needed for the changes.
    mutating func countMessage() { self.sequence += 1 }

    /// Everything about this node's connections, as of ``sequence``; what is not taken yet is in it and comes again.
    var fullState: [DirectoryChange] {
        self.own.channels.map { key, channel in
            .channel(
                key, count: channel.count, members: channel.members.map { .init(id: $0.key, info: $0.value.info) })
        } + self.own.users.keys.map { .user($0, isOnline: true) }
    }

    // MARK: Who tells apps' servers

    /// Whether this node tells the app's server of an activity; what another is to tell is kept for a while.
    mutating func isOurs(_ activity: ChannelActivity, app: Int32) -> Bool {
        // Only the node of the sender knows of it.
        if case .clientEvent = activity { return true }
        if self.isSilent { return false }
        let teller = self.teller(activity.channel, app: app)
        if teller == self.node { return true }
        if self.standby.count >= Self.standbyMax { self.standby.removeFirst(Self.standbyMax / 2) }
        self.standby.append(Standby(tick: self.tick, app: app, activity: activity, node: teller))
        return false
    }

    /// Who tells what happens on a channel: the same node whichever node asks (rendezvous hashing).
    func teller(_ channel: String, app: Int32) -> UInt64? {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in self.appIDs[Int(app)].utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        for byte in channel.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return self.tellers.max { (Self.mixed(hash ^ $0), $0) < (Self.mixed(hash ^ $1), $1) }
    }

    /// Says who may tell.
    ///
    /// - Returns: What nobody was there for until now, and this node is to tell.
    mutating func setTellers(_ nodes: [UInt64]) -> [(app: Int32, activity: ChannelActivity)] {
        self.tellers = nodes
        return self.takeOver { $0.node == nil }
    }

    /// A node is gone.
    ///
    /// - Parameters:
    ///   - node: Which; no longer among the tellers.
    ///   - tick: Since when nothing was heard of it.
    /// - Returns: What it has perhaps not told, as far as this node is to tell it.
    mutating func takeOver(from node: UInt64, since tick: Int) -> [(app: Int32, activity: ChannelActivity)] {
        self.takeOver { $0.node == node && $0.tick >= tick }
    }

    /// Forgets what is too old to be told by anybody.
    mutating func forgetStandby(before tick: Int) {
        self.standby.removeAll { $0.tick < tick && $0.node != nil }
    }

    private mutating func takeOver(
        _ isOrphan: (Standby) -> Bool
    ) -> [(app: Int32, activity: ChannelActivity)] {
        guard self.standby.contains(where: isOrphan) else { return [] }
        var kept: [Standby] = []
        var taken: [(app: Int32, activity: ChannelActivity)] = []
        for entry in self.standby {
            let teller = isOrphan(entry) ? self.teller(entry.activity.channel, app: entry.app) : entry.node
            if isOrphan(entry), teller == self.node {
                taken.append((entry.app, entry.activity))
            } else {
                kept.append(Standby(tick: entry.tick, app: entry.app, activity: entry.activity, node: teller))
            }
        }
        self.standby = kept
        return taken
    }

    /// Spreads the bits (splitmix64's last steps).
    private static func mixed(_ number: UInt64) -> UInt64 {
        var number = number
        number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
        return number ^ (number >> 31)
    }
}
