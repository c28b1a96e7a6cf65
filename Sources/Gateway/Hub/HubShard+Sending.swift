import Atomics
import Channels
import Glibc
import NIOCore

/// `iovec`, under a name that does not need Glibc in every file.
typealias iovec_t = iovec

/// Never wait, never raise SIGPIPE.
private let sendFlags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)

/// What the shard needs from a connection when its socket is full.
protocol Subscriber: AnyObject {
    /// Writes through NIO; `promise` succeeds when the bytes have left.
    func writeThroughNIO(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>)
    /// Allocates buffers for ``writeThroughNIO(_:promise:)``.
    var allocator: ByteBufferAllocator { get }
    /// The connection reads too slowly and must go.
    func closeAsTooSlow()
    /// Time passed: checks the connection's silence and returns when to check next, or `nil` when it is closing.
    func checkSilence(now: ContinuousClock.Instant) -> ContinuousClock.Instant?
    /// The server ends: closes with a code.
    func close(_ code: CloseCode)
    /// The number of its app; `nil` when no app has its key.
    var app: Int32? { get }
    /// What carries its frames, for operators.
    var transportName: String { get }
}

extension HubShard {
    /// The kernel takes this many pieces in one call (IOV_MAX).
    private static var vectorsMax: Int { 1024 }

    /// Sends a slot's ranges: directly when nothing is waiting in NIO, else behind what waits there.
    func flush(_ index: Int32) {
        let slot = self.table.slots + Int(index)
        guard slot.pointee.isInUse, slot.pointee.rangeCount > 0 else { return }
        // Taken out first: sending may end in closing, which has bytes of its own to send.
        let taken = slot.pointee
        slot.pointee.rangeCount = 0
        slot.pointee.firstExtra = -1
        slot.pointee.lastExtra = -1
        if taken.isMetered || taken.isWatched { self.account(index, taken) }
        if taken.descriptor < 0 || taken.writesPending > 0 {
            self.writeThroughNIO(index, taken, skipping: 0)
        } else if taken.rangeCount == 1 {
            self.sendOne(index, taken)
        } else {
            self.sendSeveral(index, taken)
        }
    }

    private func sendOne(_ index: Int32, _ slot: Slot) {
        let count = Int(slot.end - slot.start)
        self.tally.sendCalls += 1
        let sent = Glibc.send(slot.descriptor, self.arena.base + Int(slot.start), count, sendFlags)
        self.finishSend(index, slot, sent: sent, failure: errno, wanted: count)
    }

    private func sendSeveral(_ index: Int32, _ slot: Slot) {
        guard slot.rangeCount <= Self.vectorsMax else {
            // So many pieces are not worth a second way: NIO copies them into one.
            return self.writeThroughNIO(index, slot, skipping: 0)
        }
        self.vectors.removeAll(keepingCapacity: true)
        var wanted = 0
        self.forEachRange(slot) { start, end in
            self.vectors.append(iovec(iov_base: self.arena.base + start, iov_len: end - start))
            wanted += end - start
        }
        self.tally.sendCalls += 1
        let sent = self.vectors.withUnsafeMutableBufferPointer { vectors in
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = vectors.count
            return sendmsg(slot.descriptor, &message, sendFlags)
        }
        self.finishSend(index, slot, sent: sent, failure: errno, wanted: wanted)
    }

    @inline(__always)
    private func finishSend(_ index: Int32, _ slot: Slot, sent: Int, failure: Int32, wanted: Int) {
        if sent == wanted {
            self.tally.bytesSent += sent
        } else if sent >= 0 {
            self.tally.bytesSent += sent
            self.writeThroughNIO(index, slot, skipping: sent)
        } else if failure == EAGAIN || failure == EWOULDBLOCK || failure == EINTR || failure == ENOBUFS {
            self.writeThroughNIO(index, slot, skipping: 0)
        }
        // Any other failure means that the peer is gone: NIO reports it, and the slot is cleared then.
    }

