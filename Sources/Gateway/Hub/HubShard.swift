import Atomics
import Channels
import NIOCore

/// Everything a delivery touches on one event loop: channels, connections and the bytes of the current tick.
///
/// SAFETY: `@unchecked Sendable` because every stored property but the atomic counters is used on `eventLoop` only; the
/// entry points assert it.
final class HubShard: @unchecked Sendable {
    /// The loop all of this belongs to.
    let eventLoop: any EventLoop
    let counters = ShardCounters()
    let options: Hub.Options
    /// The shard's place among the hub's shards, and its loop's in the directory.
    let index: Int
    let directory: Directory
    let clock: @Sendable () -> NIODeadline

    private let appCount: Int32
    var table = SlotTable()
    var channels: ShardChannels
    var subscribers: ContiguousArray<(any Subscriber)?> = []
    private(set) var socketIDs: [SocketID: Int32] = [:]
    var held = HeldEvents()
    var quotes = QuoteTable()
    var meter = BandwidthMeter()
    var meterListed: [Int32] = []
    var recorders: [Int32: FrameRecorder] = [:]
    var arena = Arena()
    var extras: ContiguousArray<ExtraRange> = []
    var listed: ContiguousArray<Int32> = []
    var vectors: [iovec_t] = []
    /// Packs and unpacks messages of this loop's connections with compression.
    let codec = ShardCodec()
    /// Frames as clients of this loop get them over HTTP.
    let conversions = FrameConversions()
    private var isDrainScheduled = false
    private var outgoing: [EventBatch] = []
    private(set) var shards: [HubShard] = []
    private var siblings: [HubShard] = []
    var users = ShardUsers()
    /// Whom connections are on their presence channels.
    var userIDs: [SlotChannel: String] = [:]
    /// What the directory said and is not yet acted on.
    var notices: [Notice] = []
    var isActing = false
    var expiry: RepeatedTask?
    var tally = Tally()
    /// The other nodes; `nil` without any.
    let cluster: Cluster?
    /// Channels whose last value other nodes are asked for.
    var awaited: [ChannelKey: Awaited] = [:]
    /// Apps whose tickers other nodes are asked for.
    var awaitedTickers: [Int32: Awaited] = [:]
    /// The start of the shard's clock, in whose seconds slots say when to check them.
    let epoch = ContinuousClock.now
    var sweep: RepeatedTask?
    var emptied: [EventLoopPromise<Void>] = []
    /// Whether nobody waits for the last connection any more.
    var hasStoppedWaiting = false

    /// What the current tick adds to the counters.
    struct Tally {
        var framesDelivered = 0
        var sendCalls = 0
        var slowWrites = 0
        var bytesSent = 0
        var ticksConflated = 0
    }

    init(
        eventLoop: any EventLoop,
        index: Int,
        directory: Directory,
        appCount: Int,
        options: Hub.Options,
        cluster: Cluster? = nil,
        clock: @escaping @Sendable () -> NIODeadline
    ) {
        self.eventLoop = eventLoop
        self.index = index
        self.directory = directory
        self.clock = clock
        self.cluster = cluster
        self.appCount = Int32(appCount)
        self.options = options
        self.channels = ShardChannels(snapshotsMax: options.snapshotsMax)
    }

    /// Tells the shard whom to hand batches on to.
    ///
    /// Called once, before the shard is shared.
    func setSiblings(_ shards: [HubShard]) {
        self.shards = shards
        self.siblings = shards.filter { $0 !== self }
    }

    // MARK: Connections

    /// Gives a connection its slot.
    func attach(_ subscriber: any Subscriber, descriptor: Int32, socketID: SocketID) -> Int32 {
        self.eventLoop.preconditionInEventLoop()
        let slot = self.table.allocate()
        self.table.slots[Int(slot)].descriptor = descriptor
        self.table.slots[Int(slot)].openedAt = Int32(truncatingIfNeeded: (.now - self.epoch).components.seconds)
        while self.subscribers.count <= Int(slot) { self.subscribers.append(nil) }
        self.subscribers[Int(slot)] = subscriber
        self.socketIDs[socketID] = slot
        self.counters.connections.wrappingIncrement(ordering: .relaxed)
        return slot
    }

