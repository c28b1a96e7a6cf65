import Alerts
import FoundationEssentials
import Market
import Notifications
import Postgres
import Store
import Testing

@Suite("Stored alerts", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct AlertStoreTests {
    private let now = Timestamp(nanoseconds: 1_795_000_000_123_456_000)

    private func order(
        _ expression: String = "crosses above 70000", user: String = "ann", venue: String? = nil,
        webhookURL: String? = "https://example.com/hook"
    ) throws -> AlertOrder {
        try AlertOrder(
            user: user, symbol: try Symbol("BTC-USD"), venue: try venue.map { try Venue($0) },
            expression: try AlertExpression(parsing: expression), webhookURL: webhookURL
        )
    }

    /// A firing of `alert` and its payloads.
    private func firing(_ alert: Alert, crossing: Int64 = 1) throws -> (FiredAlert, NotificationPayloads) {
        var alert = alert
        alert.state = AlertState(
            isArmed: false, lastPrice: try decimal("70001.5"), lastFiredAt: now, crossingCount: crossing
        )
        let trade = Trade(
            symbol: alert.symbol, venue: try Venue("coinbase"), price: try decimal("70001.5"), size: nil, side: .buy,
            id: "42", eventTime: now, receivedTime: now
        )
        let fired = FiredAlert(
            alert: alert, cause: FiredAlert.Cause(trade), previousPrice: try decimal("69999"), crossing: crossing,
            firedAt: now
        )
        let options = try NotificationOptions(
            topic: "com.example.tickwire", link: "https://example.com/", topicKey: [1, 2, 3]
        )
        return (fired, try NotificationPayloads(fired, options: options))
    }

    @Test("What is added is listed, to its user and to all, until it is removed")
    func addListRemove() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let first = try await alerts.add(try order("CROSSES  Above 70000.0 once cooldown 15m", venue: "kraken"))
            let second = try await alerts.add(try order("below 1", user: "bob", webhookURL: nil))
            var listed = try await alerts.list()
            #expect(listed == [first, second])
            listed = try await alerts.list(user: "bob")
            #expect(listed == [second])
            let one = try await alerts.alert(id: first.id)
            #expect(one == first)
            try await alerts.remove(id: first.id)
            listed = try await alerts.loadArmed()
            #expect(listed == [second])
            await #expect(throws: StoreError.unknownAlert(first.id)) { try await alerts.remove(id: first.id) }
            await #expect(throws: StoreError.unknownAlert(first.id)) { try await alerts.alert(id: first.id) }
        }
    }

    @Test(
        "An order is checked before it is stored",
        arguments: [
            ("", nil), ("ann smith", nil), ("ann;1s", nil), (String(repeating: "a", count: 101), nil),
            ("ann", "example.com"),
            ("ann", "ftp://example.com"), ("ann", "https://"), ("ann", "https:///path"),
            ("ann", "https://exa mple.com"),
        ] as [(String, String?)]
    )
    func refusals(user: String, webhookURL: String?) throws {
        #expect(throws: StoreError.self) { try order(user: user, webhookURL: webhookURL) }
    }

    @Test("A crossing is stored once with its payloads, the alert's state and one delivery")
    func record() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let alert = try await alerts.add(try order())
            let (fired, payloads) = try firing(alert)
            for isNew in [true, false, false] {
                let result = try await alerts.record(fired, payloads: payloads)
                #expect(result == isNew)
            }
            let counts = try await store.client.query(
                "SELECT (SELECT count(*) FROM alert_events), (SELECT count(*) FROM deliveries)"
            )[0]
            #expect(try counts.integer(0) == 1)
            #expect(try counts.integer(1) == 1)
            let stored = try await alerts.alert(id: alert.id)
            #expect(stored == fired.alert)
            let row = try await store.client.query(
                """
                SELECT payloads->'apns'->'payload'->'aps' IS NOT NULL, payloads->'fcm'->'message' IS NOT NULL,
                       payloads->'webPush'->'payload' IS NOT NULL, payloads->'channel'->>'name', payloads->>'id', price::text
                FROM alert_events
                """
            )[0]
            for column in 0..<3 { #expect(try row.boolean(column)) }
            #expect(try row.text(3) == "private-alerts-ann")
            #expect(try row.text(4) == payloads.eventID)
            #expect(try row.text(5) == "70001.5")
            // A state that is older than the stored one changes nothing; the next one does.
            try await alerts.saveStates([alert])
            let kept = try await alerts.alert(id: alert.id)
            #expect(kept.state == fired.alert.state)
            var rearmed = fired.alert
            rearmed.state.isArmed = true
            try await alerts.saveStates([rearmed])
            let saved = try await alerts.alert(id: alert.id)
            #expect(saved.state == rearmed.state)
        }
    }

    @Test("An alert that fires only once is not loaded again after that")
    func spent() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let alert = try await alerts.add(try order("above 70000 once", webhookURL: nil))
            let (fired, payloads) = try firing(alert)
            try await alerts.record(fired, payloads: payloads)
            let armed = try await alerts.loadArmed()
            #expect(armed.isEmpty)
            let deliveries = try await store.number("SELECT count(*) FROM deliveries")
            #expect(deliveries == 0)
        }
    }

    @Test("Changes of alerts and new deliveries are notified, changes of state are not")
    func notifications() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let connection = try await store.client.connect()
            let stream = try await connection.listen([AlertStore.changesChannel, Outbox.additionsChannel])
            var iterator = stream.makeAsyncIterator()
            let alert = try await alerts.add(try order())
            #expect(await iterator.next()?.channel == "tickwire_alerts")
            try await alerts.saveStates([alert])
            let (fired, payloads) = try firing(alert)
            try await alerts.record(fired, payloads: payloads)
            #expect(await iterator.next()?.channel == "tickwire_outbox")
            try await alerts.remove(id: alert.id)
            #expect(await iterator.next()?.channel == "tickwire_alerts")
        }
    }

    @Test("A delivery is claimed by one, tried again when it fails, and ends done or dead")
    func outbox() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let outbox = Outbox(client: store.client)
            let alert = try await alerts.add(try order())
            for crossing in Int64(1)...3 {
                let (fired, payloads) = try firing(alert, crossing: crossing)
                try await alerts.record(fired, payloads: payloads)
            }
            let claimed = try await outbox.claim(limit: 2, lease: .seconds(60))
            #expect(claimed.count == 2)
            let rest = try await outbox.claim(limit: 10, lease: .seconds(60))
            #expect(rest.count == 1)
            #expect(Set(claimed.map(\.id)).isDisjoint(with: rest.map(\.id)))
            let (_, payloads) = try firing(alert)
            #expect(claimed[0].payload == payloads.webhook)
            #expect(claimed[0].target == "https://example.com/hook")
            #expect(claimed[0].attempt == 1)
            #expect(claimed[0].firedAt == now)

            #expect(try await outbox.complete(claimed[0], status: 204))
            #expect(try await outbox.dead(claimed[1], status: 410, error: "gone"))
            #expect(try await outbox.retry(rest[0], after: .zero, status: 500, error: "later"))
            // Its lease is given up, so its answer counts no more.
            #expect(try await !outbox.complete(rest[0], status: 204))
            let again = try await outbox.claim(limit: 10, lease: .zero)
            #expect(again.map(\.id) == rest.map(\.id))
            #expect(again.map(\.attempt) == [2])
            // The lease is over at once: another takes it, and the answer of the first does not count.
            let stolen = try await outbox.claim(limit: 10, lease: .seconds(60))
            #expect(stolen.map(\.attempt) == [3])
            #expect(try await !outbox.complete(again[0], status: 204))
            #expect(try await outbox.complete(stolen[0], status: 204))
            let states = try await store.client.query(
                "SELECT state, last_status, last_error FROM deliveries ORDER BY id")
            #expect(states.map { $0.optionalText(0) } == ["done", "dead", "done"])
            #expect(states.map { $0.optionalText(1) } == ["204", "410", "204"])
            #expect(states.map { $0.optionalText(2) } == [nil, "gone", "later"])
            let nothing = try await outbox.claim(limit: 10, lease: .zero)
            #expect(nothing.isEmpty)
        }
    }

    @Test("Claimers at once never get the same delivery")
    func concurrentClaims() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let alert = try await alerts.add(try order())
            for crossing in Int64(1)...40 {
                let (fired, payloads) = try firing(alert, crossing: crossing)
                try await alerts.record(fired, payloads: payloads)
            }
            let client = store.client
            let claimed = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for _ in 0..<12 {
                    group.addTask { try await Outbox(client: client).claim(limit: 5, lease: .seconds(60)).map(\.id) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.count == Set(claimed).count)
            #expect(claimed.count == 40)
        }
    }
}
