import Channels
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Gateway

@Suite("Webhooks", .timeLimit(.minutes(5)))
struct WebhookServiceTests {
    /// Receives requests and answers what a test wants.
    private final class Receiver: Sendable {
        let bodies: AsyncStream<String>
        private let continuation: AsyncStream<String>.Continuation
        private let answers: Mutex<[WebhookAnswer]>

        init(answers: [WebhookAnswer] = []) {
            (self.bodies, self.continuation) = AsyncStream.makeStream()
            self.answers = Mutex(answers)
        }

        func receive(_ request: WebhookRequest) -> WebhookAnswer {
            let text = String(decoding: request.body, as: UTF8.self)
            self.continuation.yield(String(text.drop { $0 != "[" }.dropLast()))
            return self.answers.withLock { $0.isEmpty ? .status(200) : $0.removeFirst() }
        }

        func next(_ count: Int) async -> [String] {
            var bodies: [String] = []
            for await body in self.bodies.prefix(count) { bodies.append(body) }
            return bodies
        }
    }

    private static let limits = {
        var limits = WebhookService.Limits()
        limits.delay.wait = .milliseconds(30)
        limits.queue.pauseMin = .milliseconds(2)
        limits.queue.batchDelay = .milliseconds(20)
        return limits
    }()

    private func running(
        _ endpoints: [WebhookEndpoint], _ receivers: [String: Receiver], _ body: (WebhookService) async throws -> Void
    ) async throws {
        let service = WebhookService(
            endpoints: [(app: testApp, endpoints: endpoints)], limits: Self.limits, logger: Logger(label: "test")
        ) { request in receivers[request.url]?.receive(request) ?? .noAnswer(reason: "nobody") }
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: service, successTerminationBehavior: .ignore)],
                logger: Logger(label: "test")))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(service)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func event(_ name: String, _ channel: String) -> String { #"{"name":"\#(name)","channel":"\#(channel)"}"# }

    @Test("Each endpoint gets what it wants, and only that, inside a batch too")
    func filters() async throws {
        let all = Receiver()
        let some = Receiver()
        try await self.running(
            [
                WebhookEndpoint(url: "all", isBatched: true),
                WebhookEndpoint(url: "some", kinds: [.channelVacated], channelPrefix: "private-"),
            ], ["all": all, "some": some]
        ) { service in
            service.take(.occupied(channel: "a"), app: testApp.id)
            service.take(.occupied(channel: "private-a"), app: testApp.id)
            service.take(.occupied(channel: "b"), app: "another")
            #expect(
                await all.next(1) == [
                    "[\(self.event("channel_occupied", "a")),\(self.event("channel_occupied", "private-a"))]"
                ])
            service.take(.vacated(channel: "a"), app: testApp.id)
            service.take(.vacated(channel: "private-a"), app: testApp.id)
            #expect(await some.next(1) == ["[\(self.event("channel_vacated", "private-a"))]"])
        }
    }

    @Test("A failing endpoint gets the same event again and delays no other")
    func retries() async throws {
        let failing = Receiver(answers: [.status(500), .noAnswer(reason: "down"), .status(302)])
        let healthy = Receiver()
        try await self.running(
            [WebhookEndpoint(url: "failing"), WebhookEndpoint(url: "healthy")],
            ["failing": failing, "healthy": healthy]
        ) { service in
            service.take(.occupied(channel: "a"), app: testApp.id)
            service.take(.occupied(channel: "b"), app: testApp.id)
            let (a, b) = ("[\(self.event("channel_occupied", "a"))]", "[\(self.event("channel_occupied", "b"))]")
            #expect(await healthy.next(2) == [a, b])
            #expect(await failing.next(5) == [a, a, a, a, b])
        }
    }

    @Test("At the end what is held back is sent")
    func ending() async throws {
        let receiver = Receiver()
        try await self.running([WebhookEndpoint(url: "x")], ["x": receiver]) { service in
            service.take(.vacated(channel: "a"), app: testApp.id)
        }
        #expect(await receiver.next(1) == ["[\(self.event("channel_vacated", "a"))]"])
    }
}