    /// Takes the slot back: the descriptor is closed or about to be, and may soon be somebody else's.
    func detach(_ slot: Int32, socketID: SocketID) {
        self.eventLoop.preconditionInEventLoop()
        self.leaveAll(slot)
        self.held.forget(slot)
        self.meter.remove(slot)
        self.recorders[slot] = nil
        self.table.release(slot)
        self.subscribers[Int(slot)] = nil
        self.socketIDs[socketID] = nil
        self.counters.connections.wrappingDecrement(ordering: .relaxed)
        self.connectionGone()
    }

    /// Sends bytes to one connection behind everything that was sent to it before.
    func send(_ slot: Int32, _ bytes: UnsafeRawBufferPointer) {
        let start = self.arena.append(bytes)
        self.mark(slot, start, start + Int32(bytes.count))
        self.scheduleDrain()
    }

    // MARK: Events

    /// Delivers a batch made on this loop and hands it on to the other loops at the end of the tick.
    func publish(_ batch: EventBatch) {
        self.deliver(batch)
        self.counters.eventsPublished.wrappingIncrement(by: batch.entries.count, ordering: .relaxed)
        guard !self.siblings.isEmpty else { return }
        self.outgoing.append(batch)
        self.scheduleDrain()
    }

    /// Gives each event of the batch to the subscribers on this loop.
    func deliver(_ batch: EventBatch) {
        self.eventLoop.preconditionInEventLoop()
        batch.bytes.withUnsafeBytes { bytes in
            for entry in batch.entries {
                if let app = entry.app {
                    self.deliver(entry, bytes, ChannelKey(app: app, name: entry.channel))
                } else {
                    for app in 0..<self.appCount {
                        self.deliver(entry, bytes, ChannelKey(app: app, name: entry.channel))
                    }
                }
            }
        }
        if !self.quotes.listed.isEmpty { self.sendListedQuotes() }
        if !self.listed.isEmpty { self.scheduleDrain() }
        self.drainIfFull()
    }

    /// Sends early when the tick has brought more than the arena should hold.
    ///
    /// Call it where no range of the arena is at hand.
    func drainIfFull() {
        if self.arena.count > self.options.arenaBytesMax { self.drain() }
    }

    private func deliver(_ entry: EventBatch.Entry, _ bytes: UnsafeRawBufferPointer, _ key: ChannelKey) {
        if !self.awaited.isEmpty, self.deliverAwaited(entry, bytes, key) { return }
        if entry.retention != .none {
            self.retain(entry, UnsafeRawBufferPointer(rebasing: bytes[entry.data]), key)
            if entry.retention == .keepOnly { return }
        }
        guard let channel = self.channels.find(key) else { return }
        if entry.source != .none { self.derive(entry, bytes, channel) }
        let inner = entry.data.lowerBound - entry.frame.lowerBound..<entry.data.upperBound - entry.frame.lowerBound
        self.fanOut(
            channel, UnsafeRawBufferPointer(rebasing: bytes[entry.frame]), data: inner, entry.conflation,
            excluded: entry.excluded.flatMap { self.socketIDs[$0] } ?? -1)
    }

    /// Gives one frame to all subscribers of a channel.
    ///
    /// - Parameters:
    ///   - channel: Its number.
    ///   - frame: The WebSocket frame.
    ///   - data: Where its escaped data stands.
    ///   - conflation: What becomes of it where a subscriber reads too slowly.
    ///   - excluded: The slot that does not get it.
    @inline(__always)
    func fanOut(
        _ channel: Int32, _ frame: UnsafeRawBufferPointer, data: Range<Int>, _ conflation: Conflation,
        excluded: Int32 = -1
    ) {
        let memberCount = self.channels.channels[Int(channel)].members.count
        guard memberCount > 0 else { return }
        let start = self.arena.append(frame)
        let end = start + Int32(frame.count)
        self.tally.framesDelivered += memberCount
        let slots = self.table.slots
        var packed = PackedFrame.notTried
        self.channels.channels[Int(channel)].members.withUnsafeBufferPointer { members in
            for slot in members {
                if slot == excluded {
                    self.tally.framesDelivered -= 1
                } else if slots[Int(slot)].isCongested {
                    self.deliverSlowly(slot, channel, frame, data: data, &packed, start, end, conflation)
                } else if slots[Int(slot)].isCompressed {
                    self.markPacked(slot, frame, &packed, start, end)
                } else {
                    self.mark(slot, start, end)
                }
            }
        }
    }

