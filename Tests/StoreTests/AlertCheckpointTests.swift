import Alerts
import Market
import Notifications
import Postgres
import Store
import Testing

@Suite("What an evaluator stores", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct AlertCheckpointTests {
    private let now = Timestamp(nanoseconds: 1_795_000_000_123_456_000)
    private let journal = "6dd0a6e4-3d0e-4a4e-9f3c-0f4a44f6c001"

    private func order(_ expression: String = "crosses above 70000", user: String = "ann") throws -> AlertOrder {
        try AlertOrder(
            user: user, symbol: try Symbol("BTC-USD"), expression: try AlertExpression(parsing: expression),
            webhookURL: "https://example.com/hook")
    }

    private func event(_ alert: Alert, crossing: Int64, price: Decimal64? = nil) throws -> AlertCheckpoint.Event {
        var alert = alert
        alert.state = AlertState(isArmed: false, lastPrice: price, lastFiredAt: self.now, crossingCount: crossing)
        let fired = FiredAlert(
            alert: alert,
            cause: FiredAlert.Cause(
                venue: try Venue("coinbase"), price: price, size: try decimal("0.5"), side: .sell, tradeID: "42",
                eventTime: self.now, receivedTime: self.now.advanced(byNanoseconds: 1_000)),
            previousPrice: try decimal("69999"),
            measurement: AlertMeasurement(
                amount: .percent(try decimal("5.2")), reference: try decimal("66000"), referenceTime: self.now),
            crossing: crossing, firedAt: self.now, lateness: AlertLateness(reason: .restart, since: self.now),
            isStorm: false)
        let options = try NotificationOptions(topic: "com.example.tickwire")
        return AlertCheckpoint.Event(fired, try NotificationPayloads(fired, options: options))
    }

    private func stream(_ price: String, at place: JournalPlace) throws -> AlertCheckpoint.StreamRow {
        AlertCheckpoint.StreamRow(
            EvaluatedStream(
                symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), isPrimary: true,
                lastPrice: try decimal(price), eventTime: self.now, receivedTime: self.now),
            place: place)
    }

    @Test("Events, states and places are stored as one, and once")
    func together() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let alert = try await alerts.add(try order())
            let nothing = try await alerts.position(in: self.journal)
            #expect(nothing.place == nil)
            var checkpoint = AlertCheckpoint()
            let place = JournalPlace(trades: 70, quotes: 12)
            checkpoint.position = (self.journal, place)
            checkpoint.streams = [try stream("70001.5", at: place)]
            let state = AlertState(
                isArmed: false, lastPrice: try decimal("70001.5"), lastFiredAt: self.now,
                lastFiredPrice: try decimal("70001.5"), cameFrom: .below, crossingCount: 2,
                confirming: AlertState.Confirming(
                    since: Timestamp(nanoseconds: 1_795_000_000_123_456_789), count: 3,
                    reference: try decimal("70000.25")),
                recentFirings: [self.now, Timestamp(nanoseconds: 1_795_000_000_123_456_789)],
                evaluations: [
                    AlertEvaluation(time: self.now, price: try decimal("70001.5"), outcome: .fired),
                    AlertEvaluation(time: self.now, price: nil, outcome: .cooldown),
                ])
            checkpoint.states = [AlertMemory(id: alert.id, revision: 0, state: state)]
            checkpoint.events = [
                try event(alert, crossing: 1, price: try decimal("70001.5")), try event(alert, crossing: 2),
            ]
            for new in [2, 0] { #expect(try await alerts.store(checkpoint) == new) }
            #expect(try await store.number("SELECT count(*) FROM deliveries") == 2)
            let stored = try await alerts.alert(id: alert.id)
            #expect(stored.state == state)
            let position = try await alerts.position(in: self.journal)
            #expect(position.place == place)
            #expect(position.streams == checkpoint.streams)
            let events = try await alerts.events(of: alert.id)
            #expect(events.map(\.crossing) == [2, 1])
            #expect(events[1].cause == checkpoint.events[0].fired.cause)
            #expect(events[1].measurement == checkpoint.events[0].fired.measurement)
            #expect(events[1].lateness == checkpoint.events[0].fired.lateness)
            #expect(events[0].cause.price == nil)
            #expect(try await alerts.events(of: alert.id, limit: 1, before: 2).map(\.crossing) == [1])
            // A stream's place counts in its own journal only.
            let other = try await alerts.position(in: "6dd0a6e4-3d0e-4a4e-9f3c-0f4a44f6c002")
            #expect(other.place == nil)
            #expect(other.streams.map(\.place) == [JournalPlace()])
        }
    }

    @Test("A firing of an alert that is not in the database any more keeps no other from being stored")
    func unknownAlert() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let alert = try await alerts.add(try order())
            var checkpoint = AlertCheckpoint()
            var gone = alert
            gone = Alert(id: alert.id + 1000, user: gone.user, symbol: gone.symbol, expression: gone.expression)
            checkpoint.events = [try event(gone, crossing: 1), try event(alert, crossing: 1)]
            #expect(try await alerts.store(checkpoint) == 1)
        }
    }

    @Test("What is remembered of an earlier condition is not stored over a new one, but crossings are counted on")
    func revisions() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let alert = try await alerts.add(try order())
            var state = AlertState(isArmed: false, lastPrice: try decimal("70001"), crossingCount: 3)
            var checkpoint = AlertCheckpoint()
            checkpoint.states = [AlertMemory(id: alert.id, revision: 0, state: state)]
            try await alerts.store(checkpoint)
            let same = try await alerts.update(
                id: alert.id, AlertUpdate(expression: try AlertExpression(parsing: "crosses above 70000")))
            #expect(same.revision == 0 && !same.state.isArmed)
            let changed = try await alerts.update(
                id: alert.id, AlertUpdate(expression: try AlertExpression(parsing: "crosses above 80000")))
            #expect(changed.expression.description == "crosses above 80000")
            #expect(changed.state == AlertState(crossingCount: 3))
            #expect(changed.revision == 1)
            state.crossingCount = 4
            checkpoint.states = [AlertMemory(id: alert.id, revision: 0, state: state)]
            try await alerts.store(checkpoint)
            let kept = try await alerts.alert(id: alert.id)
            #expect(kept.state == AlertState(crossingCount: 4))
        }
    }

    @Test("Pause, snooze, template and webhook are changed one by one")
    func changes() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let alert = try await alerts.add(
                try AlertOrder(
                    user: "ann", symbol: try Symbol("BTC-USD"), expression: try AlertExpression(parsing: "above 1"),
                    template: AlertTemplate(title: "Up", body: "{symbol} {price}"), locale: "de-CH"))
            let added = try await alerts.alert(id: alert.id)
            #expect(added == alert)
            #expect(try await alerts.setPause(id: alert.id, .user).pause == .user)
            #expect(try await alerts.loadArmed().isEmpty)
            #expect(try await alerts.setPause(id: alert.id, nil).pause == nil)
            #expect(try await alerts.snooze(id: alert.id, until: self.now).snoozedUntil == self.now)
            #expect(try await alerts.snooze(id: alert.id, until: nil).snoozedUntil == nil)
            let updated = try await alerts.update(
                id: alert.id, AlertUpdate(webhookURL: "https://example.com/", template: .some(nil)))
            #expect(updated.webhookURL == "https://example.com/")
            #expect(updated.template == nil)
            #expect(updated.locale == "de-CH")
            await #expect(throws: StoreError.unknownAlert(7)) { try await alerts.setPause(id: 7, .user) }
            #expect(throws: StoreError.invalidWebhook("x")) { try AlertUpdate(webhookURL: "x") }
            #expect(throws: StoreError.self) { try AlertUpdate(locale: "not a locale") }
            #expect(throws: StoreError.self) {
                try AlertUpdate(template: AlertTemplate(title: String(repeating: "x", count: 201)))
            }
        }
    }

    @Test("The storm guard's pause is stored with the state, and does not replace the user's own")
    func storm() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let first = try await alerts.add(try order())
            let second = try await alerts.add(try order())
            try await alerts.setPause(id: second.id, .user)
            var checkpoint = AlertCheckpoint()
            checkpoint.states = [first, second].map {
                AlertMemory(
                    id: $0.id, revision: 0, state: AlertState(crossingCount: 21, recentFirings: [self.now]),
                    isStorm: true)
            }
            try await alerts.store(checkpoint)
            #expect(try await alerts.list().map(\.pause) == [.storm, .user])
            // Who resumes it starts with a clean count.
            #expect(try await alerts.setPause(id: first.id, nil).state.recentFirings.isEmpty)
        }
    }

    @Test("A user has no more alerts than allowed, and alerts are found by user and symbol")
    func perUser() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            _ = try await alerts.add([try order(), try order("below 5")], perUserMax: 3)
            await #expect(throws: StoreError.tooManyAlerts(user: "ann", limit: 3)) {
                try await alerts.add([try order(), try order()], perUserMax: 3)
            }
            let last = try await alerts.add(try order(), perUserMax: 3)
            #expect(try await alerts.count(user: "ann") == 3)
            _ = try await alerts.add(try order(user: "bob"), perUserMax: 3)
            try await alerts.remove(id: last.id)
            #expect(try await alerts.count(user: "ann") == 2)
            #expect(try await alerts.list(user: "ann").count == 2)
            #expect(try await alerts.list(symbol: try Symbol("BTC-USD")).count == 3)
            #expect(try await alerts.list(symbol: try Symbol("ETH-USD")).isEmpty)
        }
    }

    @Test("A change notifies the ids: one notification a statement, runs of ids as a range")
    func notifications() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let connection = try await store.client.connect()
            let stream = try await connection.listen([AlertStore.changesChannel])
            var iterator = stream.makeAsyncIterator()
            func next() async throws -> AlertChanges {
                AlertChanges(payload: try #require(await iterator.next()).payload)
            }
            let many = try await alerts.add((0..<4_000).map { _ in try order() })
            let ids = many.map(\.id)
            #expect(ids == ids.sorted() && ids.count == 4_000)
            #expect(try await next() == .ids([ids[0]...ids[3_999]]))
            try await alerts.setPause(id: ids[5], .user)
            #expect(try await next() == .ids([ids[5]...ids[5]]))
            try await alerts.saveStates([many[5]])
            try await store.client.query("UPDATE alerts SET locale = 'de' WHERE id % 2 = 0")
            // Every other id takes more than a notification holds.
            #expect(try await next() == .all)
            try await store.client.query(
                "DELETE FROM alerts WHERE id IN ($1, $2)", [.integer(ids[0]), .integer(ids[2])])
            #expect(try await next() == .ids([ids[0]...ids[0], ids[2]...ids[2]]))
            let page = try await alerts.alerts(in: [ids[0]...ids[3], ids[9]...ids[9]])
            #expect(page.entries.map(\.alert.id) == [ids[1], ids[3], ids[9]])
        }
    }

    @Test(
        "A payload that cannot be read means everything",
        arguments: ["", "reload", "1-", "-5", "a", "5-2", "1,,2", "1-2-3"])
    func badPayloads(payload: String) {
        #expect(AlertChanges(payload: payload) == .all)
    }

    @Test("What can fire is read in pages; a row that cannot be read keeps no other out")
    func pages() async throws {
        try await TestStore.with { store in
            let alerts = AlertStore(client: store.client, catalog: store.catalog)
            let many = try await alerts.add((0..<10).map { try order("above \($0 + 1)") })
            try await alerts.setPause(id: many[1].id, .user)
            try await alerts.remove(id: many[2].id)
            try await store.client.query(
                "UPDATE alerts SET expression = 'hovers' WHERE id = $1", [.integer(many[3].id)])
            var seen: [Int64] = []
            var unreadable: [Int64] = []
            var sizes: [Int] = []
            try await alerts.forEachArmed(now: self.now, pageSize: 3) { page in
                seen += page.entries.map(\.alert.id)
                unreadable += page.unreadable.map(\.id)
                sizes.append(page.entries.count)
            }
            #expect(seen == [0, 4, 5, 6, 7, 8, 9].map { many[$0].id })
            #expect(unreadable == [many[3].id])
            #expect(sizes.allSatisfy { $0 <= 3 })
        }
    }
}
