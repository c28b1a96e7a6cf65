import Delivery
import Market
import Synchronization

/// A queue in memory that tells what became of its deliveries.
final class MemoryQueue: DeliveryQueue {
    enum Outcome: Sendable, Equatable {
        case claimed(Int)
        case completed(Int64, status: Int)
        case retried(Int64, at: Timestamp, status: Int?, error: String)
        case abandoned(Int64, error: String, disablesTarget: Bool)
        case released(Int64)
    }

    struct Unavailable: Error {}

    private struct State {
        var due: [PendingDelivery] = []
        var failures = 0
        var repeatsAtOnce = false
    }

    let outcomes: AsyncStream<Outcome>
    private let sink: AsyncStream<Outcome>.Continuation
    private let state: Mutex<State>

    /// - Parameters:
    ///   - deliveries: What is due.
    ///   - failures: How many claims fail first.
    ///   - repeatsAtOnce: Whether a delivery that is to be tried again is due at once.
    init(_ deliveries: [PendingDelivery], failures: Int = 0, repeatsAtOnce: Bool = false) {
        (self.outcomes, self.sink) = AsyncStream.makeStream()
        self.state = Mutex(State(due: deliveries, failures: failures, repeatsAtOnce: repeatsAtOnce))
    }

    func claim(limit: Int, lease: Duration) async throws -> [PendingDelivery] {
        let claimed = try self.state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                throw Unavailable()
            }
            let claimed = Array(state.due.prefix(limit))
            state.due.removeFirst(claimed.count)
            return claimed
        }
        if !claimed.isEmpty { self.sink.yield(.claimed(claimed.count)) }
        return claimed
    }

    func complete(_ delivery: PendingDelivery, status: Int) async throws {
        self.sink.yield(.completed(delivery.id, status: status))
    }

    func retry(_ delivery: PendingDelivery, at time: Timestamp, status: Int?, error: String) async throws {
        self.state.withLock { state in
            guard state.repeatsAtOnce else { return }
            state.due.append(
                PendingDelivery(
                    id: delivery.id, messageID: delivery.messageID, service: delivery.service, target: delivery.target,
                    payload: delivery.payload, attempt: delivery.attempt + 1, createdAt: delivery.createdAt))
        }
        self.sink.yield(.retried(delivery.id, at: time, status: status, error: error))
    }

    func abandon(_ delivery: PendingDelivery, status: Int?, error: String, disablesTarget: Bool) async throws {
        self.sink.yield(.abandoned(delivery.id, error: error, disablesTarget: disablesTarget))
    }

    func release(_ delivery: PendingDelivery) async throws { self.sink.yield(.released(delivery.id)) }

    func listen(_ wake: @escaping @Sendable () -> Void) async throws {}
}
