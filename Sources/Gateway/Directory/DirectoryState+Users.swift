import Channels
import NIOCore

/// A user whom signed-in connections watch.
struct WatchedUser {
    /// How many connections watch.
    var watchers = 0
    /// What they were told last.
    var isToldOnline: Bool
}

/// Users are online while at least one connection is signed in as them.
///
/// Changes are gathered for a moment and told to each watcher in one frame; a user who is back in time was never gone.
extension DirectoryState {
    /// A connection signed in, or signed in again as the same user with another watchlist.
    ///
    /// - Parameters:
    ///   - user: Whom it belongs to.
    ///   - isNew: Whether it was not signed in before.
    ///   - watching: The ids it watches from now on.
    ///   - unwatching: The ids it watched before.
    ///   - now: The current time.
    /// - Returns: The states of those it watches, in the order given.
    mutating func signIn(
        _ user: UserKey,
        isNew: Bool,
        watching: [String],
        unwatching: [String],
        now: NIODeadline
    ) -> [Notice.UserState] {
        if isNew {
            self.connections[user, default: 0] += 1
            self.ledger?.signed(user, isIn: true)
            self.changed(user, now: now)
        }
        let states = watching.map { id in
            Notice.UserState(id: id, isOnline: self.watch(UserKey(app: user.app, id: id)))
        }
        self.unwatch(unwatching, app: user.app)
        return states
    }

    /// A signed-in connection is gone.
    mutating func signOut(_ user: UserKey, unwatching: [String], now: NIODeadline) {
        self.unwatch(unwatching, app: user.app)
        guard let count = self.connections[user] else { return }
        self.ledger?.signed(user, isIn: false)
        self.connections[user] = count > 1 ? count - 1 : nil
        self.changed(user, now: now)
    }

    /// Has all connections of a user closed, on every node when it is this node's own wish.
    mutating func terminate(_ user: UserKey, isOwn: Bool = true) {
        if isOwn { self.ledger?.say(.terminate(user)) }
        self.post(.terminate(user))
    }

    /// Tells watchers what has changed and holds.
    mutating func tellUsers(now: NIODeadline) {
        guard !self.dueUsers.isEmpty else { return }
        var states: [Int32: [Notice.UserState]] = [:]
        // What would follow within a moment comes along.
        for (user, due) in self.dueUsers where due <= now + self.options.watchInterval {
            self.dueUsers[user] = nil
            let isOnline = self.connections[user] != nil
            guard let watched = self.watched[user], watched.isToldOnline != isOnline else { continue }
            self.watched[user]?.isToldOnline = isOnline
            states[user.app, default: []].append(Notice.UserState(id: user.id, isOnline: isOnline))
        }
        for (app, states) in states { self.post(.userStates(app: app, states)) }
    }

    /// One more watcher of a user.
    ///
    /// - Returns: What it is told at first. One who is gone for a moment only still counts as there, because those who
    ///   watch already will not hear of it.
    private mutating func watch(_ user: UserKey) -> Bool {
        let isOnline = self.connections[user] != nil
        self.watched[user, default: WatchedUser(isToldOnline: isOnline)].watchers += 1
        return isOnline || self.watched[user]?.isToldOnline == true
    }

    private mutating func unwatch(_ ids: [String], app: Int32) {
        for id in ids {
            let user = UserKey(app: app, id: id)
            guard let watchers = self.watched[user]?.watchers else { continue }
            if watchers > 1 {
                self.watched[user]?.watchers = watchers - 1
            } else {
                self.watched[user] = nil
                self.dueUsers[user] = nil
            }
        }
    }

    /// A user came or went: its watchers are told soon.
    mutating func changed(_ user: UserKey, now: NIODeadline) {
        guard let watched = self.watched[user] else { return }
        let isOnline = self.connections[user] != nil
        if isOnline == watched.isToldOnline {
            self.dueUsers[user] = nil
        } else if self.dueUsers[user] == nil {
            let due = now + (isOnline ? self.options.watchInterval : self.options.offlineDelay)
            self.dueUsers[user] = due
            self.look(at: due)
        }
    }
}
