import Delivery
import Dispatch
import HTTPClient
import Logging
import Market
import Notifications
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing
import TickwireTesting

@Suite("Delivery worker", .timeLimit(.minutes(1)))
struct DeliveryWorkerTests {
    private static let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)

    private static func delivery(_ id: Int64 = 1, target: String, service: String = "webhook") -> PendingDelivery {
        PendingDelivery(
            id: id, messageID: "msg_\(id)", service: service, target: target, payload: Array("{\"n\":\(id)}".utf8),
            attempt: 1, createdAt: Self.now)
    }

    private static func worker(
        _ queue: MemoryQueue, _ client: HTTPClient, settings: DeliverySettings? = nil
    ) throws -> DeliveryWorker {
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        // No polling: what a test expects must come from being woken.
        let standard = DeliverySettings(pollInterval: .seconds(3_600), stopTimeout: .zero, allowsPrivateAddresses: true)
        return DeliveryWorker(
            queue: queue, client: client, signer: WebhookSigner(secrets: [secret]), settings: settings ?? standard,
            now: { Self.now }, random: { 3_000 },
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs the worker until `body` has seen what it waits for, then stops it gracefully.
    private static func run(
        _ queue: MemoryQueue, settings: DeliverySettings? = nil,
        _ body:
            @Sendable @escaping (inout AsyncStream<MemoryQueue.Outcome>.Iterator, DeliveryWorker) async throws -> Void
    ) async throws {
        let client = HTTPClient()
        let worker = try Self.worker(queue, client, settings: settings)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                var outcomes = queue.outcomes.makeAsyncIterator()
                try await body(&outcomes, worker)
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        await client.shutdown()
    }

    @Test("A due delivery is posted signed, byte by byte, and completed")
    func delivers() async throws {
        let received = Mutex<ReceivedRequest?>(nil)
        let server = LoopbackServer { request in
            received.withLock { $0 = request }
            return .send(LoopbackServer.answer("202 Accepted"))
        }
        defer { server.stop() }
        let queue = MemoryQueue([Self.delivery(7, target: server.url + "/hook")])
        try await Self.run(queue) { outcomes, worker in
            #expect(await outcomes.next() == .claimed(1))
            #expect(await outcomes.next() == .completed(7, status: 202))
            #expect(worker.counters.completed == 1)
        }
        let request = try #require(received.withLock { $0 })
        #expect(request.line == "POST /hook HTTP/1.1")
        #expect(request.body == Array("{\"n\":7}".utf8))
        let expected = WebhookSigner(secrets: [try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")])
            .headers(id: "msg_7", unixSeconds: 1_795_435_200, body: request.body)
        for header in expected { #expect(request.headers[header.name] == header.value) }
        #expect(request.headers["user-agent"] == "Tickwire/dev")
    }

    @Test("A failed attempt comes back with the same webhook-id until it is accepted")
    func repeats() async throws {
        let ids = Mutex<[String]>([])
        let server = LoopbackServer { request in
            let count = ids.withLock { ids in
                ids.append(request.headers["webhook-id"] ?? "")
                return ids.count
            }
            return .send(LoopbackServer.answer(count < 3 ? "500 Oops" : "200 OK"))
        }
        defer { server.stop() }
        let queue = MemoryQueue([Self.delivery(target: server.url)], repeatsAtOnce: true)
        try await Self.run(queue) { outcomes, worker in
            for _ in 0..<2 {
                #expect(await outcomes.next() == .claimed(1))
                guard case .retried(1, _, status: 500, error: "the receiver answered 500") = await outcomes.next()
                else {
                    Issue.record("not tried again")
                    return
                }
                worker.wake()
            }
            #expect(await outcomes.next() == .claimed(1))
            #expect(await outcomes.next() == .completed(1, status: 200))
            #expect(worker.counters.retried == 2)
        }
        #expect(ids.withLock { $0 } == ["msg_1", "msg_1", "msg_1"])
    }

    @Test("Retry-After decides when it is due again")
    func retryAfter() async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer("429 Slow", headers: "Retry-After: 120\r\n")) }
        defer { server.stop() }
        try await Self.run(MemoryQueue([Self.delivery(target: server.url)])) { outcomes, _ in
            #expect(await outcomes.next() == .claimed(1))
            let time = Self.now.advanced(byNanoseconds: 120_000_000_000)
            #expect(await outcomes.next() == .retried(1, at: time, status: 429, error: "the receiver answered 429"))
        }
    }

    @Test("410 disables the target")
    func gone() async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer("410 Gone")) }
        defer { server.stop() }
        try await Self.run(MemoryQueue([Self.delivery(target: server.url)])) { outcomes, worker in
            #expect(await outcomes.next() == .claimed(1))
            let expected = MemoryQueue.Outcome.abandoned(
                1, error: "the receiver answered 410 Gone", disablesTarget: true)
            #expect(await outcomes.next() == expected)
            #expect(worker.counters.abandoned == 1)
        }
    }

    @Test("A private address is never connected to unless that is allowed")
    func privateAddress() async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer()) }
        defer { server.stop() }
        let settings = DeliverySettings(pollInterval: .seconds(3_600), stopTimeout: .zero)
        try await Self.run(MemoryQueue([Self.delivery(target: server.url)]), settings: settings) { outcomes, _ in
            #expect(await outcomes.next() == .claimed(1))
            guard case .retried(1, _, status: nil, let error) = await outcomes.next() else {
                Issue.record("not tried again")
                return
            }
            #expect(error.contains("not public"))
        }
        #expect(server.connectionCount == 0)
    }

    @Test(
        "What has no sender or no usable URL is given up, never counted as sent",
        arguments: [("apns", "device"), ("webhook", "nonsense")])
    func impossible(service: String, target: String) async throws {
        let queue = MemoryQueue([Self.delivery(target: target, service: service)])
        try await Self.run(queue) { outcomes, worker in
            #expect(await outcomes.next() == .claimed(1))
            guard case .abandoned(1, _, disablesTarget: false) = await outcomes.next() else {
                Issue.record("not given up")
                return
            }
            #expect(worker.counters.completed == 0)
        }
    }

    @Test("A queue that cannot be read is asked again")
    func unavailable() async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer()) }
        defer { server.stop() }
        let settings = DeliverySettings(
            pollInterval: .milliseconds(1), stopTimeout: .zero, allowsPrivateAddresses: true)
        let queue = MemoryQueue([Self.delivery(target: server.url)], failures: 3)
        try await Self.run(queue, settings: settings) { outcomes, _ in
            #expect(await outcomes.next() == .claimed(1))
            #expect(await outcomes.next() == .completed(1, status: 200))
        }
    }

    @Test("A hundred deliveries all arrive, never more at once than allowed")
    func many() async throws {
        let server = LoopbackServer { _ in .send(LoopbackServer.answer()) }
        defer { server.stop() }
        let url = server.url
        let settings = DeliverySettings(
            concurrencyMax: 5, pollInterval: .seconds(3_600), stopTimeout: .zero, allowsPrivateAddresses: true)
        let queue = MemoryQueue((1...100).map { Self.delivery($0, target: url) })
        try await Self.run(queue, settings: settings) { outcomes, _ in
            var completed: Set<Int64> = []
            while completed.count < 100, let outcome = await outcomes.next() {
                if case .completed(let id, _) = outcome { completed.insert(id) }
            }
            #expect(completed == Set(1...100))
        }
        // Each request on its way has a connection of its own.
        #expect(server.connectionCount <= 5)
    }

    @Test("Stopping claims nothing more and gives back what has no answer")
    func stopGivesBack() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let url = server.url
        let settings = DeliverySettings(
            concurrencyMax: 3, pollInterval: .seconds(3_600), stopTimeout: .zero, allowsPrivateAddresses: true)
        let queue = MemoryQueue((1...10).map { Self.delivery($0, target: url) })
        try await Self.run(queue, settings: settings) { outcomes, _ in
            #expect(await outcomes.next() == .claimed(3))
            var events = server.events.makeAsyncIterator()
            for _ in 0..<3 { #expect(await events.next() == .received("POST / HTTP/1.1")) }
        }
        var outcomes = queue.outcomes.makeAsyncIterator()
        var released: Set<Int64> = []
        for _ in 0..<3 {
            if case .released(let id) = await outcomes.next() { released.insert(id) }
        }
        #expect(released == [1, 2, 3])
    }

    @Test("Stopping lets a delivery that is being answered finish")
    func stopWaits() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = LoopbackServer { _ in
            gate.wait()
            return .send(LoopbackServer.answer())
        }
        defer { server.stop() }
        let settings = DeliverySettings(
            pollInterval: .seconds(3_600), stopTimeout: .seconds(30), allowsPrivateAddresses: true)
        let queue = MemoryQueue([Self.delivery(target: server.url)])
        let client = HTTPClient()
        let worker = try Self.worker(queue, client, settings: settings)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                var events = server.events.makeAsyncIterator()
                #expect(await events.next() == .received("POST / HTTP/1.1"))
                trigger.triggerGracefulShutdown()
                gate.signal()
                try await group.waitForAll()
            }
        }
        var outcomes = queue.outcomes.makeAsyncIterator()
        #expect(await outcomes.next() == .claimed(1))
        #expect(await outcomes.next() == .completed(1, status: 200))
        await client.shutdown()
    }

    @Test("Cancelling the task ends the worker")
    func cancellation() async throws {
        let server = LoopbackServer { _ in .hang }
        defer { server.stop() }
        let client = HTTPClient()
        let queue = MemoryQueue([Self.delivery(target: server.url)])
        let worker = try Self.worker(queue, client)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            var events = server.events.makeAsyncIterator()
            #expect(await events.next() == .received("POST / HTTP/1.1"))
            group.cancelAll()
            try await group.waitForAll()
        }
        await client.shutdown()
    }
}
