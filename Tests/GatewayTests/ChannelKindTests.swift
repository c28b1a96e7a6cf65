import Channels
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Gateway

/// A clock that a test sets.
private final class SetClock: Sendable {
    private let time = Mutex(NIODeadline.uptimeNanoseconds(1_000_000_000_000))
    var now: NIODeadline { self.time.withLock { $0 } }
    func advance(by amount: TimeAmount) { self.time.withLock { $0 = $0 + amount } }
}

@Suite("Channels that remember, know their members or answer")
struct ChannelKindTests {
    private let loop = EmbeddedEventLoop()
    private let clock = SetClock()
    private let hub: Hub
    private let app: App
    private let heard = Heard()

    private final class Heard: Sendable {
        private let list = Mutex<[ChannelActivity]>([])
        func add(_ activity: ChannelActivity) { self.list.withLock { $0.append(activity) } }
        func take() -> [ChannelActivity] {
            self.list.withLock { list in
                defer { list = [] }
                return list
            }
        }
    }

    init() {
        var options = App.Options()
        options.hasClientEvents = true
        options.connectionsMax = 3
        self.app = App(id: "1", key: "key", secret: "secret", options: options)
        let (clock, heard) = (self.clock, self.heard)
        self.hub = Hub(apps: [self.app], eventLoopGroup: self.loop, clock: { clock.now })
        self.hub.setObserver(all: { _, activity in heard.add(activity) })
    }

    private func connect() throws -> (EmbeddedConnection, String) {
        let connection = try EmbeddedConnection(hub: self.hub, loop: self.loop)
        return (connection, try connection.greet())
    }