    /// Adds a range of the arena to what a slot has to send.
    @inline(__always)
    func mark(_ index: Int32, _ start: Int32, _ end: Int32) {
        let slot = self.table.slots + Int(index)
        if slot.pointee.rangeCount == 0 {
            slot.pointee.start = start
            slot.pointee.end = end
            slot.pointee.rangeCount = 1
            if !slot.pointee.isListed {
                slot.pointee.isListed = true
                self.listed.append(index)
            }
        } else if slot.pointee.lastExtra < 0 {
            if slot.pointee.end == start {
                slot.pointee.end = end
            } else {
                slot.pointee.firstExtra = self.appendExtra(start, end)
                slot.pointee.lastExtra = slot.pointee.firstExtra
                slot.pointee.rangeCount = 2
            }
        } else if self.extras[Int(slot.pointee.lastExtra)].end == start {
            self.extras[Int(slot.pointee.lastExtra)].end = end
        } else {
            let extra = self.appendExtra(start, end)
            self.extras[Int(slot.pointee.lastExtra)].next = extra
            slot.pointee.lastExtra = extra
            slot.pointee.rangeCount += 1
        }
    }

    private func appendExtra(_ start: Int32, _ end: Int32) -> Int32 {
        self.extras.append(ExtraRange(start: start, end: end, next: -1))
        return Int32(self.extras.count - 1)
    }

    // MARK: The end of a tick

    /// Has ``drain()`` called after all events of this tick.
    func scheduleDrain() {
        guard !self.isDrainScheduled else { return }
        self.isDrainScheduled = true
        self.eventLoop.execute { self.drain() }
    }

    /// Sends everything the tick has gathered: one call for each connection that has something.
    func drain() {
        self.isDrainScheduled = false
        if !self.meterListed.isEmpty { self.sendMetered() }
        self.flushListed()
        if self.channels.hasVacated { self.cleanQuotes() }
        self.handOn()
        self.count()
    }

    /// Sends what the arena holds, and empties it.
    func flushListed() {
        var next = 0
        while next < self.listed.count {
            let slot = self.listed[next]
            next += 1
            self.table.slots[Int(slot)].isListed = false
            self.flush(slot)
        }
        self.listed.removeAll(keepingCapacity: true)
        self.extras.removeAll(keepingCapacity: true)
        self.arena.reset()
    }

    private func handOn() {
        guard !self.outgoing.isEmpty else { return }
        let batches = self.outgoing
        self.outgoing.removeAll(keepingCapacity: true)
        for sibling in self.siblings {
            sibling.eventLoop.execute {
                for batch in batches { sibling.deliver(batch) }
            }
        }
    }

    private func count() {
        let tally = self.tally
        self.tally = Tally()
        self.counters.framesDelivered.wrappingIncrement(by: tally.framesDelivered, ordering: .relaxed)
        self.counters.sendCalls.wrappingIncrement(by: tally.sendCalls, ordering: .relaxed)
        self.counters.bytesSent.wrappingIncrement(by: tally.bytesSent, ordering: .relaxed)
        guard tally.slowWrites > 0 || tally.ticksConflated > 0 else { return }
        self.counters.slowWrites.wrappingIncrement(by: tally.slowWrites, ordering: .relaxed)
        self.counters.ticksConflated.wrappingIncrement(by: tally.ticksConflated, ordering: .relaxed)
    }
}
