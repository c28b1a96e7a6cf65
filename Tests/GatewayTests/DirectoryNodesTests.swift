import Channels
import Market
import NIOCore
import Testing

@testable import Gateway

@Suite("The directory over several nodes")
struct DirectoryNodesTests {
    private let key = ChannelKey(app: 0, name: "presence-x")
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func state(node: UInt64 = 1, tellers: [UInt64]? = nil) -> DirectoryState {
        var options = DirectoryOptions()
        options.appsWithCounts = [0]
        var state = DirectoryState(loopCount: 1, options: options)
        state.ledger = NodeLedger(node: node, appIDs: ["3"])
        state.isObserved = true
        state.setTellers(tellers ?? [node])
        return state
    }

    private func join(_ state: inout DirectoryState, _ user: String, info: String = "{}") -> PresenceMembers? {
        let member = PresenceMember(userID: user, userInfo: info)
        guard case .joined(let members, _) = state.join(self.key, .presence, member: member, loop: 0, now: self.start)
        else { return nil }
        return members
    }

    private func members(_ ids: String..., count: Int? = nil) -> DirectoryChange {
        .channel(self.key, count: count ?? ids.count, members: ids.map { .init(id: $0, info: "{}") })
    }

    private func changes(of state: inout DirectoryState) -> [DirectoryChange] { state.ledger?.takeChanges() ?? [] }

    private func frames(_ notices: [Notice]) -> [String] {
        notices.compactMap { notice in
            guard case .frame(_, let bytes) = notice else { return nil }
            var copy = Array(bytes)
            return ReceivedFrame.take(from: &copy).first?.text
        }
    }

    private func told(_ notices: [Notice]) -> [ChannelActivity] {
        notices.compactMap { notice in
            switch notice {
            case .activity(_, let activity, true), .lateActivity(_, let activity): activity
            case .activity, .frame, .userStates, .terminate: nil
            }
        }
    }

