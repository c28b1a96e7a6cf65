public import Logging
public import Market
public import Store
import Synchronization

/// Sends one delivery at once, as its lane would, and tells what the service said.
public struct DeliveryProbe: Sendable {
    private let queue: any DeliveryQueue
    private let sender: any DeliverySender
    private let settings: DeliverySettings
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// Makes a probe.
    ///
    /// - Parameters:
    ///   - queue: Where the delivery was claimed.
    ///   - sender: Sends it.
    ///   - settings: Limits and times.
    ///   - now: The time of day.
    ///   - logger: Where trouble is told.
    public init(
        queue: any DeliveryQueue, sender: any DeliverySender, settings: DeliverySettings = DeliverySettings(),
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.queue = queue
        self.sender = sender
        self.settings = settings
        self.now = now
        self.logger = logger
    }

    /// Sends a delivery that the caller has claimed, with every remedy its answers ask for, and writes down what came of it.
    ///
    /// - Returns: Each answer in its order.
    public func send(_ delivery: OutboxDelivery) async -> [SendingResult] {
        let clock = ContinuousClock()
        let writer = ResultWriter(queue: self.queue, clock: clock, patience: self.settings.lease, logger: self.logger)
        let lane = LaneWorker(
            lane: delivery.lane,
            surroundings: LaneWorker.Surroundings(
                queue: self.queue, sender: self.sender, writer: writer, settings: self.settings, clock: clock,
                now: self.now, random: { UInt64.random(in: 0...UInt64.max) }, latency: DeliveryLatency(),
                logger: self.logger))
        let results = Mutex<[SendingResult]>([])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await writer.run() }
            await lane.deliverNow(delivery) { result in results.withLock { $0.append(result) } }
            writer.finish()
        }
        return results.withLock { $0 }
    }
}
