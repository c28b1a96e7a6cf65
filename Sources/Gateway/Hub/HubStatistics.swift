import Atomics

/// What the hub has done since it started.
public struct HubStatistics: Sendable, Equatable {
    /// Connections open now.
    public var connections = 0
    /// Subscriptions held now.
    public var subscriptions = 0
    /// Events published, each counted once whatever the number of subscribers.
    public var eventsPublished = 0
    /// Frames handed to subscribers.
    public var framesDelivered = 0
    /// `send` and `sendmsg` calls made for them.
    public var sendCalls = 0
    /// Writes that had to go through NIO, because the socket was full or has no descriptor.
    public var slowWrites = 0
    /// Bytes sent by either way.
    public var bytesSent = 0
    /// Ticks that a newer one replaced while their subscriber was slow.
    public var ticksConflated = 0
    /// Connections closed because they did not read fast enough.
    public var slowClosed = 0
    /// Retained events that were not kept, because the limit of channels was reached.
    public var snapshotsRefused = 0
}

/// One shard's counters: written on its event loop once a tick, read anywhere.
struct ShardCounters: Sendable {
    let connections = ManagedAtomic(0)
    let subscriptions = ManagedAtomic(0)
    let eventsPublished = ManagedAtomic(0)
    let framesDelivered = ManagedAtomic(0)
    let sendCalls = ManagedAtomic(0)
    let slowWrites = ManagedAtomic(0)
    let bytesSent = ManagedAtomic(0)
    let ticksConflated = ManagedAtomic(0)
    let slowClosed = ManagedAtomic(0)
    let snapshotsRefused = ManagedAtomic(0)

    /// Adds the counters to `statistics`.
    func add(to statistics: inout HubStatistics) {
        statistics.connections += self.connections.load(ordering: .relaxed)
        statistics.subscriptions += self.subscriptions.load(ordering: .relaxed)
        statistics.eventsPublished += self.eventsPublished.load(ordering: .relaxed)
        statistics.framesDelivered += self.framesDelivered.load(ordering: .relaxed)
        statistics.sendCalls += self.sendCalls.load(ordering: .relaxed)
        statistics.slowWrites += self.slowWrites.load(ordering: .relaxed)
        statistics.bytesSent += self.bytesSent.load(ordering: .relaxed)
        statistics.ticksConflated += self.ticksConflated.load(ordering: .relaxed)
        statistics.slowClosed += self.slowClosed.load(ordering: .relaxed)
        statistics.snapshotsRefused += self.snapshotsRefused.load(ordering: .relaxed)
    }
}