    private func join(_ connection: EmbeddedConnection, _ id: String, _ channel: String, user: String? = nil) throws {
        let data = user.map { #"{"user_id":"\#($0)"}"# }
        let auth = ChannelAuth(app: self.app).sign(socketID: id, channel: channel, channelData: data)
        let member = data.map { #","channel_data":"\#($0.replacing("\"", with: "\\\""))""# } ?? ""
        try connection.send(
            #"{"event":"pusher:subscribe","data":{"channel":"\#(channel)","auth":"\#(auth)"\#(member)}}"#)
    }

    private func publish(_ channel: String, _ name: String, _ data: String) {
        self.hub.publish([.init(channel: channel, name: name, data: Array(data.utf8))])
    }

    @Test(
        "A cache channel replays its last event under its own name, or says that it has none",
        arguments: ["cache-x", "private-cache-x", "private-encrypted-cache-x"])
    func cache(channel: String) throws {
        let (first, firstID) = try self.connect()
        try self.join(first, firstID, channel)
        #expect(
            try first.texts() == [
                #"{"event":"pusher_internal:subscription_succeeded","channel":"\#(channel)","data":"{}"}"#,
                #"{"event":"pusher:cache_miss","channel":"\#(channel)","data":"{}"}"#,
            ])
        try first.finish()
        self.publish(channel, "a", "1")
        self.publish(channel, "tick", #"{"b":""}"#)
        self.publish(channel, "c", "")
        let (second, secondID) = try self.connect()
        try self.join(second, secondID, channel)
        #expect(try second.texts().last == #"{"event":"c","channel":"\#(channel)","data":""}"#)
        try second.send(#"{"event":"pusher:unsubscribe","data":{"channel":"\#(channel)"}}"#)
        self.clock.advance(by: .minutes(29))
        try self.join(second, secondID, channel)
        #expect(try second.texts().last == #"{"event":"c","channel":"\#(channel)","data":""}"#)
        try second.send(#"{"event":"pusher:unsubscribe","data":{"channel":"\#(channel)"}}"#)
        self.clock.advance(by: .minutes(1))
        try self.join(second, secondID, channel)
        #expect(try second.texts().last?.contains("cache_miss") == true)
        try second.finish()
        let shard = try #require(self.hub.shards.first)
        shard.expire()
        #expect(shard.channels.index.isEmpty && shard.channels.snapshotCount == 0)
    }

    @Test("Names that only contain cache- do not cache, and of two events the later one is kept")
    func notCached() throws {
        for name in ["my-cache-x", "private-my-cache-x", "cachex"] { self.publish(name, "a", "1") }
        #expect(self.hub.shards.first?.channels.snapshotCount == 0)
        var builder = EventBatch.Builder(count: 1, dataBytes: 1, clock: { .uptimeNanoseconds(5) })
        builder.append(.init(channel: "cache-x", name: "old", data: [0x31]), app: nil)
        self.publish("cache-x", "new", "2")
        self.hub.publish(builder.finish())
        let (connection, id) = try self.connect()
        try self.join(connection, id, "cache-x")
        #expect(try connection.texts().last?.contains(#""event":"new""#) == true)
        try connection.finish()
    }

    @Test("A member gets the list with itself in it; the others hear of it, and of its end")
    func presence() throws {
        let (a, aID) = try self.connect()
        let (b, bID) = try self.connect()
        try self.join(a, aID, "presence-x", user: "1")
        try self.join(b, bID, "presence-x", user: "2")
        let list = #"{\"presence\":{\"count\":2,\"ids\":[\"1\",\"2\"],\"hash\":{\"1\":{},\"2\":{}}}}"#
        let success = #"{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"\#(list)"}"#
        #expect(try b.texts() == [success])
        #expect(try a.texts().map { $0.contains("member_added") } == [false, true])
        try self.join(b, bID, "presence-x", user: "2")
        #expect(try b.texts() == [success])
        #expect(try a.texts().isEmpty)
        try b.finish()
        #expect(try a.texts().map { $0.contains("member_removed") } == [true])
        #expect(self.hub.userIDs(app: 0, channel: "presence-x") == ["1"])
        try a.finish()
        #expect(
            self.heard.take() == [
                .occupied(channel: "presence-x"), .memberAdded(channel: "presence-x", userID: "1"),
                .memberAdded(channel: "presence-x", userID: "2"), .memberRemoved(channel: "presence-x", userID: "2"),
                .memberRemoved(channel: "presence-x", userID: "1"), .vacated(channel: "presence-x"),
            ])
        let shard = try #require(self.hub.shards.first)
        #expect(shard.userIDs.isEmpty && shard.channels.index.isEmpty)
    }

    @Test("A client event reaches everybody but its sender, with the member's own user id, and is not remembered")
    func clientEvent() throws {
        let (a, aID) = try self.connect()
        let (b, bID) = try self.connect()
        for (connection, id, user) in [(a, aID, "1"), (b, bID, "2")] {
            try self.join(connection, id, "presence-cache-x", user: user)
        }
        _ = try (a.texts(), b.texts())
        _ = self.heard.take()
        try a.send(#"{"event":"client-e","channel":"presence-cache-x","data":{"k":1},"user_id":"9"}"#)
        #expect(try a.texts().isEmpty)
        #expect(
            try b.texts() == [
                #"{"event":"client-e","channel":"presence-cache-x","data":"{\"k\":1}","user_id":"1"}"#
            ])
        #expect(
            self.heard.take() == [
                .clientEvent(
                    channel: "presence-cache-x", event: "client-e", data: #"{"k":1}"#, socketID: aID, userID: "1")
            ])
        #expect(self.hub.shards.first?.channels.snapshotCount == 0)
        try a.finish()
        try b.finish()
    }

    private func signIn(_ connection: EmbeddedConnection, _ id: String, _ data: String) throws {
        let auth = ChannelAuth(app: self.app).signUser(socketID: id, userData: data)
        let text = data.replacing("\"", with: "\\\"")
        try connection.send(#"{"event":"pusher:signin","data":{"auth":"\#(auth)","user_data":"\#(text)"}}"#)
    }

    @Test("A signed-in user has a channel of its own, is watched, and is ended on all its connections")
    func users() throws {
        let (a, aID) = try self.connect()
        let (watcher, watcherID) = try self.connect()
        try self.signIn(watcher, watcherID, #"{"id":"w","watchlist":["a","b"]}"#)
        #expect(
            try watcher.texts() == [
                #"{"event":"pusher:signin_success","data":{"user_data":"{\"id\":\"w\",\"watchlist\":[\"a\",\"b\"]}"}}"#,
                #"{"event":"pusher_internal:watchlist_events","#
                    + #""data":"{\"events\":[{\"name\":\"offline\",\"user_ids\":[\"a\",\"b\"]}]}"}"#,
            ])
        try self.signIn(a, aID, #"{"id":"a"}"#)
        try a.send(subscribeText("#server-to-user-a"))
        self.clock.advance(by: .seconds(1))
        self.loop.advanceTime(by: .seconds(1))
        #expect(
            try watcher.texts() == [
                #"{"event":"pusher_internal:watchlist_events","#
                    + #""data":"{\"events\":[{\"name\":\"online\",\"user_ids\":[\"a\"]}]}"}"#
            ])
        self.publish("#server-to-user-a", "hello", "1")
        #expect(try a.texts().last == ##"{"event":"hello","channel":"#server-to-user-a","data":"1"}"##)
        #expect(self.heard.take().isEmpty)
        self.hub.terminateConnections(of: "a", app: 0)
        #expect(try a.frames().last?.closeCode == 4009)
        #expect(try watcher.frames().isEmpty)
        self.clock.advance(by: .seconds(2))
        self.loop.advanceTime(by: .seconds(2))
        #expect(try watcher.texts().last?.contains("offline") == true)
        try watcher.finish()
        try a.finish()
    }

    @Test("The app's own quota of connections closes with 4004, and those that end make room")
    func quota() throws {
        var connections = try (0..<3).map { _ in try self.connect().0 }
        let fourth = try EmbeddedConnection(hub: self.hub, loop: self.loop)
        #expect(try fourth.frames().first?.closeCode == 4004)
        try fourth.finish()
        try connections.removeLast().finish()
        connections.append(try self.connect().0)
        for connection in connections { try connection.finish() }
    }
}
