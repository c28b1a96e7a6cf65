import Market
import Notifications
import Postgres
import Store
import Testing

@Suite("Alerts that a page has shown", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct AlertPresenceTests {
    private static let now = Timestamp.fromClock

    private static func enqueue(_ events: [String], user: String = "ann", _ store: TestStore) async throws {
        let entries = events.map { event in
            let content = PushContent(
                eventID: event, title: "T", body: "", threadID: "", collapseID: "", createdAt: Self.now,
                expiresAt: Self.now.advanced(byNanoseconds: 900_000_000_000))
            return Outbox.Entry(content, user: user, now: Self.now)
        }
        try await store.client.withConnection { connection in
            try await connection.withSession { session in
                _ = try session.transaction { session in
                    try Outbox.enqueue(entries, shownGrace: .seconds(20), in: session)
                }
            }
        }
    }

    /// A phone and a chat of ann's, and a phone of bob's.
    private static func prepare(_ store: TestStore) async throws {
        let devices = DeviceStore(client: store.client)
        _ = try await devices.register(.fcm(FCMRecipient("a")), user: "ann")
        _ = try await devices.register(.slack(SlackWebhook(url: PushSecret("https://s.example/"))), user: "ann")
        _ = try await devices.register(.fcm(FCMRecipient("b")), user: "bob")
    }

    /// `event service state` of all deliveries.
    private static func deliveries(_ store: TestStore) async throws -> [String] {
        try await store.client.query(
            "SELECT event_key || ' ' || service || ' ' || state FROM deliveries ORDER BY id"
        ).map { try $0.text(0) }
    }

    @Test("What waits for a device is suppressed; chats, other events and other users keep theirs")
    func waiting() async throws {
        try await TestStore.with { store in
            try await Self.prepare(store)
            try await Self.enqueue(["e1", "e2"], store)
            try await Self.enqueue(["e1"], user: "bob", store)
            let presence = AlertPresenceStore(client: store.client)
            #expect(try await presence.shown("e1", user: "ann") == 1)
            #expect(try await presence.shown("e1", user: "ann") == 0)
            let expected = [
                "e1 fcm suppressed", "e1 slack ready", "e2 fcm ready", "e2 slack ready", "e1 fcm ready",
            ]
            #expect(try await Self.deliveries(store) == expected)
        }
    }

    @Test("A page may be faster than the database: what is put in later is suppressed too")
    func before() async throws {
        try await TestStore.with { store in
            try await Self.prepare(store)
            let presence = AlertPresenceStore(client: store.client)
            #expect(try await presence.shown("e1", user: "ann") == 0)
            try await Self.enqueue(["e1", "e2"], store)
            #expect(
                try await Self.deliveries(store)
                    == ["e1 fcm suppressed", "e1 slack ready", "e2 fcm ready", "e2 slack ready"])
        }
    }

    @Test("Whichever comes first, one of them suppresses it")
    func together() async throws {
        try await TestStore.with { store in
            try await Self.prepare(store)
            let presence = AlertPresenceStore(client: store.client)
            // What becomes a part of a summary is not taken out of it.
            try await PreferencesStore(client: store.client).set(
                NotificationPreferences(budget: NotificationBudget(burst: 100, interval: .seconds(1))), zone: .utc,
                of: "ann")
            for number in 0..<20 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await Self.enqueue(["e\(number)"], store) }
                    group.addTask { _ = try await presence.shown("e\(number)", user: "ann") }
                    try await group.waitForAll()
                }
            }
            #expect(try await Outbox(client: store.client).counts() == ["suppressed": 20, "ready": 20])
        }
    }

    @Test("Only pushes to devices wait, only for who listens, and not for who has left")
    func grace() async throws {
        try await TestStore.with { store in
            try await Self.prepare(store)
            let presence = AlertPresenceStore(client: store.client)
            try await presence.listening(["ann", "cleo"])
            try await Self.enqueue(["e1"], store)
            try await Self.enqueue(["e1"], user: "bob", store)
            try await presence.left(["ann"])
            try await Self.enqueue(["e2"], store)
            let due = try await Outbox(client: store.client).claim(limit: 10, lease: .seconds(60))
            #expect(
                due.map { "\($0.device?.user ?? "") \($0.service)" }.sorted() == [
                    "ann fcm", "ann slack", "ann slack", "bob fcm",
                ])
            #expect(try await Self.deliveries(store)[0] == "e1 fcm ready")
        }
    }
}
