import NIOCore

/// Budgets of bytes, and what is recorded of connections that somebody looks at.
extension HubShard {
    /// How often overdrawn connections are looked at.
    private static var meterInterval: TimeAmount { .milliseconds(50) }

    /// Gives a connection a budget: the hub's own, or a lower one that it asks for.
    func setBudget(_ slot: Int32, asked: Int?) {
        let budgets = [self.options.connectionBytesPerSecondMax, asked].compactMap { $0 }
        guard let budget = budgets.min() else { return }
        self.meter.add(slot, bytesPerSecond: budget, now: self.eventLoop.now)
        self.table.slots[Int(slot)].isMetered = true
        // Its ticks are held until the end of each loop tick, so that of a burst the newest ones are paid for.
        self.table.slots[Int(slot)].isCongested = true
    }

    /// Something is held for a connection with a budget: it is sent at the end of the loop tick, if the budget allows.
    func listMetered(_ index: Int32) {
        let slot = self.table.slots[Int(index)]
        guard !slot.isOverBudget, !slot.isBacklogged, !slot.isMeterListed else { return }
        self.table.slots[Int(index)].isMeterListed = true
        self.meterListed.append(index)
        self.scheduleDrain()
    }

    /// Sends what the loop tick has brought for connections with a budget.
    func sendMetered() {
        var next = 0
        while next < self.meterListed.count {
            let index = self.meterListed[next]
            next += 1
            guard self.table.slots[Int(index)].isMeterListed else { continue }
            self.table.slots[Int(index)].isMeterListed = false
            self.sendHeld(index)
            if self.arena.count > self.options.arenaBytesMax { self.flushListed() }
        }
        self.meterListed.removeAll(keepingCapacity: true)
    }

    /// What is about to be sent counts.
    func account(_ index: Int32, _ slot: Slot) {
        if slot.isWatched { self.record(index, slot) }
        guard slot.isMetered else { return }
        var bytes = 0
        self.forEachRange(slot) { start, end in bytes += end - start }
        guard self.meter.spend(index, bytes: bytes, now: self.eventLoop.now), !slot.isClosing else { return }
        self.table.slots[Int(index)].isOverBudget = true
        self.setMeterTimer()
    }

    /// The budget goes no further although something is held: it has its turn when there is more.
    func overdraw(_ index: Int32) {
        self.meter.overdraw(index)
        self.table.slots[Int(index)].isOverBudget = true
        self.setMeterTimer()
    }

    private func setMeterTimer() {
        guard !self.meter.isTimerSet, !self.meter.overdrawn.isEmpty else { return }
        self.meter.isTimerSet = true
        self.eventLoop.scheduleTask(in: Self.meterInterval) { [weak self] in self?.meterTimerFired() }
    }

    private func meterTimerFired() {
        self.meter.isTimerSet = false
        for slot in self.meter.takeFilled(now: self.eventLoop.now) {
            self.table.slots[Int(slot)].isOverBudget = false
            self.sendHeld(slot)
        }
        self.setMeterTimer()
    }

    // MARK: Recording

    /// Records what is sent to a connection from now on, for as long as somebody asks.
    func watch(_ slot: Int32) {
        self.recorders[slot, default: FrameRecorder()].asked(now: self.eventLoop.now)
        self.table.slots[Int(slot)].isWatched = true
    }

    private func record(_ index: Int32, _ slot: Slot) {
        guard var recorder = self.recorders.removeValue(forKey: index) else { return }
        let now = self.eventLoop.now
        guard recorder.isWanted(now: now) else {
            self.table.slots[Int(index)].isWatched = false
            return
        }
        self.forEachRange(slot) { start, end in
            let bytes = UnsafeRawBufferPointer(start: self.arena.base + start, count: end - start)
            recorder.add(bytes, now: now) { self.codec.unpacked($0) }
        }
        self.recorders[index] = recorder
    }
}
