import Foundation
import Market
import Testing

@testable import Notifications

@Suite("Live Activities and broadcast channels")
struct LiveActivityTests {
    private static let channel = "dHN0LXNyY2gtY2hubA=="

    private func price() throws -> LivePrice {
        LivePrice(
            price: try #require(Decimal64("70000.50")), change: Decimal64("-12.5"),
            percentChange: Decimal64("-0.02"), time: Samples.now, sparkline: Array(0..<30))
    }

    private func builder() throws -> APNsBuilder {
        try APNsBuilder(device: Samples.device, providerToken: PushSecret("t"))
    }

    private func send(_ push: LiveActivityPush) throws -> (headers: [NotificationHeader], aps: [String: Any]) {
        let request = try self.builder().liveActivity(
            push, eventID: "e", expiresAt: Samples.now.advanced(by: .seconds(30)))
        return (request.headers, try Samples.object(Samples.object(request.body), "aps"))
    }

    @Test("A silent update has priority 5, a small flat state and no dates")
    func update() throws {
        let (headers, aps) = try self.send(
            LiveActivityPush(
                event: .update(alert: nil), state: self.price(), timestamp: 1_795_435_200,
                staleAt: Samples.now.advanced(by: .seconds(45)), relevance: 80))
        #expect(headers["apns-topic"] == "com.example.prices.push-type.liveactivity")
        #expect(headers["apns-push-type"] == "liveactivity" && headers["apns-priority"] == "5")
        #expect(headers["apns-expiration"] == "1795435230" && headers["apns-collapse-id"] == nil)
        #expect(aps["event"] as? String == "update" && aps["timestamp"] as? Int == 1_795_435_200)
        #expect(aps["stale-date"] as? Int == 1_795_435_245 && aps["relevance-score"] as? Double == 80)
        let state = try Samples.object(aps, "content-state")
        #expect(state["p"] as? String == "70000.5" && state["t"] as? Int == 1_795_435_200)
        #expect((state["l"] as? [Int])?.count == 24)
        #expect(aps["alert"] == nil)
    }

    @Test("A crossing lights up the screen with priority 10")
    func alert() throws {
        let (headers, aps) = try self.send(
            LiveActivityPush(
                event: .update(alert: LiveActivityAlert(title: "Crossed", body: "70000")), state: self.price(),
                timestamp: 1))
        #expect(headers["apns-priority"] == "10")
        #expect(try Samples.object(aps, "alert")["title"] as? String == "Crossed")
    }

    @Test("A start names its attributes, has an alert and asks for updates by token or channel")
    func start() throws {
        for (updates, key) in [
            (LiveActivityStart.Updates.token, "input-push-token"), (.channel(id: Self.channel), "input-push-channel"),
        ] {
            let start = LiveActivityStart(
                attributesType: "PriceAttributes", attributes: [PushField("symbol", "BTC-USD")], updates: updates)
            let (headers, aps) = try self.send(
                LiveActivityPush(
                    event: .start(start, alert: LiveActivityAlert(title: "a", body: "b")), state: self.price(),
                    timestamp: 1))
            #expect(headers["apns-priority"] == "10" && aps["event"] as? String == "start")
            #expect(aps["attributes-type"] as? String == "PriceAttributes" && aps["alert"] != nil && aps[key] != nil)
            #expect(try Samples.object(aps, "attributes")["symbol"] as? String == "BTC-USD")
        }
    }

    @Test("An end can say when it leaves the screen")
    func end() throws {
        let (headers, aps) = try self.send(
            LiveActivityPush(event: .end(dismissedAt: Samples.now, alert: nil), state: self.price(), timestamp: 1))
        #expect(headers["apns-priority"] == "10")
        #expect(aps["event"] as? String == "end" && aps["dismissal-date"] as? Int == 1_795_435_200)
    }

