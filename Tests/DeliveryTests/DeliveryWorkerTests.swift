import Delivery
import Logging
import Market
import Notifications
import ServiceLifecycle
import ServiceLifecycleTestKit
import Store
import Synchronization
import Testing

@Suite("Delivery worker", .timeLimit(.minutes(5)))
struct DeliveryWorkerTests {
    private static let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private static func delivery(
        _ id: Int64 = 1, lane: String = "webhook:a.example", expiresAt: Timestamp? = nil, device: PushTarget? = nil
    ) -> OutboxDelivery {
        OutboxDelivery(
            id: id, messageID: "m-\(id)", service: .webhook, lane: lane, target: "https://a.example/",
            device: device.map {
                Device(id: 7, user: "ann", target: $0, createdAt: Self.now, lastRegisteredAt: Self.now)
            },
            message: .body([1]), attempt: 1, tries: 1, firedAt: Self.now, expiresAt: expiresAt)
    }

    private static func run(
        _ queue: MemoryQueue, _ sender: ScriptedSender,
        settings: DeliverySettings = DeliverySettings(pollInterval: .milliseconds(5), stopTimeout: .zero),
        _ body:
            @Sendable @escaping (inout AsyncStream<MemoryQueue.Outcome>.Iterator, DeliveryWorker) async throws ->
            Void
    ) async throws {
        let worker = DeliveryWorker(
            queue: queue, sender: sender, settings: settings, now: { Self.now }, random: { 4_000 }, logger: Self.logger)
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                var outcomes = queue.outcomes.makeAsyncIterator()
                try await body(&outcomes, worker)
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
    }

    @Test("What is taken is done")
    func delivered() async throws {
        let sender = ScriptedSender { _, _ in SendingResult(.delivered(id: "x"), status: 200) }
        try await Self.run(MemoryQueue([Self.delivery()]), sender) { outcomes, worker in
            #expect(await outcomes.next() == .claimed(lane: "webhook:a.example", 1))
            #expect(await outcomes.next() == .recorded(1, .done, error: nil))
            #expect(worker.counters.completed == 1)
        }
    }

