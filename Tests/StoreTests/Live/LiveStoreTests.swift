import Alerts
import Market
import Notifications
import Postgres
import Store
import Testing

@Suite("Live prices in the database", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct LiveStoreTests {
    private static let topic = "com.example.app"

    private static func device(_ token: String, _ store: TestStore, user: String = "ann") async throws -> Int64 {
        let device = APNsDevice(token: token, topic: Self.topic, environment: .sandbox)
        return try await DeviceStore(client: store.client).register(.liveActivity(device), user: user).id
    }

    @Test("Of two that want a channel made one makes it, and the other finds it")
    func making() async throws {
        try await TestStore.with { store in
            let live = LiveStore(client: store.client)
            let symbol = try Symbol("BTC-USD")
            let wanted = try await live.want(symbol, topic: Self.topic, environment: .production)
            #expect(wanted.id == nil)
            try await withThrowingTaskGroup(of: String?.self) { group in
                for name in ["b25l", "dHdv", "dGhyZWU="] {
                    group.addTask { try await live.make(wanted) { name } }
                }
                var ids: Set<String?> = []
                for try await id in group { ids.insert(id) }
                #expect(ids.count == 1)
            }
            let made = try #require(
                try await live.channel(symbol, topic: Self.topic, environment: .production))
            #expect(made.id != nil)
            // Another environment is another channel, another app has none of them.
            _ = try await live.want(symbol, topic: Self.topic, environment: .sandbox)
            #expect(try await live.channels(topic: Self.topic).map(\.id) == [made.id, nil])
            #expect(try await live.channels(topic: "other").isEmpty)
            try await live.forget(made)
            #expect(try await live.make(made) { "bmV3" } == "bmV3")
            // Whoever still has the old one forgets nothing.
            try await live.forget(made)
            #expect(try await live.channel(symbol, topic: Self.topic, environment: .production)?.id == "bmV3")
        }
    }

    @Test("A channel that is asked for again does not give way")
    func giving() async throws {
        try await TestStore.with { store in
            let live = LiveStore(client: store.client)
            let first = try await live.want(try Symbol("BTC-USD"), topic: Self.topic, environment: .production)
            let again = try await live.want(try Symbol("BTC-USD"), topic: Self.topic, environment: .production)
            #expect(try await !live.give(up: first))
            #expect(try await live.give(up: again))
            #expect(try await live.channels(topic: Self.topic).isEmpty)
        }
    }

    @Test("Nobody sends twice within a cadence but for crossings, and timestamps grow whoever sends")
    func claiming() async throws {
        try await TestStore.with { store in
            let live = LiveStore(client: store.client)
            let symbol = try Symbol("BTC-USD")
            _ = try await live.want(symbol, topic: Self.topic, environment: .production)
            let key = LiveChannel.Key(symbol: symbol, environment: .production)
            let claim: (Int64, Bool) async throws -> Int64? = { timestamp, isUrgent in
                try await live.claim(
                    [LiveClaim(key: key, timestamp: timestamp, isUrgent: isUrgent)], topic: Self.topic,
                    spacing: .seconds(15))[key]
            }
            #expect(try await claim(100, false) == 100)
            #expect(try await claim(200, false) == nil)
            #expect(try await claim(200, true) == 200)
            #expect(try await claim(150, true) == 201)
            let id = try await Self.device("aa", store)
            try await live.register(.update(symbol), device: id)
            let activity = LiveActivity.Key(deviceID: id, symbol: symbol)
            let claims = [LiveClaim(key: activity, timestamp: 7, isUrgent: false)]
            #expect(try await live.claim(claims, spacing: .seconds(15)) == [activity: 7])
            #expect(try await live.claim(claims, spacing: .seconds(15)).isEmpty)
        }
    }

    @Test("A token says what it is for, and what it said before counts no more")
    func wishes() async throws {
        try await TestStore.with { store in
            let live = LiveStore(client: store.client)
            let (btc, eth) = (try Symbol("BTC-USD"), try Symbol("ETH-USD"))
            let id = try await Self.device("AA", store)
            try await live.register(.start(attributesType: "A", symbols: [btc, eth]), device: id)
            var all = try await live.activities()
            #expect(all.map(\.symbol) == [btc, eth] && all.allSatisfy { $0.kind == .start(attributesType: "A") })
            #expect(all[0].device.token == "aa" && all[0].device.environment == .sandbox && !all[0].hasSucceeded)
            let first = all[0]
            #expect(try await live.claimStart(first))
            #expect(try await !live.claimStart(first))
            // Asked for once more it is not begun once more.
            try await live.register(.start(attributesType: "B", symbols: [btc]), device: id)
            all = try await live.activities()
            #expect(all.map(\.symbol) == [btc] && all[0].startedAt != nil && all[0].askedAt == first.askedAt)
            try await live.releaseStart(first)
            #expect(try await live.activities()[0].startedAt == nil)
            try await live.register(.update(eth), device: id)
            all = try await live.activities()
            #expect(all.map(\.symbol) == [eth] && all[0].kind == .update)
            try await live.succeeded(device: id, environment: .production)
            all = try await live.activities()
            #expect(all[0].hasSucceeded && all[0].device.environment == .production)
        }
    }

    @Test("A token that is gone is removed unless it was registered since, and so is one that has ended by itself")
    func removing() async throws {
        try await TestStore.with { store in
            let live = LiveStore(client: store.client)
            let symbol = try Symbol("BTC-USD")
            let id = try await Self.device("aa", store)
            try await live.register(.update(symbol), device: id)
            let registered = try await DeviceStore(client: store.client).device(id: id).lastRegisteredAt
            let before = registered.advanced(byNanoseconds: -1_000_000)
            #expect(try await !live.remove(device: id, unlessRegisteredAfter: before))
            #expect(try await live.remove(device: id, unlessRegisteredAfter: registered))
            #expect(try await live.activities().isEmpty)
            for (token, hours) in [("bb", 11), ("cc", 13)] {
                let id = try await Self.device(token, store)
                try await live.register(.update(symbol), device: id)
                try await store.client.query(
                    "UPDATE live_activities SET asked_at = now() - $2 * interval '1 hour' WHERE device_id = $1",
                    [.integer(id), .integer(Int64(hours))])
            }
            try await live.removeEnded()
            #expect(try await live.activities().map(\.device.token) == ["bb"])
        }
    }

    @Test("Alerts go to a user's devices, not to live activities, whose users' thresholds count for relevance")
    func alerts() async throws {
        try await TestStore.with { store in
            let live = LiveStore(client: store.client)
            let symbol = try Symbol("BTC-USD")
            try await live.register(.update(symbol), device: try await Self.device("aa", store))
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            try await store.catalog.register([symbol], asset: .crypto)
            for text in ["crosses above 70000", "below 60000", "moves 5% in 10m"] {
                _ = try await alerts.add(
                    try AlertOrder(user: "ann", symbol: symbol, expression: try AlertExpression(parsing: text)))
            }
            let paused = try await alerts.add(
                try AlertOrder(user: "ann", symbol: symbol, expression: try AlertExpression(parsing: "above 1")))
            _ = try await alerts.setPause(id: paused.id, .user)
            let thresholds = try await live.thresholds(of: ["ann", "bob"])
            let expected = Set(["70000", "60000"].compactMap { Decimal64($0) })
            #expect(Set(thresholds["ann"]?[symbol] ?? []) == expected)
            #expect(thresholds["bob"] == nil)
            let now = Timestamp(microseconds: 1_795_435_200_000_000)
            let content = PushContent(
                eventID: "e", title: "t", body: "b", threadID: "t", collapseID: "c", createdAt: now, expiresAt: now)
            let enqueued = try await store.client.withConnection { connection in
                try await connection.withSession { session in
                    try session.transaction { session in
                        try Outbox.enqueue(content, user: "ann", now: now, in: session)
                    }
                }
            }
            #expect(enqueued.deliveries == 0)
        }
    }
}