    @Test("Attributes that are too large cost the sparkline and are then refused with numbers")
    func tooLarge() throws {
        func push(_ bytes: Int) throws -> LiveActivityPush {
            let start = LiveActivityStart(
                attributesType: "P", attributes: [PushField("a", String(repeating: "x", count: bytes))])
            return LiveActivityPush(
                event: .start(start, alert: LiveActivityAlert(title: "a", body: "b")), state: try self.price(),
                timestamp: 1)
        }
        let expires = Samples.now
        let empty = try self.builder().liveActivity(try push(0), eventID: "e", expiresAt: expires).body.count
        let room = 4_096 - empty
        #expect(try self.builder().liveActivity(try push(room), eventID: "e", expiresAt: expires).extent == .full)
        let next = try self.builder().liveActivity(try push(room + 1), eventID: "e", expiresAt: expires)
        #expect(next.extent == .withoutSparkline)
        #expect(throws: PushError.self) {
            try self.builder().liveActivity(try push(4_096), eventID: "e", expiresAt: expires)
        }
    }

    @Test("Timestamps only grow, whatever the exchange's clock does")
    func clock() {
        var clock = LiveActivityClock()
        let seconds: (Int64) -> Timestamp = { Timestamp(nanoseconds: $0 * 1_000_000_000 + 5) }
        let stamps = [100, 100, 90, 103, 200].map { clock.stamp(seconds($0)) }
        #expect(stamps == [100, 101, 102, 103, 200])
        var resumed = LiveActivityClock(last: clock.last)
        #expect(resumed.stamp(seconds(150)) == 201)
    }

    private func channels() throws -> APNsChannelRequests {
        try APNsChannelRequests(topic: "com.example.prices", environment: .production, providerToken: PushSecret("t"))
    }

    @Test("Channels are managed by header, as Apple documents it")
    func management() throws {
        let channels = try self.channels()
        let base = "https://api-manage-broadcast.push.apple.com:2196/1/apps/com.example.prices/"
        let create = channels.create(storage: .none, requestID: "r")
        #expect(create.method == "POST" && create.url == base + "channels")
        #expect(
            String(decoding: create.body, as: UTF8.self) == #"{"message-storage-policy":0,"push-type":"LiveActivity"}"#)
        let read = try channels.read(Self.channel, requestID: "r")
        #expect(
            read.method == "GET" && read.url == base + "channels" && read.headers["apns-channel-id"] == Self.channel)
        let delete = try channels.delete(Self.channel, requestID: "r")
        #expect(delete.method == "DELETE" && delete.headers["apns-channel-id"] == Self.channel && delete.body.isEmpty)
        #expect(channels.list(requestID: "r").url == base + "all-channels")
        #expect(throws: PushError.self) { try channels.read("no base64!", requestID: "r") }
    }

    @Test("A broadcast has priority and expiration, which is 0 where nothing is stored")
    func broadcast() throws {
        let push = LiveActivityPush(event: .update(alert: nil), state: try self.price(), timestamp: 1)
        let later = Samples.now.advanced(by: .seconds(60))
        for (storage, expiration) in [(APNsChannelRequests.Storage.none, "0"), (.newest, "1795435260")] {
            let request = try self.channels().send(
                push, to: Self.channel, storage: storage, expiresAt: later, eventID: "e")
            #expect(request.url == "https://api.push.apple.com/4/broadcasts/apps/com.example.prices")
            #expect(request.headers["apns-expiration"] == expiration && request.headers["apns-priority"] == "5")
            #expect(request.headers["apns-channel-id"] == Self.channel && request.headers["apns-topic"] == nil)
        }
        let start = LiveActivityPush(
            event: .start(
                LiveActivityStart(attributesType: "P", attributes: []), alert: LiveActivityAlert(title: "", body: "")),
            state: try self.price(), timestamp: 1)
        #expect(throws: PushError.self) {
            try self.channels().send(start, to: Self.channel, storage: .none, expiresAt: later, eventID: "e")
        }
    }

    @Test("Answers about channels are read, and what is none is an error")
    func answers() throws {
        let created = PushResponse(status: 201, headers: [NotificationHeader("Apns-Channel-Id", Self.channel)])
        #expect(try APNsChannelRequests.createdID(created) == Self.channel)
        let listed = PushResponse(status: 200, body: Array(#"{"channels":["a","b"]}"#.utf8))
        #expect(try APNsChannelRequests.listedIDs(listed) == ["a", "b"])
        let read = PushResponse(
            status: 200, body: Array(#"{"message-storage-policy":1,"push-type":"LiveActivity"}"#.utf8))
        #expect(try APNsChannelRequests.storage(read) == .newest)
        #expect(throws: PushError.self) { try APNsChannelRequests.createdID(PushResponse(status: 200)) }
        #expect(throws: PushError.self) { try APNsChannelRequests.listedIDs(PushResponse(status: 500)) }
    }
}
