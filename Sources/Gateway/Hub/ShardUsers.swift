/// The signed-in connections of one event loop and whom they watch.
struct ShardUsers {
    /// One signed-in connection.
    struct SignedIn: Equatable {
        var user: UserKey
        var watchlist: [String]
    }

    private var bySlot: [Int32: SignedIn] = [:]
    private var slotsOf: [UserKey: Set<Int32>] = [:]
    private var watchersOf: [UserKey: Set<Int32>] = [:]

    /// What a connection is signed in as.
    func find(_ slot: Int32) -> SignedIn? { self.bySlot[slot] }

    /// The connections signed in as a user.
    func slots(of user: UserKey) -> [Int32] { Array(self.slotsOf[user] ?? []) }

    /// Notes whom a connection belongs to, in place of what was noted before.
    mutating func add(_ slot: Int32, _ signedIn: SignedIn) {
        _ = self.remove(slot)
        self.bySlot[slot] = signedIn
        self.slotsOf[signedIn.user, default: []].insert(slot)
        for id in signedIn.watchlist {
            self.watchersOf[UserKey(app: signedIn.user.app, id: id), default: []].insert(slot)
        }
    }

    /// Forgets a connection.
    mutating func remove(_ slot: Int32) -> SignedIn? {
        guard let signedIn = self.bySlot.removeValue(forKey: slot) else { return nil }
        Self.take(slot, signedIn.user, from: &self.slotsOf)
        for id in signedIn.watchlist {
            Self.take(slot, UserKey(app: signedIn.user.app, id: id), from: &self.watchersOf)
        }
        return signedIn
    }

    /// Sorts changes by who watches.
    func watchers(of states: [Notice.UserState], app: Int32) -> [Int32: [Notice.UserState]] {
        var result: [Int32: [Notice.UserState]] = [:]
        for state in states {
            for slot in self.watchersOf[UserKey(app: app, id: state.id)] ?? [] {
                result[slot, default: []].append(state)
            }
        }
        return result
    }

    private static func take(_ slot: Int32, _ user: UserKey, from index: inout [UserKey: Set<Int32>]) {
        index[user]?.remove(slot)
        if index[user]?.isEmpty == true { index[user] = nil }
    }
}
