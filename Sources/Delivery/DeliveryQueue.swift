public import Market
public import Notifications
public import Store

/// Where deliveries wait: the outbox in PostgreSQL, or memory in a test.
public protocol DeliveryQueue: Sendable {
    /// The lanes that deliveries wait in.
    func lanes() async throws -> [String]
    /// Takes up to `limit` deliveries of a lane that are due, so that nobody else does for the time of `lease`.
    func claim(lane: String, limit: Int, lease: Duration) async throws -> [OutboxDelivery]
    /// Makes deliveries due again whose lease is over.
    func reclaim() async throws
    /// Writes down what became of attempts.
    func record(_ results: [OutboxResult]) async throws
    /// The target of a delivery is gone: nothing more is sent to it, unless it was registered after `time`.
    ///
    /// - Returns: Whether it is given up now.
    func drop(_ delivery: OutboxDelivery, unlessRegisteredAfter time: Timestamp?, reason: String) async throws -> Bool
    /// The device of a delivery belongs to this one of Apple's services.
    func setEnvironment(_ environment: APNsEnvironment, of delivery: OutboxDelivery) async throws
    /// A lane is held back until `time`, or not any more.
    func hold(lane: String, until time: Timestamp?, reason: String) async throws
    /// Deletes up to `limit` finished deliveries that were kept long enough.
    ///
    /// - Returns: How many; fewer than `limit` means that there are no more.
    func deleteFinished(_ keeping: Outbox.Keeping, limit: Int) async throws -> Int
    /// Says how lanes are.
    func report(_ reports: [LaneReport]) async throws
    /// Calls `wake` whenever there may be something new, until the task is cancelled.
    func listen(_ wake: @escaping @Sendable () -> Void) async throws
}