    /// Copies what is left of the slot's ranges and writes it through NIO, which keeps the order and waits for the socket.
    private func writeThroughNIO(_ index: Int32, _ slot: Slot, skipping: Int) {
        guard let subscriber = self.subscribers[Int(index)] else { return }
        var total = -skipping
        self.forEachRange(slot) { start, end in total += end - start }
        var buffer = subscriber.allocator.buffer(capacity: total)
        var skip = skipping
        self.forEachRange(slot) { start, end in
            let skipped = min(skip, end - start)
            skip -= skipped
            buffer.writeBytes(
                UnsafeRawBufferPointer(start: self.arena.base + start + skipped, count: end - start - skipped))
        }
        self.tally.slowWrites += 1
        self.tally.bytesSent += total
        self.table.slots[Int(index)].writesPending += 1
        self.table.slots[Int(index)].bytesPending += total
        let promise = self.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.written(index, generation: slot.generation, bytes: total)
        }
        subscriber.writeThroughNIO(buffer, promise: promise)
        self.checkPending(index, generation: slot.generation, subscriber)
    }

    private func checkPending(_ index: Int32, generation: UInt32, _ subscriber: any Subscriber) {
        let slot = self.table.slots[Int(index)]
        guard slot.isInUse, slot.generation == generation, !slot.isClosing else { return }
        if slot.bytesPending + self.held.bytes(index) > self.options.pendingBytesHardLimit {
            self.counters.slowClosed.wrappingIncrement(ordering: .relaxed)
            subscriber.closeAsTooSlow()
        } else if slot.bytesPending > self.options.pendingBytesSoftLimit {
            self.table.slots[Int(index)].isBacklogged = true
            self.table.slots[Int(index)].isCongested = true
        }
    }

    /// NIO has finished a write, one way or the other.
    ///
    /// Publishes nothing: the connection may be half closed here.
    private func written(_ index: Int32, generation: UInt32, bytes: Int) {
        let slot = self.table.slots + Int(index)
        guard slot.pointee.isInUse, slot.pointee.generation == generation else { return }
        slot.pointee.writesPending -= 1
        slot.pointee.bytesPending -= bytes
        guard slot.pointee.isBacklogged, slot.pointee.bytesPending <= self.options.pendingBytesSoftLimit / 2 else {
            return
        }
        slot.pointee.isBacklogged = false
        self.sendHeld(index)
    }

    /// Delivers to a connection that has more waiting than the soft limit, or that is over its budget.
    func deliverSlowly(
        _ index: Int32, _ channel: Int32, _ frame: UnsafeRawBufferPointer, data: Range<Int>,
        _ packed: inout PackedFrame, _ start: Int32, _ end: Int32, _ conflation: Conflation
    ) {
        let hadOlder: Bool
        switch conflation {
        case .none:
            // A channel keeps its order: what waits goes before what cannot wait. Not at any price: where very many wait,
            // their states would fill the memory at once.
            if self.arena.count <= self.options.arenaBytesMax, let older = self.held.take(index, channel: channel) {
                self.send(index, older, of: channel)
            }
            guard self.table.slots[Int(index)].isCompressed else { return self.mark(index, start, end) }
            return self.markPacked(index, frame, &packed, start, end)
        case .tick: hadOlder = self.held.hold(index, channel: channel, tick: frame, data: data)
        case .candle: hadOlder = self.held.hold(index, channel: channel, frame: frame)
        case .state:
            let weight = self.channels.channels[Int(channel)].derived?.stateWeight ?? 0
            hadOlder = self.held.hold(index, channel: channel, change: frame, merged: weight)
        case .market:
            let weights = self.channels.channels[Int(channel)].derived?.marketWeights ?? [:]
            hadOlder = self.held.hold(index, channel: channel, market: weights)
        }
        if self.table.slots[Int(index)].isMetered { self.listMetered(index) }
        guard hadOlder else { return }
        self.tally.ticksConflated += 1
        self.tally.framesDelivered -= 1
        if self.table.slots[Int(index)].merges < .max { self.table.slots[Int(index)].merges += 1 }
    }

    /// Sends what was held back for a connection, the channel that has waited longest first, as far as its budget goes.
    func sendHeld(_ index: Int32) {
        let slot = self.table.slots + Int(index)
        guard !slot.pointee.isBacklogged, !slot.pointee.isOverBudget, !slot.pointee.isClosing else { return }
        var allowance = slot.pointee.isMetered ? self.meter.credit(index, now: self.eventLoop.now) : Int.max
        while let (channel, event) = self.held.takeFirst(index) {
            let before = self.arena.count
            self.send(index, event, of: channel)
            allowance -= self.arena.count - before
            // What is left has its turn when the budget is filled up; what has been sent goes to the end.
            if allowance <= 0, self.held.count(index) > 0 { return self.overdraw(index) }
        }
        slot.pointee.isCongested = slot.pointee.isMetered
    }

    private func send(_ index: Int32, _ event: HeldEvents.Event, of channel: Int32) {
        switch event {
        case .frame(let frame, let data, let merged):
            let own = frame.withUnsafeBytes { TickText.escaped.weight(UnsafeRawBufferPointer(rebasing: $0[data])) }
            guard merged > own else {
                frame.withUnsafeBytes { self.sendPacked(index, $0) }
                return
            }
            Self.counted(frame, data: data, merged: merged).withUnsafeBytes { self.sendPacked(index, $0) }
        case .change(let frame, _): frame.withUnsafeBytes { self.sendPacked(index, $0) }
        case .state(let merged):
            guard let derived = self.channels.channels[Int(channel)].derived,
                case .ticker(let quotes, _) = derived.content
            else { return }
            let frame = quotes.catchUp(merged: merged)
            self.send(index, name: frame.name, derived.key.name, frame.data, isPackable: true)
        case .market(let symbols):
            guard let derived = self.channels.channels[Int(channel)].derived,
                case .market(let quotes, _) = derived.content
            else { return }
            for frame in quotes.catchUp(symbols) {
                self.send(index, name: "market", derived.key.name, frame.data, isPackable: true)
            }
        }
    }

    /// A frame whose data says that it stands for `merged` ticks.
    private static func counted(_ frame: [UInt8], data: Range<Int>, merged: Int) -> ArraySlice<UInt8> {
        let header = frame.withUnsafeBytes { WebSocketHeader.lengths($0)?.header ?? 0 }
        return WebSocketHeader.textFrame { output in
            output.append(contentsOf: frame[header..<data.lowerBound])
            frame.withUnsafeBytes {
                TickText.escaped.append(UnsafeRawBufferPointer(rebasing: $0[data]), merged: merged, to: &output)
            }
            output.append(contentsOf: frame[data.upperBound...])
        }
    }

    func forEachRange(_ slot: Slot, _ body: (Int, Int) -> Void) {
        body(Int(slot.start), Int(slot.end))
        var extra = slot.firstExtra
        while extra >= 0 {
            let range = self.extras[Int(extra)]
            body(Int(range.start), Int(range.end))
            extra = range.next
        }
    }
}
