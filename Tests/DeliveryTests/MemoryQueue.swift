import Delivery
import Market
import Notifications
import Store
import Synchronization

/// A queue in memory that tells what became of its deliveries.
final class MemoryQueue: DeliveryQueue {
    enum Outcome: Sendable, Equatable {
        case claimed(lane: String, Int)
        case recorded(Int64, OutboxResult.State, error: String?)
        case dropped(Int64, unlessRegisteredAfter: Timestamp?)
        case moved(Int64, APNsEnvironment)
        case deleted(Int)
    }

    struct Unavailable: Error {}

    private struct State {
        var due: [OutboxDelivery] = []
        var failures = 0
        var repeatsAtOnce = false
        var registeredSince = false
        var reports: [LaneReport] = []
        var finished = 0
    }

    let outcomes: AsyncStream<Outcome>
    private let sink: AsyncStream<Outcome>.Continuation
    private let state: Mutex<State>

    /// - Parameters:
    ///   - deliveries: What is due.
    ///   - failures: How many claims fail first.
    ///   - repeatsAtOnce: Whether a delivery that is to be tried again is due at once.
    ///   - registeredSince: Whether devices have registered again since they were gone.
    init(
        _ deliveries: [OutboxDelivery], failures: Int = 0, repeatsAtOnce: Bool = false, registeredSince: Bool = false
    ) {
        (self.outcomes, self.sink) = AsyncStream.makeStream()
        self.state = Mutex(
            State(
                due: deliveries, failures: failures, repeatsAtOnce: repeatsAtOnce, registeredSince: registeredSince))
    }

    /// Finished deliveries that were kept long enough.
    var finished: Int {
        get { self.state.withLock { $0.finished } }
        set { self.state.withLock { $0.finished = newValue } }
    }

    var reports: [LaneReport] { self.state.withLock { $0.reports } }

    func add(_ delivery: OutboxDelivery) { self.state.withLock { $0.due.append(delivery) } }

    func lanes() async throws -> [String] { self.state.withLock { Array(Set($0.due.map(\.lane))).sorted() } }

    func claim(lane: String, limit: Int, lease: Duration) async throws -> [OutboxDelivery] {
        let claimed = try self.state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                throw Unavailable()
            }
            let claimed = Array(state.due.filter { $0.lane == lane }.prefix(limit))
            let ids = Set(claimed.map(\.id))
            state.due.removeAll { ids.contains($0.id) }
            return claimed
        }
        if !claimed.isEmpty { self.sink.yield(.claimed(lane: lane, claimed.count)) }
        return claimed
    }

    func reclaim() async throws {}

    func record(_ results: [OutboxResult]) async throws {
        for result in results {
            if case .ready = result.state, self.state.withLock({ $0.repeatsAtOnce }) {
                let old = result.delivery
                self.add(
                    OutboxDelivery(
                        id: old.id, messageID: old.messageID, service: old.service, lane: old.lane, target: old.target,
                        device: old.device, message: old.message, attempt: old.attempt + 1, tries: old.tries + 1,
                        firedAt: old.firedAt, expiresAt: old.expiresAt))
            }
            self.sink.yield(.recorded(result.delivery.id, result.state, error: result.error))
        }
    }

    func drop(_ delivery: OutboxDelivery, unlessRegisteredAfter time: Timestamp?, reason: String) async throws -> Bool {
        self.sink.yield(.dropped(delivery.id, unlessRegisteredAfter: time))
        return !self.state.withLock { $0.registeredSince }
    }

    func setEnvironment(_ environment: APNsEnvironment, of delivery: OutboxDelivery) async throws {
        self.sink.yield(.moved(delivery.id, environment))
    }

    func hold(lane: String, until time: Timestamp?, reason: String) async throws {}

    func deleteFinished(_ keeping: Outbox.Keeping, limit: Int) async throws -> Int {
        let count = self.state.withLock { state in
            let count = min(limit, state.finished)
            state.finished -= count
            return count
        }
        if count > 0 { self.sink.yield(.deleted(count)) }
        return count
    }

    func report(_ reports: [LaneReport]) async throws { self.state.withLock { $0.reports = reports } }

    func listen(_ wake: @escaping @Sendable () -> Void) async throws {}
}