    @Test("Finished deliveries are deleted in batches until none is left")
    func cleaned() async throws {
        let queue = MemoryQueue([])
        queue.finished = 2_500
        try await Self.run(queue, ScriptedSender { _, _ in SendingResult(.delivered(id: nil)) }) { outcomes, worker in
            for count in [1_000, 1_000, 500] { #expect(await outcomes.next() == .deleted(count)) }
            while worker.counters.deleted < 2_500 { await Task.yield() }
        }
    }

    @Test("What fails for now is due again after the back-off, or after what the service asked for")
    func retried() async throws {
        for (after, pause) in [(nil, Duration.seconds(4)), (.seconds(90), .seconds(90))] as [(Duration?, Duration)] {
            let sender = ScriptedSender { _, _ in
                SendingResult(.retry(after: after), status: 500, reason: "the receiver answered 500")
            }
            try await Self.run(MemoryQueue([Self.delivery()]), sender) { outcomes, worker in
                _ = await outcomes.next()
                let expected = MemoryQueue.Outcome.recorded(
                    1, .ready(after: pause), error: "the receiver answered 500")
                #expect(await outcomes.next() == expected)
                #expect(worker.counters.retried == 1)
            }
        }
    }

    @Test("What would be worthless by then has expired; what does not say so is given up after three days")
    func expired() async throws {
        let soon = Self.now.advanced(byNanoseconds: 3_000_000_000)
        let sender = ScriptedSender { _, _ in SendingResult(.retry(after: nil), status: 503, reason: "busy") }
        try await Self.run(MemoryQueue([Self.delivery(expiresAt: soon)]), sender) { outcomes, _ in
            _ = await outcomes.next()
            let expected = MemoryQueue.Outcome.recorded(1, .expired, error: "expired after 1 attempts, the last: busy")
            #expect(await outcomes.next() == expected)
        }
        let slow = ScriptedSender { _, _ in SendingResult(.retry(after: .seconds(300_000)), status: 503, reason: "busy")
        }
        try await Self.run(MemoryQueue([Self.delivery()]), slow) { outcomes, _ in
            _ = await outcomes.next()
            let expected = MemoryQueue.Outcome.recorded(1, .dead, error: "expired after 1 attempts, the last: busy")
            #expect(await outcomes.next() == expected)
        }
    }

    @Test("A target that is gone is given up; one that registered since is tried again")
    func dropped() async throws {
        let time = Timestamp(microseconds: 9)
        let sender = ScriptedSender { _, _ in
            SendingResult(.dropTarget(unlessRegisteredAfter: time, reason: "gone"), status: 410)
        }
        try await Self.run(MemoryQueue([Self.delivery()]), sender) { outcomes, _ in
            _ = await outcomes.next()
            #expect(await outcomes.next() == .dropped(1, unlessRegisteredAfter: time))
            #expect(await outcomes.next() == .recorded(1, .dead, error: "gone"))
        }
        try await Self.run(MemoryQueue([Self.delivery()], registeredSince: true), sender) { outcomes, _ in
            _ = await outcomes.next()
            _ = await outcomes.next()
            let expected = MemoryQueue.Outcome.recorded(
                1, .ready(after: .seconds(4)), error: "gone, but the device has registered since")
            #expect(await outcomes.next() == expected)
        }
    }

    @Test("A device found at Apple's other service is kept there")
    func environment() async throws {
        let sender = ScriptedSender { _, options in
            options.isAtOtherEnvironment
                ? SendingResult(.delivered(id: nil), status: 200) : SendingResult(.tryOtherEnvironment, status: 400)
        }
        let phone = PushTarget.apns(APNsDevice(token: "aa", topic: "a.b", environment: .production))
        let queue = MemoryQueue([Self.delivery(lane: "apns:production:a.b", device: phone)])
        try await Self.run(queue, sender) { outcomes, _ in
            _ = await outcomes.next()
            #expect(await outcomes.next() == .moved(1, .sandbox))
            #expect(await outcomes.next() == .recorded(1, .done, error: nil))
        }
        #expect(sender.sent.map(\.options.isAtOtherEnvironment) == [false, true])
    }

    @Test("A refused credential holds its lane back and keeps its queue; the other lanes go on")
    func suspended() async throws {
        let sender = ScriptedSender { delivery, _ in
            delivery.lane == "fcm"
                ? SendingResult(.delivered(id: nil), status: 200)
                : SendingResult(.suspendCredential(reason: "bad key"), status: 403)
        }
        let queue = MemoryQueue([Self.delivery(1, lane: "apns:production:a.b")], repeatsAtOnce: true)
        try await Self.run(queue, sender) { outcomes, worker in
            _ = await outcomes.next()
            #expect(await outcomes.next() == .recorded(1, .ready(after: .zero), error: "bad key"))
            queue.add(Self.delivery(2, lane: "fcm"))
            #expect(await outcomes.next() == .claimed(lane: "fcm", 1))
            #expect(await outcomes.next() == .recorded(2, .done, error: nil))
            let report = worker.reports.first { $0.lane == "apns:production:a.b" }
            #expect(report?.breaker == "open" && report?.breakerReason == "bad key" && report?.lastError == "bad key")
        }
        #expect(sender.sent.map(\.id) == [1, 2])
    }

    @Test("A refused sink is its own credential: it alone is given up")
    func refusedSink() async throws {
        let sender = ScriptedSender { _, _ in SendingResult(.suspendCredential(reason: "no"), status: 403) }
        try await Self.run(MemoryQueue([Self.delivery(lane: "slack:hooks.slack.com")]), sender) { outcomes, worker in
            _ = await outcomes.next()
            #expect(await outcomes.next() == .dropped(1, unlessRegisteredAfter: nil))
            #expect(await outcomes.next() == .recorded(1, .dead, error: "no"))
            #expect(worker.reports.map(\.breaker) == ["closed"])
        }
    }

    @Test("A service that fails again and again is left alone")
    func broken() async throws {
        let sender = ScriptedSender { _, _ in SendingResult(.retry(after: nil), reason: "no answer") }
        let queue = MemoryQueue([], repeatsAtOnce: true)
        for id in Int64(1)...5 { queue.add(Self.delivery(id)) }
        try await Self.run(queue, sender) { outcomes, worker in
            while worker.reports.first?.breaker != "open" { _ = await outcomes.next() }
            #expect(worker.reports.map(\.breakerReason) == ["no answer"])
        }
    }

    @Test("A lane that hangs delays no other, and never has more on its way than it may")
    func isolated() async throws {
        let sender = ScriptedSender { delivery, _ in
            delivery.lane == "webhook:slow.example"
                ? await ScriptedSender.hang() : SendingResult(.delivered(id: nil), status: 200)
        }
        let queue = MemoryQueue((1...100).map { Self.delivery($0, lane: "webhook:slow.example") })
        try await Self.run(queue, sender) { outcomes, _ in
            #expect(await outcomes.next() == .claimed(lane: "webhook:slow.example", 16))
            for id in Int64(200)...240 {
                queue.add(Self.delivery(id, lane: "fcm"))
                while let outcome = await outcomes.next(), outcome != .recorded(id, .done, error: nil) {}
            }
        }
        #expect(sender.inFlightMax <= 17)
    }

    @Test("A queue that cannot be read is asked again")
    func unavailable() async throws {
        let sender = ScriptedSender { _, _ in SendingResult(.delivered(id: nil), status: 200) }
        try await Self.run(MemoryQueue([Self.delivery()], failures: 3), sender) { outcomes, _ in
            #expect(await outcomes.next() == .claimed(lane: "webhook:a.example", 1))
            #expect(await outcomes.next() == .recorded(1, .done, error: nil))
        }
    }

    @Test("A lane that has nothing to do for long ends, and begins again when it has")
    func idle() async throws {
        let sender = ScriptedSender { _, _ in SendingResult(.delivered(id: nil), status: 200) }
        let queue = MemoryQueue([Self.delivery(1)])
        let settings = DeliverySettings(
            pollInterval: .milliseconds(5), stopTimeout: .zero, laneIdleMax: .milliseconds(20))
        try await Self.run(queue, sender, settings: settings) { outcomes, worker in
            for _ in 0..<2 { _ = await outcomes.next() }
            while !worker.reports.isEmpty { await Task.yield() }
            queue.add(Self.delivery(2))
            _ = await outcomes.next()
            #expect(await outcomes.next() == .recorded(2, .done, error: nil))
            #expect(worker.counters.completed == 2)
        }
    }

    @Test("Stopping claims nothing more and gives back what has no answer")
    func stopGivesBack() async throws {
        let sender = ScriptedSender { _, _ in await ScriptedSender.hang() }
        let queue = MemoryQueue((1...40).map { Self.delivery($0) })
        try await Self.run(queue, sender) { outcomes, _ in
            #expect(await outcomes.next() == .claimed(lane: "webhook:a.example", 16))
            var requests = sender.requests.makeAsyncIterator()
            for _ in 0..<16 { _ = await requests.next() }
        }
        var outcomes = queue.outcomes.makeAsyncIterator()
        var released: Set<Int64> = []
        for _ in 0..<16 {
            if case .recorded(let id, .ready(after: .zero), _) = await outcomes.next() { released.insert(id) }
        }
        #expect(released == Set(1...16))
    }

    @Test("Stopping lets a delivery that is being answered finish")
    func stopWaits() async throws {
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let sender = ScriptedSender { _, _ in
            for await _ in gate { break }
            return SendingResult(.delivered(id: nil), status: 200)
        }
        let queue = MemoryQueue([Self.delivery()])
        let settings = DeliverySettings(pollInterval: .milliseconds(5), stopTimeout: .seconds(30))
        try await Self.run(queue, sender, settings: settings) { outcomes, _ in
            _ = await outcomes.next()
            var requests = sender.requests.makeAsyncIterator()
            _ = await requests.next()
            opener.yield()
        }
        var outcomes = queue.outcomes.makeAsyncIterator()
        #expect(await outcomes.next() == .recorded(1, .done, error: nil))
    }

    @Test("Cancelling the task ends the worker")
    func cancellation() async throws {
        let sender = ScriptedSender { _, _ in await ScriptedSender.hang() }
        let worker = DeliveryWorker(
            queue: MemoryQueue([Self.delivery()]), sender: sender, now: { Self.now }, logger: Self.logger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await worker.run() }
            var requests = sender.requests.makeAsyncIterator()
            _ = await requests.next()
            group.cancelAll()
        }
    }
}
