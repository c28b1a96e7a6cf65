import Channels
import NIOCore

/// What other nodes say: their connections count like this node's, but apart, so that a lost node's can be taken back.
extension DirectoryState {
    /// Another node said what has changed.
    ///
    /// - Parameters:
    ///   - changes: Each as it is now.
    ///   - node: Who.
    ///   - isNews: Whether it happened just now: apps' servers are told of nothing else.
    ///   - now: The current time.
    mutating func apply(_ changes: [DirectoryChange], of node: UInt64, isNews: Bool = true, now: NIODeadline) {
        if self.ledger?.others[node] == nil { self.ledger?.others[node] = NodeLedger.Node() }
        self.quietly(unless: isNews) { state in
            for change in changes {
                switch change {
                case .channel(let key, let count, let members):
                    state.set(key, of: node, count: count, members: members, now: now)
                case .user(let user, let isOnline): state.set(user, of: node, isOnline: isOnline, now: now)
                case .cacheMiss(let key): state.missedCache(key, now: now, isOwn: false)
                case .terminate(let user): state.terminate(user, isOwn: false)
                }
            }
        }
    }

    /// Another node said everything: what it did not mention it does not have.
    mutating func replace(_ state: [DirectoryChange], of node: UInt64, isNews: Bool, now: NIODeadline) {
        guard let old = self.ledger?.others[node] else {
            return self.apply(state, of: node, isNews: isNews, now: now)
        }
        var channels: [ChannelKey: (count: Int, members: [String: String])] = [:]
        var users: Set<UserKey> = []
        for change in state {
            switch change {
            case .channel(let key, let count, let members):
                channels[key, default: (0, [:])].count = count
                for member in members { channels[key]?.members[member.id] = member.info }
            case .user(let user, let isOnline): if isOnline { users.insert(user) }
            case .cacheMiss, .terminate: break
            }
        }
        var changes: [DirectoryChange] = []
        for (key, channel) in channels {
            var members = channel.members.map { DirectoryChange.Member(id: $0.key, info: $0.value) }
            for id in old.channels[key]?.members.keys ?? [:].keys where channel.members[id] == nil {
                members.append(.init(id: id, info: nil))
            }
            changes.append(.channel(key, count: channel.count, members: members))
        }
        changes += old.channels.keys.filter { channels[$0] == nil }.map { .channel($0, count: 0, members: []) }
        changes += users.subtracting(old.users.keys).map { .user($0, isOnline: true) }
        changes += old.users.keys.filter { !users.contains($0) }.map { .user($0, isOnline: false) }
        self.apply(changes, of: node, isNews: isNews, now: now)
    }

    /// A node is gone, and its connections with it.
    ///
    /// - Parameters:
    ///   - node: Which; it must not be among the tellers any more.
    ///   - isNews: Whether apps' servers are told: not when it is this node that has lost the others.
    ///   - tick: Since when nothing was heard of it.
    ///   - now: The current time.
    mutating func remove(_ node: UInt64, isNews: Bool, since tick: Int, now: NIODeadline) {
        for (app, activity) in self.ledger?.takeOver(from: node, since: tick) ?? [] {
            self.reportOurs(activity, app: app)
        }
        self.replace([], of: node, isNews: isNews, now: now)
        self.ledger?.others[node] = nil
    }

    /// Says which nodes may tell apps' servers.
    mutating func setTellers(_ nodes: [UInt64]) {
        guard self.ledger?.tellers != nodes else { return }
        for (app, activity) in self.ledger?.setTellers(nodes) ?? [] { self.reportOurs(activity, app: app) }
    }

    /// Time passed.
    mutating func tick(keeping ticks: Int) {
        guard let tick = self.ledger?.tick else { return }
        self.ledger?.tick = tick + 1
        self.ledger?.forgetStandby(before: tick + 1 - ticks)
    }

    private mutating func quietly(unless isNews: Bool, _ body: (inout DirectoryState) -> Void) {
        let wasSilent = self.ledger?.isSilent ?? false
        self.ledger?.isSilent = wasSilent || !isNews
        body(&self)
        self.ledger?.isSilent = wasSilent
    }

    private mutating func set(
        _ key: ChannelKey, of node: UInt64, count: Int, members: [DirectoryChange.Member], now: NIODeadline
    ) {
        let old = self.ledger?.others[node]?.channels[key] ?? NodeLedger.Channel()
        var new = old
        new.count = count
        if count > 0 {
            for member in members {
                // Whoever came first says who the user is, until it has left everywhere.
                new.members[member.id] = member.info.map { .init(info: $0, connections: 1) }
            }
        } else {
            new.members = [:]
        }
        guard new != old else { return }
        let total = (self.channels[key]?.count ?? 0) - old.count + new.count
        if self.channels[key] == nil {
            guard total > 0 else { return }
            self.channels[key] = Channel()
            self.report(.occupied(channel: key.name), app: key.app)
        }
        for (id, member) in new.members where old.members[id] == nil {
            let member = PresenceMember(userID: id, userInfo: member.info)
            guard self.addMember(member, key) else { continue }
            self.post(.frame(key, Self.frame(.memberAdded(channel: key.name, member))))
            self.report(.memberAdded(channel: key.name, userID: id), app: key.app)
        }
        for id in old.members.keys where new.members[id] == nil {
            guard self.channels[key]?.members?.remove(id) == true else { continue }
            if total > 0 { self.post(.frame(key, Self.frame(.memberRemoved(channel: key.name, userID: id)))) }
            self.report(.memberRemoved(channel: key.name, userID: id), app: key.app)
        }
        self.ledger?.others[node]?.channels[key] = new.count > 0 ? new : nil
        self.channels[key]?.count = total
        let kind = ChannelName.Kind(of: key.name)
        if total <= 0 {
            self.vacate(key, kind)
        } else if new.count != old.count, let frame = self.countFrame(key, kind, now: now) {
            self.post(.frame(key, frame))
        }
    }

    private mutating func set(_ user: UserKey, of node: UInt64, isOnline: Bool, now: NIODeadline) {
        let wasOnline = self.ledger?.others[node]?.users[user] != nil
        guard isOnline != wasOnline else { return }
        self.ledger?.others[node]?.users[user] = isOnline ? 1 : nil
        let count = self.connections[user, default: 0] + (isOnline ? 1 : -1)
        self.connections[user] = count > 0 ? count : nil
        self.changed(user, now: now)
    }
}
