import Delivery
import Notifications
import Store
import Synchronization

/// Answers as it is told, and remembers what it was asked.
final class ScriptedSender: DeliverySender {
    private struct State {
        var sent: [(id: Int64, options: SendingOptions)] = []
        var inFlight = 0
        var inFlightMax = 0
    }

    private let answer: @Sendable (OutboxDelivery, SendingOptions) async -> SendingResult
    private let state = Mutex(State())
    let requests: AsyncStream<Int64>
    private let sink: AsyncStream<Int64>.Continuation

    init(_ answer: @escaping @Sendable (OutboxDelivery, SendingOptions) async -> SendingResult) {
        self.answer = answer
        (self.requests, self.sink) = AsyncStream.makeStream()
    }

    var sent: [(id: Int64, options: SendingOptions)] { self.state.withLock { $0.sent } }
    var inFlightMax: Int { self.state.withLock { $0.inFlightMax } }

    func send(_ delivery: OutboxDelivery, _ options: SendingOptions) async -> SendingResult {
        self.state.withLock { state in
            state.sent.append((delivery.id, options))
            state.inFlight += 1
            state.inFlightMax = max(state.inFlightMax, state.inFlight)
        }
        self.sink.yield(delivery.id)
        let result = await self.answer(delivery, options)
        self.state.withLock { $0.inFlight -= 1 }
        return result
    }

    /// Waits until the task is cancelled, as a request to a host that never answers.
    static func hang() async -> SendingResult {
        // The cancellation is what it waits for.
        try? await Task.sleep(for: .seconds(3_600))
        return SendingResult(nil)
    }
}
