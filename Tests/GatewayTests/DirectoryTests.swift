import Channels
import Market
import NIOCore
import Testing

@testable import Gateway

@Suite("The directory of members, users and numbers")
struct DirectoryTests {
    private let key = ChannelKey(app: 0, name: "presence-x")
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func state(loops: Int = 2, _ change: (inout DirectoryOptions) -> Void = { _ in }) -> DirectoryState {
        var options = DirectoryOptions()
        change(&options)
        var state = DirectoryState(loopCount: loops, options: options)
        state.isObserved = true
        return state
    }

    private func join(_ state: inout DirectoryState, user: String, loop: Int, info: String = "{}") -> PresenceMembers? {
        let joining = state.join(
            self.key, .presence, member: .init(userID: user, userInfo: info), loop: loop, now: self.start)
        if case .joined(let members, _) = joining { return members }
        return nil
    }

    private func frames(_ notices: [Notice]) -> [String] {
        notices.compactMap { notice in
            guard case .frame(_, let bytes) = notice else { return nil }
            var copy = Array(bytes)
            return ReceivedFrame.take(from: &copy).first?.text
        }
    }

    private func activities(_ notices: [Notice]) -> [ChannelActivity] {
        notices.compactMap { if case .activity(_, let activity, _) = $0 { activity } else { nil } }
    }