    @Test("A user on two nodes is added once and removed with the last connection of all")
    func oneMember() {
        var state = self.state()
        #expect(self.join(&state, "1")?.count == 1)
        _ = state.take(0)
        state.apply([self.members("1")], of: 2, now: self.start)
        #expect(self.frames(state.take(0)).isEmpty)
        state.leave(self.key, .presence, userID: "1", now: self.start)
        #expect(self.frames(state.take(0)).isEmpty)
        #expect(state.channels[self.key]?.members?.ids == ["1"])
        state.apply([.channel(self.key, count: 0, members: [])], of: 2, now: self.start)
        #expect(
            self.told(state.take(0)) == [
                .memberRemoved(channel: "presence-x", userID: "1"), .vacated(channel: "presence-x"),
            ])
        #expect(state.channels.isEmpty)
    }

    @Test("Who the user is says the first node, until the user has left everywhere")
    func infoOfTheFirst() {
        var state = self.state()
        state.apply(
            [.channel(self.key, count: 1, members: [.init(id: "1", info: #"{"a":1}"#)])], of: 2, now: self.start)
        #expect(self.join(&state, "1", info: #"{"a":2}"#)?.json.contains(#""1":{"a":1}"#) == true)
        // And that is what this node says, too.
        let changes = self.changes(of: &state)
        #expect(changes == [.channel(self.key, count: 1, members: [.init(id: "1", info: #"{"a":1}"#)])])
    }

    @Test("Hearing the same twice changes nothing")
    func idempotent() {
        var state = self.state()
        state.apply([self.members("1", "2")], of: 2, now: self.start)
        _ = state.take(0)
        state.apply([self.members("1", "2")], of: 2, now: self.start)
        #expect(state.take(0).isEmpty)
        #expect(state.channels[self.key]?.count == 2)
    }

    @Test("A full state takes the place of what was known: only differences are told")
    func replaced() {
        var state = self.state()
        _ = self.join(&state, "0")
        state.apply([self.members("1", "2"), .user(UserKey(app: 0, id: "9"), isOnline: true)], of: 2, now: self.start)
        _ = state.take(0)
        state.replace([self.members("2", "3")], of: 2, isNews: true, now: self.start)
        #expect(
            self.told(state.take(0)) == [
                .memberAdded(channel: "presence-x", userID: "3"), .memberRemoved(channel: "presence-x", userID: "1"),
            ])
        #expect(state.connections.isEmpty)
    }

    @Test("A node that is gone takes its members, numbers and users with it, and nothing else")
    func removed() {
        var state = self.state()
        _ = self.join(&state, "1")
        state.apply([self.members("1", "2"), .user(UserKey(app: 0, id: "9"), isOnline: true)], of: 2, now: self.start)
        state.apply([self.members("2", "3")], of: 3, now: self.start)
        _ = state.take(0)
        state.remove(2, isNews: true, since: 0, now: self.start)
        #expect(self.frames(state.take(0)).isEmpty, "2 is still on node 3")
        #expect(state.channels[self.key]?.count == 3)
        #expect(state.connections.isEmpty)
        state.remove(3, isNews: true, since: 0, now: self.start)
        #expect(self.frames(state.take(0)).count == 2)
        #expect(state.channels[self.key]?.members?.ids == ["1"])
    }

    @Test("What is no news reaches clients, not the app's server")
    func silence() {
        var state = self.state()
        _ = self.join(&state, "1")
        _ = state.take(0)
        state.replace([self.members("2")], of: 2, isNews: false, now: self.start)
        let notices = state.take(0)
        #expect(self.frames(notices).count == 1)
        #expect(self.told(notices).isEmpty)
    }

    @Test("Every node agrees on one that tells what happens on a channel, and uses all of them")
    func tellers() {
        let ledgers = (1...3).map { number in
            var ledger = NodeLedger(node: UInt64(number), appIDs: ["3"])
            _ = ledger.setTellers([1, 2, 3])
            return ledger
        }
        var seen: [UInt64: Int] = [:]
        for number in 0..<300 {
            let choices = Set(ledgers.map { $0.teller("channel-\(number)", app: 0) })
            #expect(choices.count == 1)
            if let choice = choices.first, let choice { seen[choice, default: 0] += 1 }
        }
        #expect(seen.count == 3 && seen.values.allSatisfy { $0 > 50 })
    }

    @Test("What a node was to tell when it died is told by another, once")
    func takenOver() {
        var state = self.state(node: 1, tellers: [1, 2])
        var theirs: [String] = []
        for number in 0..<20 {
            let channel = ChannelKey(app: 0, name: "presence-\(number)")
            _ = state.join(channel, .presence, member: .init(userID: "1"), loop: 0, now: self.start)
            if state.ledger?.teller(channel.name, app: 0) == 2 { theirs.append(channel.name) }
        }
        #expect(!theirs.isEmpty && theirs.count < 20)
        #expect(self.told(state.take(0)).allSatisfy { !theirs.contains($0.channel) })
        state.setTellers([1])
        state.remove(2, isNews: true, since: 0, now: self.start)
        let late = self.told(state.take(0))
        #expect(Set(late.map(\.channel)) == Set(theirs) && late.count == 2 * theirs.count)
        state.remove(2, isNews: true, since: 0, now: self.start)
        #expect(state.take(0).isEmpty)
    }

    @Test("What happened before a dead node was last heard of it has told itself")
    func notTakenOver() {
        var state = self.state(node: 1, tellers: [2])
        _ = self.join(&state, "1")
        for _ in 0..<3 { state.tick(keeping: 40) }
        _ = state.take(0)
        state.setTellers([1])
        state.remove(2, isNews: true, since: 2, now: self.start)
        #expect(state.take(0).isEmpty)
    }

    @Test("A node's changes are absolute and counted; nothing to say is not counted")
    func changes() {
        var state = self.state()
        #expect(state.takeFlushWish() == false)
        _ = self.join(&state, "1")
        let wishes = [state.takeFlushWish(), state.takeFlushWish()]
        #expect(wishes == [true, false])
        state.leave(self.key, .presence, userID: "1", now: self.start)
        let changes = self.changes(of: &state)
        #expect(changes == [.channel(self.key, count: 0, members: [.init(id: "1", info: nil)])])
        #expect(state.ledger?.sequence == 1)
        #expect(self.changes(of: &state).isEmpty)
        #expect(state.ledger?.sequence == 1)
    }

    @Test("A user's end goes to the other nodes, and is not sent back by them")
    func terminate() {
        var state = self.state()
        let user = UserKey(app: 0, id: "7")
        state.terminate(user)
        #expect(self.changes(of: &state) == [.terminate(user)])
        #expect(state.take(0) == [.terminate(user)])
        state.apply([.terminate(user)], of: 2, now: self.start)
        #expect(state.take(0) == [.terminate(user)])
        #expect(self.changes(of: &state).isEmpty)
    }

    @Test("A burst that finds a cache channel empty is one burst, on however many nodes")
    func cacheMisses() {
        var state = self.state()
        let cache = ChannelKey(app: 0, name: "cache-x")
        state.apply([.cacheMiss(cache)], of: 2, now: self.start)
        state.missedCache(cache, now: self.start + .seconds(1))
        #expect(self.told(state.take(0)) == [.cacheMiss(channel: "cache-x")])
    }

    @Test(
        "However nodes lose and repeat messages, in the end all know the same, and each client was told what its node knows",
        arguments: UInt64(0)..<40)
    func convergence(seed: UInt64) throws {
        struct Connection {
            var node: Int
            var user: String
        }
        var random = SplitMix64(seed: seed)
        var states = (1...3).map { self.state(node: UInt64($0), tellers: [1, 2, 3]) }
        var connections: [Connection] = []
        var views = Array(repeating: Set<String>(), count: 3)
        func read(_ node: Int) throws {
            for text in self.frames(states[node].take(0)) {
                let id = try #require(text.firstMatch(of: /user_id\\":\\"(\d+)/)?.output.1).description
                if text.contains("member_added") {
                    #expect(views[node].insert(id).inserted, "told twice")
                } else {
                    #expect(views[node].remove(id) != nil, "removed one never told")
                }
            }
        }
        for _ in 0..<300 {
            let node = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where !connections.isEmpty:
                let gone = connections.remove(at: Int.random(in: 0..<connections.count, using: &random))
                states[gone.node].leave(self.key, .presence, userID: gone.user, now: self.start)
                // A frame about the last one has nobody to go to.
                if states[gone.node].channels[self.key] == nil { views[gone.node] = [] }
                try read(gone.node)
            case 1, 2:
                let changes = self.changes(of: &states[node])
                for other in 0..<3 where other != node && Bool.random(using: &random) {
                    states[other].apply(changes, of: UInt64(node + 1), now: self.start)
                    if states[other].channels[self.key] == nil { views[other] = [] }
                    try read(other)
                }
            case 3:
                let state = states[node].ledger?.fullState ?? []
                for other in 0..<3 where other != node {
                    states[other].replace(state, of: UInt64(node + 1), isNews: true, now: self.start)
                    if states[other].channels[self.key] == nil { views[other] = [] }
                    try read(other)
                }
            default:
                let user = "\(Int.random(in: 0..<5, using: &random))"
                _ = self.join(&states[node], user)
                connections.append(Connection(node: node, user: user))
                try read(node)
            }
        }
        for node in 0..<3 {
            let state = states[node].ledger?.fullState ?? []
            for other in 0..<3 where other != node {
                states[other].replace(state, of: UInt64(node + 1), isNews: true, now: self.start)
                if states[other].channels[self.key] == nil { views[other] = [] }
                try read(other)
            }
        }
        let truth = Set(connections.map(\.user))
        for node in 0..<3 {
            #expect(Set(states[node].channels[self.key]?.members?.ids ?? []) == truth)
            #expect(states[node].channels[self.key]?.count ?? 0 == connections.count)
            #expect(views[node] == truth)
        }
    }
}
