import Market
import Notifications
import Postgres
import Store
import Testing

@Suite("Deliveries to devices", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct OutboxTests {
    private static let now = Timestamp.fromClock

    private static func content(
        _ event: String, collapse: String = "", priority: NotificationPriority = .active, validSeconds: Int64 = 900
    ) -> PushContent {
        var content = PushContent(
            eventID: event, title: "BTC-USD", body: "Ü 70 000 \u{0} “crossed”", threadID: "BTC-USD",
            collapseID: collapse, priority: priority, createdAt: Self.now,
            expiresAt: Self.now.advanced(byNanoseconds: validSeconds * 1_000_000_000))
        content.data = [PushField("price", "70001")]
        content.actions = [PushAction(id: "snooze", title: "Snooze")]
        content.sparkline = [1, 2, 3]
        return content
    }

    private static func apns(_ token: String) -> PushTarget {
        .apns(APNsDevice(token: token, topic: "com.example.app", environment: .production))
    }

    @discardableResult
    private static func enqueue(
        _ content: PushContent, _ store: TestStore, user: String = "ann", now: Timestamp = Self.now
    ) async throws -> Outbox.Enqueued {
        try await store.client.withConnection { connection in
            try await connection.withSession { session in
                try session.transaction { session in
                    try Outbox.enqueue(content, user: user, now: now, in: session)
                }
            }
        }
    }

    private static func states(_ store: TestStore) async throws -> [String: Int64] {
        try await Outbox(client: store.client).counts()
    }

    @Test("A content goes to every device of its user, once for each event, as it was put in")
    func enqueued() async throws {
        try await TestStore.with { store in
            let devices = DeviceStore(client: store.client)
            let first = try await devices.register(Self.apns("aa11"), user: "ann", locale: "de")
            let second = try await devices.register(.fcm(FCMRecipient("f1")), user: "ann")
            _ = try await devices.register(Self.apns("bb22"), user: "bob")
            let content = Self.content("e1")
            let enqueued = try await Self.enqueue(content, store)
            #expect(enqueued.decision == .send && enqueued.deliveries == 2 && enqueued.superseded == 0)
            #expect(try await Self.enqueue(content, store).deliveries == 0)
            let outbox = Outbox(client: store.client)
            #expect(try await outbox.lanes() == ["apns:production:com.example.app", "fcm"])
            let claimed = try await outbox.claim(
                lane: "apns:production:com.example.app", limit: 10, lease: .seconds(60))
            #expect(claimed.map(\.device?.id) == [first.id])
            #expect(claimed[0].device?.target == first.target && claimed[0].device?.locale == "de")
            var expected = content
            expected.body = "Ü 70 000 \u{FFFD} “crossed”"
            // Times are kept to the microsecond.
            expected.expiresAt = Timestamp(microseconds: content.expiresAt.microseconds)
            expected.createdAt = Timestamp(microseconds: content.createdAt.microseconds)
            #expect(claimed[0].message == .content(expected))
            let rest = try await outbox.claim(lane: "fcm", limit: 10, lease: .seconds(60))
            #expect(rest.map(\.device?.id) == [second.id])
        }
    }

    @Test("The urgent come first, then the oldest")
    func order() async throws {
        try await TestStore.with { store in
            _ = try await DeviceStore(client: store.client).register(Self.apns("aa11"), user: "ann")
            for (event, priority) in [
                ("a", NotificationPriority.active), ("p", .passive), ("u", .urgent), ("b", .active),
            ] {
                try await Self.enqueue(Self.content(event, priority: priority), store)
            }
            let claimed = try await Outbox(client: store.client).claim(limit: 10, lease: .seconds(60))
            let events = claimed.map { delivery -> String in
                if case .content(let content) = delivery.message { content.eventID } else { "" }
            }
            #expect(events == ["u", "a", "b", "p"])
        }
    }

    @Test("Newer state takes the place of what waits for the same device, not of what is on its way")
    func collapse() async throws {
        try await TestStore.with { store in
            _ = try await DeviceStore(client: store.client).register(Self.apns("aa11"), user: "ann")
            let outbox = Outbox(client: store.client)
            try await Self.enqueue(Self.content("e1", collapse: "alert-1"), store)
            let onItsWay = try await outbox.claim(limit: 1, lease: .seconds(60))
            #expect(try await Self.enqueue(Self.content("e2", collapse: "alert-1"), store).superseded == 0)
            #expect(try await Self.enqueue(Self.content("e3", collapse: "alert-1"), store).superseded == 1)
            #expect(try await Self.enqueue(Self.content("x", collapse: "alert-2"), store).superseded == 0)
            #expect(try await Self.states(store) == ["leased": 1, "superseded": 1, "ready": 2])
            // What failed meanwhile gives way to the newer one.
            #expect(try await outbox.retry(onItsWay[0], after: .zero, status: 500, error: "busy"))
            #expect(try await Self.states(store) == ["superseded": 2, "ready": 2])
        }
    }

    @Test("What is worthless is not claimed")
    func expired() async throws {
        try await TestStore.with { store in
            _ = try await DeviceStore(client: store.client).register(Self.apns("aa11"), user: "ann")
            try await Self.enqueue(Self.content("e1", validSeconds: -1), store)
            #expect(try await Outbox(client: store.client).claim(limit: 10, lease: .seconds(60)).isEmpty)
            #expect(try await Self.states(store) == ["expired": 1])
        }
    }

    @Test("Quiet hours and budgets decide once for all devices; what they forbid can be seen")
    func wishes() async throws {
        try await TestStore.with { store in
            _ = try await DeviceStore(client: store.client).register(Self.apns("aa11"), user: "ann")
            let wishes = PreferencesStore(client: store.client)
            var preferences = NotificationPreferences(
                quietHours: try QuietHours("00:00-24:00"), quietAction: .drop,
                budget: NotificationBudget(burst: 2, interval: .seconds(3_600)))
            try await wishes.set(preferences, zone: .utc, of: "ann")
            #expect(try await wishes.preferences(of: "ann").0 == preferences)
            let dropped = try await Self.enqueue(Self.content("e1"), store)
            #expect(dropped.decision == .drop(reason: "it came in the user's quiet hours") && dropped.deliveries == 1)
            preferences.quietHours = nil
            try await wishes.set(preferences, zone: .utc, of: "ann")
            for event in ["e2", "e3"] { #expect(try await Self.enqueue(Self.content(event), store).decision == .send) }
            guard case .merge = try await Self.enqueue(Self.content("e4"), store).decision else {
                Issue.record("sent beyond the budget")
                return
            }
            #expect(try await Self.enqueue(Self.content("e5", priority: .urgent), store).decision == .send)
            #expect(try await Self.states(store) == ["dropped": 1, "merged": 1, "ready": 4])
        }
    }

    @Test("Wishes that cannot be read hold nothing back")
    func failsOpen() async throws {
        try await TestStore.with { store in
            _ = try await DeviceStore(client: store.client).register(Self.apns("aa11"), user: "ann")
            for (zone, hours) in [("Mars/Base", "00:00-24:00"), ("UTC", "always")] {
                try await store.client.query(
                    """
                    INSERT INTO notification_preferences (user_id, zone, quiet_hours, quiet_action)
                    VALUES ('ann', $1, $2, 'drop')
                    ON CONFLICT (user_id) DO UPDATE SET zone = $1, quiet_hours = $2
                    """, [.text(zone), .text(hours)])
                #expect(try await Self.enqueue(Self.content(zone), store).decision == .send)
            }
        }
    }

    @Test("A transaction that is rolled back leaves no delivery and costs no budget")
    func rolledBack() async throws {
        struct Stop: Error {}
        try await TestStore.with { store in
            _ = try await DeviceStore(client: store.client).register(Self.apns("aa11"), user: "ann")
            await #expect(throws: Stop.self) {
                try await store.client.withConnection { connection in
                    try await connection.withSession { session in
                        try session.transaction { session in
                            _ = try Outbox.enqueue(Self.content("e1"), user: "ann", now: Self.now, in: session)
                            throw Stop()
                        }
                    }
                }
            }
            #expect(try await Self.states(store).isEmpty)
            #expect(try await store.number("SELECT count(*) FROM notification_budgets") == 0)
        }
    }

    @Test("Results are written together; those of a lease that was lost do not count")
    func batch() async throws {
        try await TestStore.with { store in
            let device = try await DeviceStore(client: store.client).register(Self.apns("aa11"), user: "ann")
            let outbox = Outbox(client: store.client)
            for event in 0..<4 { try await Self.enqueue(Self.content("e\(event)"), store) }
            let first = try await outbox.claim(limit: 10, lease: .zero)
            #expect(try await outbox.reclaim() == 4)
            let second = try await outbox.claim(limit: 10, lease: .seconds(60))
            #expect(second.map(\.messageID).sorted() == first.map(\.messageID).sorted())
            #expect(try await outbox.record(first.map { OutboxResult($0, .done) }).isEmpty)
            let results = [
                OutboxResult(second[0], .done, status: 200, serviceID: "x"),
                OutboxResult(second[1], .dead, status: 400, error: "bad", answer: "{}"),
                OutboxResult(second[2], .expired, error: "late"), OutboxResult(second[3], .ready(after: .seconds(60))),
            ]
            #expect(try await outbox.record(results) == Set(second.map(\.id)))
            #expect(try await Self.states(store) == ["done": 1, "dead": 1, "expired": 1, "ready": 1])
            #expect(try await DeviceStore(client: store.client).device(id: device.id).lastSuccessAt != nil)
            let letters = try await outbox.deadLetters()
            #expect(letters.map(\.error) == ["bad"] && letters[0].answer == "{}" && letters[0].attempts == 2)
            await #expect(throws: StoreError.notDead(second[0].id)) {
                try await outbox.replay([second[1].id, second[0].id])
            }
            #expect(try await outbox.replay() == 1)
            #expect(try await outbox.claim(limit: 10, lease: .zero).map(\.tries) == [1])
        }
    }

    @Test("A webhook's lane is its host")
    func webhookLane() async throws {
        try await TestStore.with { store in
            for (url, lane) in [
                ("https://User@Hooks.Example:8443/a?b", "webhook:hooks.example:8443"),
                ("http://b.example", "webhook:b.example"),
            ] {
                let rows = try await store.client.query(
                    "INSERT INTO deliveries (service, target, payload) VALUES ('webhook', $1, '') RETURNING lane",
                    [.text(url)])
                #expect(try rows[0].text(0) == lane)
            }
        }
    }
}
