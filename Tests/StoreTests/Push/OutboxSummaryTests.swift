import Market
import Notifications
import Postgres
import Store
import Testing

@Suite("Summaries", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct OutboxSummaryTests {
    private static let now = Timestamp.fromClock

    private static func content(
        _ event: String, _ priority: NotificationPriority = .active, validSeconds: Int64 = 900
    ) throws -> PushContent {
        var content = PushContent(
            eventID: event, title: "T", body: "", threadID: "", collapseID: "", priority: priority, createdAt: Self.now,
            expiresAt: Self.now.advanced(byNanoseconds: validSeconds * 1_000_000_000))
        content.symbol = try Symbol(event.uppercased())
        return content
    }

    private static func enqueue(_ entries: [Outbox.Entry], _ store: TestStore) async throws -> [Outbox.Enqueued] {
        try await store.client.withConnection { connection in
            try await connection.withSession { session in
                try session.transaction { session in try Outbox.enqueue(entries, in: session) }
            }
        }
    }

    /// Puts in events, each in a transaction of its own or all in one.
    private static func enqueue(
        _ events: [String], _ store: TestStore, together: Bool, priority: NotificationPriority = .active,
        after seconds: Int64 = 0
    ) async throws {
        let time = Self.now.advanced(byNanoseconds: seconds * 1_000_000_000)
        let entries = try events.map { Outbox.Entry(try Self.content($0, priority), user: "ann", now: time) }
        if together {
            _ = try await Self.enqueue(entries, store)
        } else {
            for entry in entries { _ = try await Self.enqueue([entry], store) }
        }
    }

    /// Titles and texts of what is due at `time`, by device.
    private static func due(_ store: TestStore, after seconds: Int64) async throws -> [Int64: [String]] {
        try await store.client.query(
            "UPDATE deliveries SET next_at = next_at - $1::bigint * interval '1 second' WHERE state = 'ready'",
            [.integer(seconds)])
        var texts: [Int64: [String]] = [:]
        for delivery in try await Outbox(client: store.client).claim(limit: 100, lease: .seconds(60)) {
            guard case .content(let content) = delivery.message, let device = delivery.device else { continue }
            texts[device.id, default: []].append(
                content.eventID.hasPrefix("summary-") ? "\(content.title): \(content.body)" : content.eventID)
        }
        return texts
    }

    private static func prepare(
        _ store: TestStore, _ preferences: NotificationPreferences, devices: Int = 2
    ) async throws -> [Int64] {
        var ids: [Int64] = []
        for number in 0..<devices {
            ids.append(
                try await DeviceStore(client: store.client)
                    .register(.fcm(FCMRecipient("f\(number)")), user: "ann").id)
        }
        try await PreferencesStore(client: store.client).set(preferences, zone: .utc, of: "ann")
        return ids
    }

    @Test("What goes beyond the budget comes as one for each device when the next is earned", arguments: [true, false])
    func budget(together: Bool) async throws {
        try await TestStore.with { store in
            let devices = try await Self.prepare(
                store, NotificationPreferences(budget: NotificationBudget(burst: 1, interval: .seconds(30))))
            try await Self.enqueue(["a", "b", "c", "d", "c"], store, together: together)
            #expect(try await Self.due(store, after: 0) == [devices[0]: ["a"], devices[1]: ["a"]])
            let states = try await Outbox(client: store.client).counts()
            #expect(states == ["leased": 2, "merged": 6, "ready": 2])
            let summary = ["3 more alerts: D, C, B"]
            #expect(try await Self.due(store, after: 31) == [devices[0]: summary, devices[1]: summary])
            let why = try await store.client.query("SELECT DISTINCT last_error FROM deliveries WHERE state = 'merged'")
            #expect(try why.map { try $0.text(0) } == ["a part of summary-b"])
        }
    }

    @Test("One alone that goes beyond the budget comes later as it is")
    func alone() async throws {
        try await TestStore.with { store in
            let devices = try await Self.prepare(
                store, NotificationPreferences(budget: NotificationBudget(burst: 1, interval: .seconds(30))), devices: 1
            )
            try await Self.enqueue(["a", "b"], store, together: false)
            #expect(try await Self.due(store, after: 0) == [devices[0]: ["a"]])
            #expect(try await Self.due(store, after: 31) == [devices[0]: ["b"]])
            // What was claimed is not changed any more: the next ones wait on their own.
            try await Self.enqueue(["c", "d"], store, together: false)
            #expect(try await Self.due(store, after: 0) == [:])
            #expect(try await Self.due(store, after: 31) == [devices[0]: ["2 more alerts: D, C"]])
        }
    }

    @Test("The urgent have a summary of their own")
    func urgent() async throws {
        try await TestStore.with { store in
            let devices = try await Self.prepare(
                store, NotificationPreferences(budget: NotificationBudget(burst: 1, interval: .seconds(30))), devices: 1
            )
            try await Self.enqueue(["a", "b", "c"], store, together: true)
            try await Self.enqueue(["x", "y", "z"], store, together: true, priority: .urgent)
            #expect(try await Self.due(store, after: 0) == [devices[0]: ["x", "a"]])
            #expect(
                try await Self.due(store, after: 31) == [devices[0]: ["2 more alerts: Z, Y", "2 more alerts: C, B"]])
        }
    }

    @Test("At the end of quiet hours up to three come each on its own, more as one", arguments: [3, 4, 6])
    func quiet(count: Int) async throws {
        try await TestStore.with { store in
            let minute = Self.now.microseconds / 60_000_000 % 1_440
            // From an hour ago to ten minutes from now.
            let window = [(minute + 1_380) % 1_440, (minute + 10) % 1_440].map { minute in
                let text = ["\(minute / 60)", "\(minute % 60)"]
                return text.map { $0.count < 2 ? "0" + $0 : $0 }.joined(separator: ":")
            }
            let devices = try await Self.prepare(
                store,
                NotificationPreferences(quietHours: try QuietHours(window.joined(separator: "-")), quietAction: .defer),
                devices: 1)
            let events = ["a", "b", "c", "d", "e", "f"].prefix(count)
            for event in events { try await Self.enqueue([event], store, together: false) }
            #expect(try await Self.due(store, after: 0) == [:])
            let names = events.reversed().joined(separator: ", ").uppercased()
            let expected = count > 3 ? ["\(count) more alerts: \(names)"] : Array(events)
            #expect(try await Self.due(store, after: 601) == [devices[0]: expected])
        }
    }

    @Test("A hundred users' events take as few statements as one's, and each user has its own wishes")
    func many() async throws {
        try await TestStore.with { store in
            for number in 0..<20 {
                _ = try await DeviceStore(client: store.client).register(
                    .fcm(FCMRecipient("f\(number)")), user: "user-\(number)")
            }
            try await PreferencesStore(client: store.client).set(
                NotificationPreferences(quietHours: try QuietHours("00:00-24:00"), quietAction: .drop), zone: .utc,
                of: "user-3")
            let entries = try (0..<40).map {
                Outbox.Entry(try Self.content("e\($0)"), user: "user-\($0 % 20)", now: Self.now)
            }
            let outcome = try await Self.enqueue(entries, store)
            #expect(outcome.map(\.deliveries) == Array(repeating: 1, count: 40))
            #expect(outcome[3].decision == .drop(reason: "it came in the user's quiet hours"))
            #expect(try await Outbox(client: store.client).counts() == ["ready": 38, "dropped": 2])
        }
    }
}
