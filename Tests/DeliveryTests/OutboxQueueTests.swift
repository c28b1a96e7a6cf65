import Alerts
import Delivery
import Foundation
import HTTPClient
import Logging
import Market
import Notifications
import Postgres
import ServiceLifecycle
import ServiceLifecycleTestKit
import Store
import Synchronization
import Testing
import TickwireTesting

/// The PostgreSQL that tests may make databases on: `TICKWIRE_TEST_DATABASE_URL`.
private let server = ProcessInfo.processInfo.environment["TICKWIRE_TEST_DATABASE_URL"] ?? ""

@Suite(
    "Deliveries from the outbox in PostgreSQL", .timeLimit(.minutes(5)),
    .enabled(
        if: !server.isEmpty, "needs a PostgreSQL: set TICKWIRE_TEST_DATABASE_URL to a role that may create databases"))
struct OutboxQueueTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let migrations =
        #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Migrations"

    /// Lends a migrated database of its own to `body`, and drops it.
    private static func withClient(_ body: (PostgresClient) async throws -> Void) async throws {
        let name = "tickwire_test_" + String(UInt64.random(in: .min ... .max), radix: 36)
        let administrator = try await PostgresConnection.connect(server, logger: Self.logger)
        try await administrator.execute("CREATE DATABASE \(name)")
        let result: Result<Void, any Error>
        do {
            let client = PostgresClient(PostgresSettings(server, database: name), logger: Self.logger)
            defer { client.close() }
            try await Migrator(client: client, directory: Self.migrations).up()
            try await body(client)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await administrator.execute("DROP DATABASE \(name) WITH (FORCE)")
        administrator.close()
        try result.get()
    }

    /// An alert of `ada` that has fired once, now.
    private static func fire(_ client: PostgresClient, webhook: String, now: Timestamp) async throws -> Alert {
        let store = AlertStore(client: client, catalog: SymbolCatalog(client: client))
        let catalog = SymbolCatalog(client: client)
        let symbol = try Symbol("BTC-USD")
        try await catalog.register([symbol], asset: .crypto)
        let order = try AlertOrder(
            user: "ada", symbol: symbol, expression: AlertExpression(parsing: "above 70000"), webhookURL: webhook)
        let alert = try await store.add(order)
        var index = AlertEvaluator()
        index.insert(alert)
        var fired: [FiredAlert] = []
        let trade = Trade(
            symbol: symbol, venue: try Venue("sim"), price: try #require(Decimal64("70001")), size: nil, side: .buy,
            id: "1", eventTime: now, receivedTime: now)
        index.evaluate(trade, now: now, into: &fired)
        let firing = try #require(fired.first)
        let payloads = try NotificationPayloads(firing, options: NotificationOptions())
        #expect(try await store.record(firing, payloads: payloads))
        return alert
    }

    private static func waiting(_ client: PostgresClient) async throws -> Int64 {
        try await client.query("SELECT count(*) FROM deliveries WHERE state IN ('ready', 'leased')")[0].integer(0)
    }

    private static func run(
        _ client: PostgresClient, _ http: HTTPClient, now: @escaping @Sendable () -> Timestamp,
        until isDone: @Sendable @escaping (DeliveryWorker) async throws -> Bool
    ) async throws {
        let services = PushServices(
            webhookSecrets: [try WebhookSecret(key: Array(0..<24))], allowsPrivateAddresses: true)
        let sender = PushSender(services: services, client: http, credentials: nil, now: now, logger: Self.logger)
        let worker = DeliveryWorker(
            queue: OutboxQueue(client: client, worker: "test", logger: Self.logger), sender: sender,
            settings: DeliverySettings(pollInterval: .milliseconds(20), stopTimeout: .zero), now: now,
            logger: Self.logger)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                while try await !isDone(worker) { await Task.yield() }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        await sender.shutdown()
    }

    @Test("A firing is delivered once, signed, and leaves the outbox")
    func delivered() async throws {
        let bodies = Mutex<[[UInt8]]>([])
        let receiver = LoopbackServer { request in
            bodies.withLock { $0.append(request.body) }
            return .send(LoopbackServer.answer())
        }
        defer { receiver.stop() }
        let http = HTTPClient()
        try await Self.withClient { client in
            let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
            let alert = try await Self.fire(client, webhook: receiver.url, now: now)
            try await Self.run(client, http, now: { now }) { _ in try await Self.waiting(client) == 0 }
            let sent = bodies.withLock { $0 }
            #expect(sent.count == 1)
            let body = try #require(try JSONSerialization.jsonObject(with: Data(sent[0])) as? [String: Any])
            #expect((body["data"] as? [String: Any])?["id"] as? String == "alert-\(alert.id)-1")
        }
        await http.shutdown()
    }

    @Test("An alert that is sent late says so, with the price that its symbol has by now")
    func late() async throws {
        try await Self.withClient { client in
            let sent = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
            let device = APNsDevice(token: "aa11", topic: "com.example.app", environment: .production)
            _ = try await DeviceStore(client: client).register(.apns(device), user: "ada")
            let store = AlertStore(client: client, catalog: SymbolCatalog(client: client))
            let alert = try await Self.fire(
                client, webhook: "https://a.example/", now: sent.advanced(byNanoseconds: -600_000_000_000))
            _ = try await store.update(id: alert.id, AlertUpdate(locale: "de"))
            let tick = LastTick(
                symbol: alert.symbol, venue: try Venue("sim"), lastPrice: Decimal64("64100"),
                bid: Decimal64("64099.95"), eventTime: sent, receivedTime: sent, sequence: 1)
            try await LastTicks(client: client, catalog: SymbolCatalog(client: client)).upsert([tick])
            let queue = OutboxQueue(client: client, worker: "test", now: { sent }, logger: Self.logger)
            let lane = "apns:production:com.example.app"
            let delivery = try #require(try await queue.claim(lane: lane, limit: 9, lease: .seconds(60)).first)
            guard case .content(let content)? = delivery.message else {
                Issue.record("the delivery has no content")
                return
            }
            #expect(content.body.hasPrefix("70001 on sim"))
            #expect(content.body.hasSuffix("; sent 10 min late, now 64.100,00"))
        }
    }

    @Test("410 takes the webhook off the owner's alerts")
    func disabled() async throws {
        let receiver = LoopbackServer { _ in .send(LoopbackServer.answer("410 Gone")) }
        defer { receiver.stop() }
        let http = HTTPClient()
        try await Self.withClient { client in
            let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
            let alert = try await Self.fire(client, webhook: receiver.url, now: now)
            try await Self.run(client, http, now: { now }) { _ in try await Self.waiting(client) == 0 }
            let store = AlertStore(client: client, catalog: SymbolCatalog(client: client))
            #expect(try await store.alert(id: alert.id).webhookURL == nil)
        }
        await http.shutdown()
    }

    @Test("A failed attempt waits in the outbox with its error")
    func failed() async throws {
        let receiver = LoopbackServer { _ in .send(LoopbackServer.answer("500 Oops")) }
        defer { receiver.stop() }
        let http = HTTPClient()
        try await Self.withClient { client in
            let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
            _ = try await Self.fire(client, webhook: receiver.url, now: now)
            try await Self.run(client, http, now: { now }) { worker in
                let rows = try await client.query("SELECT count(*) FROM deliveries WHERE last_status = 500")
                return try rows[0].integer(0) == 1 && worker.counters.retried == 1
            }
            let row = try await client.query(
                "SELECT state, last_error, attempt, next_at > created_at FROM deliveries"
            )[0]
            #expect(try row.text(0) == "ready" && row.text(1) == "the receiver answered 500")
            #expect(try row.integer(2) >= 1 && row.boolean(3))
        }
        await http.shutdown()
    }
}