    @Test("A user's first connection is added, the last is removed, those between change nothing")
    func firstAndLast() {
        var state = self.state()
        #expect(self.join(&state, user: "1", loop: 0, info: #"{"a":1}"#)?.count == 1)
        #expect(self.join(&state, user: "1", loop: 1, info: #"{"a":2}"#)?.count == 1)
        let members = self.join(&state, user: "2", loop: 1)
        #expect(members?.json == #"{"presence":{"count":2,"ids":["1","2"],"hash":{"1":{"a":1},"2":{}}}}"#)
        let notices = state.take(0)
        #expect(self.frames(notices).map { $0.contains("member_added") } == [true, true])
        #expect(
            self.activities(notices) == [
                .occupied(channel: "presence-x"), .memberAdded(channel: "presence-x", userID: "1"),
                .memberAdded(channel: "presence-x", userID: "2"),
            ])
        state.leave(self.key, .presence, userID: "1", now: self.start)
        #expect(state.take(0).isEmpty)
        state.leave(self.key, .presence, userID: "1", now: self.start)
        #expect(
            self.frames(state.take(0)) == [
                #"{"event":"pusher_internal:member_removed","channel":"presence-x","data":"{\"user_id\":\"1\"}"}"#
            ])
        state.leave(self.key, .presence, userID: "2", now: self.start)
        #expect(
            state.take(0) == [
                .activity(app: 0, .memberRemoved(channel: "presence-x", userID: "2")),
                .activity(app: 0, .vacated(channel: "presence-x")),
            ])
        #expect(state.channels.isEmpty)
    }

    @Test("The hundred and first user is refused, a further connection of the hundredth is not")
    func full() {
        var state = self.state()
        for user in 0..<100 { #expect(self.join(&state, user: "\(user)", loop: 0) != nil) }
        #expect(self.join(&state, user: "100", loop: 0) == nil)
        #expect(self.join(&state, user: "99", loop: 1)?.count == 100)
    }

    @Test(
        "However loops run, a member's list plus the changes that follow it is the truth, and no change comes twice",
        arguments: UInt64(0)..<50)
    func consistency(seed: UInt64) throws {
        struct Connection {
            var loop: Int
            var user: String
            var view: Set<String>
        }
        var random = SplitMix64(seed: seed)
        var state = self.state(loops: 3)
        var connections: [Connection] = []
        func read(_ loop: Int, _ notices: [Notice]) throws {
            for text in self.frames(notices) {
                let id = try #require(text.firstMatch(of: /user_id\\":\\"(\d+)/)?.output.1).description
                for index in connections.indices where connections[index].loop == loop {
                    if text.contains("member_added") {
                        #expect(connections[index].view.insert(id).inserted, "told twice")
                    } else {
                        #expect(connections[index].view.remove(id) != nil, "removed one never told")
                    }
                }
            }
        }
        for _ in 0..<400 {
            let loop = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: try read(loop, state.take(loop))
            case 1 where !connections.isEmpty:
                let index = Int.random(in: 0..<connections.count, using: &random)
                let gone = connections.remove(at: index)
                state.leave(self.key, .presence, userID: gone.user, now: self.start)
                try read(gone.loop, state.take(gone.loop))
            default:
                let user = "\(Int.random(in: 0..<6, using: &random))"
                let members = try #require(self.join(&state, user: user, loop: loop))
                try read(loop, state.take(loop))
                connections.append(Connection(loop: loop, user: user, view: Set(members.ids)))
                #expect(members.ids.contains(user))
            }
        }
        for loop in 0..<3 { try read(loop, state.take(loop)) }
        let truth = Set(connections.map(\.user))
        #expect(connections.allSatisfy { $0.view == truth })
    }

    @Test("A loop is woken once for all that comes while it is busy, and never for its own changes")
    func wakes() {
        var state = self.state()
        _ = self.join(&state, user: "1", loop: 0)
        #expect(state.takeWakes(except: 0) == [1])
        _ = self.join(&state, user: "2", loop: 0)
        #expect(state.takeWakes(except: 0).isEmpty)
        _ = state.take(1)
        _ = self.join(&state, user: "3", loop: 0)
        #expect(state.takeWakes(except: 0) == [1])
    }

    @Test("Numbers of subscribers are told at once up to a limit, beyond every 5 s and only when they changed")
    func counts() {
        var state = self.state {
            $0.appsWithCounts = [0]
            $0.countsAtOnceMax = 2
        }
        let key = ChannelKey(app: 0, name: "c")
        func join(_ now: NIODeadline) -> Bool {
            guard case .joined(_, let count) = state.join(key, .public, member: nil, loop: 0, now: now) else {
                return false
            }
            return count != nil
        }
        #expect(join(self.start))
        #expect(join(self.start))
        #expect(self.frames(state.take(1)).map { $0.contains("subscription_count") } == [true, true])
        #expect(!join(self.start + .seconds(1)))
        #expect(!join(self.start + .seconds(2)))
        #expect(state.takeTimer() == self.start + .seconds(5))
        _ = state.take(0)
        state.timerFired(now: self.start + .seconds(5))
        #expect(
            self.frames(state.take(0)) == [
                #"{"event":"pusher_internal:subscription_count","channel":"c","data":"{\"subscription_count\":4}"}"#
            ])
        state.leave(key, .public, userID: nil, now: self.start + .seconds(6))
        #expect(!join(self.start + .seconds(7)))
        state.timerFired(now: self.start + .seconds(10))
        #expect(self.frames(state.take(0)).isEmpty)
        #expect(join(self.start + .seconds(11)))
    }

    @Test("Presence and encrypted channels, and apps without the option, tell no numbers")
    func noCounts() {
        var state = self.state { $0.appsWithCounts = [0] }
        for (name, kind, app) in [
            ("presence-x", .presence, 0), ("private-encrypted-x", .privateEncrypted, 0), ("x", .public, 1),
        ] as [(String, ChannelName.Kind, Int32)] {
            let member = kind.isPresence ? PresenceMember(userID: "1") : nil
            let joining = state.join(
                ChannelKey(app: app, name: name), kind, member: member, loop: 0, now: self.start)
            if case .joined(_, let count) = joining { #expect(count == nil) }
        }
        #expect(!self.frames(state.take(1)).contains { $0.contains("subscription_count") })
    }

    @Test("A burst of subscribers who find a cache channel empty is one cache_miss")
    func cacheMiss() {
        var state = self.state()
        let key = ChannelKey(app: 0, name: "cache-x")
        for second in [0, 1, 9, 10, 11] { state.missedCache(key, now: self.start + .seconds(Int64(second))) }
        #expect(self.activities(state.take(0)) == Array(repeating: .cacheMiss(channel: "cache-x"), count: 2))
    }

    // MARK: Users

    private func signIn(_ state: inout DirectoryState, _ id: String, watching: [String] = [], at seconds: Double = 0)
        -> [Bool]
    {
        state.signIn(
            UserKey(app: 0, id: id), isNew: true, watching: watching, unwatching: [], now: self.time(seconds)
        ).map(\.isOnline)
    }

    private func signOut(_ state: inout DirectoryState, _ id: String, unwatching: [String] = [], at seconds: Double) {
        state.signOut(UserKey(app: 0, id: id), unwatching: unwatching, now: self.time(seconds))
    }

    private func time(_ seconds: Double) -> NIODeadline { self.start + .milliseconds(Int64(seconds * 1000)) }

    private func states(_ notices: [Notice]) -> [String: Bool] {
        var result: [String: Bool] = [:]
        for notice in notices {
            guard case .userStates(0, let states) = notice else { continue }
            for state in states { result[state.id] = state.isOnline }
        }
        return result
    }

    @Test("A watcher learns who is there, then who comes and goes, in one notice for all that happens within a moment")
    func watching() {
        var state = self.state()
        _ = self.signIn(&state, "a")
        #expect(self.signIn(&state, "w", watching: ["a", "b", "c"]) == [true, false, false])
        _ = self.signIn(&state, "b", at: 1)
        _ = self.signIn(&state, "c", at: 1.3)
        #expect(state.takeTimer() == self.time(1.5))
        state.timerFired(now: self.time(1.5))
        let notices = state.take(1)
        #expect(notices.count == 1 && self.states(notices) == ["b": true, "c": true])
        self.signOut(&state, "b", at: 5)
        self.signOut(&state, "c", at: 5.4)
        #expect(state.takeTimer() == self.time(6.5))
        state.timerFired(now: self.time(6.4))
        #expect(state.take(1).isEmpty)
        state.timerFired(now: self.time(6.5))
        #expect(self.states(state.take(1)) == ["b": false, "c": false])
        #expect(state.dueUsers.isEmpty)
    }

    @Test("A user who is back within a second was never gone, also for one who begins to watch meanwhile")
    func damping() {
        var state = self.state()
        _ = self.signIn(&state, "a")
        _ = self.signIn(&state, "w", watching: ["a"])
        self.signOut(&state, "a", at: 1)
        #expect(self.signIn(&state, "v", watching: ["a"], at: 1.5) == [true])
        _ = self.signIn(&state, "a", at: 1.9)
        state.timerFired(now: self.time(2))
        state.timerFired(now: self.time(10))
        #expect(state.take(1).isEmpty)
    }

    @Test("A user is there until the last connection signed out, and is forgotten with its last watcher")
    func severalConnections() {
        var state = self.state()
        _ = self.signIn(&state, "w", watching: ["a"])
        _ = self.signIn(&state, "a", at: 1)
        _ = self.signIn(&state, "a", at: 1)
        state.timerFired(now: self.time(2))
        #expect(self.states(state.take(1)) == ["a": true])
        self.signOut(&state, "a", at: 3)
        state.timerFired(now: self.time(9))
        #expect(state.take(1).isEmpty)
        self.signOut(&state, "w", unwatching: ["a"], at: 9)
        self.signOut(&state, "a", at: 10)
        #expect(state.watched.isEmpty && state.connections.isEmpty && state.dueUsers.isEmpty)
    }
}
