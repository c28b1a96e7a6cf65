import Atomics
import Channels
import NIOCore

extension HubShard {
    /// Sends a connection's last bytes and takes it off its channels: nothing may follow a close frame.
    func finish(_ slot: Int32, _ bytes: [UInt8]) {
        self.leaveAll(slot)
        self.held.forget(slot)
        bytes.withUnsafeBytes { self.send(slot, $0) }
        self.table.slots[Int(slot)].isClosing = true
        self.table.slots[Int(slot)].isCongested = false
        self.table.slots[Int(slot)].isBacklogged = false
        self.table.slots[Int(slot)].isOverBudget = false
        self.table.slots[Int(slot)].isMetered = false
        self.meter.remove(slot)
        self.flush(slot)
    }

    /// Sets when a connection's silence is checked.
    func setCheck(_ slot: Int32, at instant: ContinuousClock.Instant) {
        // Rounded up, so that a check never comes a moment too early and is then repeated.
        self.table.slots[Int(slot)].checkTime = Int32(clamping: (instant - self.epoch).components.seconds + 1)
        guard self.sweep == nil else { return }
        self.sweep = self.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) {
            [weak self] _ in
            self?.checkSilence(now: .now)
        }
    }

    /// Checks every connection whose time has come; stops the clock when there is none left.
    func checkSilence(now: ContinuousClock.Instant) {
        let seconds = (now - self.epoch).components.seconds
        var count = 0
        for index in 0..<self.table.count where self.table.slots[index].isInUse {
            count += 1
            guard self.table.slots[index].checkTime <= seconds, let subscriber = self.subscribers[index] else {
                continue
            }
            self.table.slots[index].checkTime = .max
            if let next = subscriber.checkSilence(now: now) { self.setCheck(Int32(index), at: next) }
        }
        if count == 0 {
            self.sweep?.cancel()
            self.sweep = nil
        }
    }

    /// Succeeds when this loop has no connection any more.
    func whenEmpty() -> EventLoopFuture<Void> {
        guard self.counters.connections.load(ordering: .relaxed) > 0 else {
            return self.eventLoop.makeSucceededVoidFuture()
        }
        let promise = self.eventLoop.makePromise(of: Void.self)
        self.emptied.append(promise)
        return promise.futureResult
    }

    /// A connection has given its slot back.
    func connectionGone() {
        guard !self.emptied.isEmpty, self.counters.connections.load(ordering: .relaxed) == 0 else { return }
        let promises = self.emptied
        self.emptied = []
        for promise in promises { promise.succeed() }
    }

    /// Closes every connection of this loop.
    func closeAll(_ code: CloseCode) {
        for index in 0..<self.table.count where self.table.slots[index].isInUse {
            self.subscribers[index]?.close(code)
        }
    }
}
