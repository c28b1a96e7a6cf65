import Market

/// Putting alerts into the index and taking them out.
extension AlertEvaluator {
    mutating func symbolIndex(_ symbol: Symbol) -> Int {
        if let index = self.symbolIndices[symbol] { return Int(index) }
        return self.addSymbol(symbol)
    }

    @inline(never)
    private mutating func addSymbol(_ symbol: Symbol) -> Int {
        let index = Int32(truncatingIfNeeded: self.symbols.count)
        self.symbolIndices[symbol] = index
        self.symbols.append(AlertSymbol(symbol: symbol, primary: Int32(truncatingIfNeeded: self.streams.count)))
        self.streams.append(AlertStream(symbol: index, venue: nil))
        return Int(index)
    }

    mutating func streamIndex(of venue: Venue, symbol: Int) -> Int32 {
        if self.symbols[symbol].firstVenue == venue { return self.symbols[symbol].firstStream }
        for index in 0..<self.symbols[symbol].venues.count where self.symbols[symbol].venues[index].venue == venue {
            return self.symbols[symbol].venues[index].stream
        }
        let stream = Int32(truncatingIfNeeded: self.streams.count)
        self.streams.append(AlertStream(symbol: Int32(truncatingIfNeeded: symbol), venue: venue))
        if self.symbols[symbol].venues.isEmpty {
            self.symbols[symbol].firstVenue = venue
            self.symbols[symbol].firstStream = stream
        }
        self.symbols[symbol].venues.append((venue, stream))
        return stream
    }

    /// Takes over what does not concern where the alert waits; false when more has changed.
    mutating func update(_ index: Int32, to alert: Alert) -> Bool {
        guard let slot = self.slots[Int(index)], self.options[slot.options] == alert.expression.options,
            alert.state == self.state(at: index)
        else { return false }
        if self.users[slot.user] != alert.user {
            self.users.release(slot.user)
            self.slots[Int(index)]?.user = self.users.retain(alert.user)
        }
        self.setExtra(index, alert)
        return true
    }

    private mutating func setExtra(_ index: Int32, _ alert: Alert) {
        let extra = AlertExtra(
            webhookURL: alert.webhookURL, template: alert.template, locale: alert.locale,
            snoozedUntil: alert.snoozedUntil, revision: alert.revision)
        if extra.isEmpty {
            if self.slots[Int(index)]?.flags.contains(.extra) == true { self.extras[index] = nil }
            self.slots[Int(index)]?.flags.remove(.extra)
        } else {
            self.extras[index] = extra
            self.slots[Int(index)]?.flags.insert(.extra)
        }
    }

    /// Puts an alert that is not there into the index; `kept` is what it was there, if only its options changed.
    mutating func add(_ alert: Alert, now: Int64?, keeping kept: AlertSlot? = nil) {
        let symbol = self.symbolIndex(alert.symbol)
        let stream = alert.venue.map { self.streamIndex(of: $0, symbol: symbol) } ?? self.symbols[symbol].primary
        var slot = AlertSlot(
            id: alert.id, condition: alert.expression.condition, symbol: Int32(truncatingIfNeeded: symbol),
            stream: stream, user: self.users.retain(alert.user), options: self.options.retain(alert.expression.options))
        if alert.state.isArmed { slot.flags.insert(.armed) }
        if let kept {
            slot.armChangedAt = kept.armChangedAt
            slot.flags = kept.flags.intersection([.armed, .known, .cameFromAbove, .cameFromBelow, .changed])
        }
        let index: Int32
        if let free = self.freeSlots.popLast() {
            index = free
            self.slots[Int(index)] = slot
        } else {
            index = Int32(truncatingIfNeeded: self.slots.count)
            self.slots.append(slot)
        }
        self.slotOfID[alert.id] = index
        if slot.flags.contains(.changed) { self.changed.append(index) }
        self.setExtra(index, alert)
        var memory = alert.state
        memory.isArmed = true
        // The storm is over once its user has resumed it.
        if memory.recentFirings.count > self.stormGuard.firingsMax { memory.recentFirings = [] }
        if memory != AlertState() { self.setMemory(index, memory) }
        self.symbols[symbol].alertCount += 1
        self.streams[Int(stream)].alertCount += 1
        self.setWatch(index, isOn: true)
        if alert.state.lastFiredPrice != nil { self.setAgain(index, isOn: true) }
        if let until = alert.expression.options.until {
            self.addTimer(symbol, due: until.nanoseconds, .expiry, id: alert.id, slot: index)
        }
        if let confirming = alert.state.confirming { self.addConfirmation(index, since: confirming.since.nanoseconds) }
        if case .silence = slot.condition {
            self.startSilence(index, armedAt: now ?? self.clock)
            return
        }
        if !slot.flags.contains(.known) { self.judge(index) }
        self.attend(index)
    }

    mutating func remove(at index: Int32) {
        guard let slot = self.slots[Int(index)] else { return }
        self.setAgain(index, isOn: false)
        self.setWatch(index, isOn: false)
        self.slotOfID[slot.id] = nil
        self.users.release(slot.user)
        self.options.release(slot.options)
        if slot.memory >= 0 {
            self.memories[Int(slot.memory)] = nil
            self.freeMemories.append(slot.memory)
        }
        if slot.flags.contains(.extra) { self.extras[index] = nil }
        self.slots[Int(index)] = nil
        self.freeSlots.append(index)
        self.symbols[Int(slot.symbol)].alertCount -= 1
        self.streams[Int(slot.stream)].alertCount -= 1
        if self.streams[Int(slot.stream)].alertCount == 0 { self.streams[Int(slot.stream)].endOfAlerts() }
        if self.symbols[Int(slot.symbol)].alertCount == 0 { self.symbols[Int(slot.symbol)].timers = AlertTimers() }
    }

    // MARK: What an alert remembers

    mutating func setMemory(_ index: Int32, _ state: AlertState) {
        guard let known = self.slots[Int(index)]?.memory else { return }
        if known >= 0 {
            self.memories[Int(known)] = state
        } else if let free = self.freeMemories.popLast() {
            self.memories[Int(free)] = state
            self.slots[Int(index)]?.memory = free
        } else {
            self.slots[Int(index)]?.memory = Int32(truncatingIfNeeded: self.memories.count)
            self.memories.append(state)
        }
    }

    func memory(at index: Int32) -> AlertState? {
        guard let memory = self.slots[Int(index)]?.memory, memory >= 0 else { return nil }
        return self.memories[Int(memory)]
    }

    /// Since when the alert's condition is to be confirmed; without a copy of all that it remembers.
    func confirming(at index: Int32) -> AlertState.Confirming? {
        guard let memory = self.slots[Int(index)]?.memory, memory >= 0 else { return nil }
        return self.memories[Int(memory)]?.confirming
    }

    /// When the alert last fired; see ``confirming(at:)``.
    func lastFiredAt(_ index: Int32) -> Timestamp? {
        guard let memory = self.slots[Int(index)]?.memory, memory >= 0 else { return nil }
        return self.memories[Int(memory)]?.lastFiredAt
    }

    /// At what price the alert last fired; see ``confirming(at:)``.
    func lastFiredPrice(_ index: Int32) -> Decimal64? {
        guard let memory = self.slots[Int(index)]?.memory, memory >= 0 else { return nil }
        return self.memories[Int(memory)]?.lastFiredPrice
    }

    mutating func noteChange(_ index: Int32) {
        guard self.slots[Int(index)]?.flags.contains(.changed) == false else { return }
        self.slots[Int(index)]?.flags.insert(.changed)
        self.changed.append(index)
    }

    /// Has the alert looked at with the next tick of its kind.
    mutating func attend(_ index: Int32) {
        guard let slot = self.slots[Int(index)], !slot.flags.contains(.attentive) else { return }
        self.slots[Int(index)]?.flags.insert(.attentive)
        switch slot.condition {
        case .spread: self.streams[Int(slot.stream)].quoteAttention.append(index)
        case .divergence(_, let first, let second):
            if let pair = self.pairIndex(first, second, symbol: Int(slot.symbol)) {
                self.symbols[Int(slot.symbol)].pairs[pair].attention.append(index)
            }
        case .silence: break
        case .level, .crossing, .inside, .enters, .leaves, .move, .newHigh, .newLow, .volume:
            self.streams[Int(slot.stream)].attention.append(index)
        }
    }

    /// Keeps of a list, which is held elsewhere meanwhile, whom to look at next time too.
    mutating func keepAttentive(_ list: inout [Int32], where isHere: (AlertSlot) -> Bool) {
        var count = 0
        for index in list {
            // A slot may stand here twice when it was given away meanwhile: the mark is taken off to see it once.
            guard let slot = self.slots[Int(index)], isHere(slot), slot.flags.contains(.attentive) else { continue }
            self.slots[Int(index)]?.flags.remove(.attentive)
            list[count] = index
            count += 1
        }
        list.removeSubrange(count...)
        for index in list { self.slots[Int(index)]?.flags.insert(.attentive) }
    }

    /// Tells whoever waits on a stream the price from before it was here.
    mutating func seed(_ price: Decimal64, stream: Int32) {
        guard self.streams[Int(stream)].last == nil else { return }
        self.streams[Int(stream)].seed(price)
        for index in self.streams[Int(stream)].attention { self.judge(index) }
    }

    /// The alert with all it is and remembers.
    func alert(at index: Int32) -> Alert? {
        guard let slot = self.slots[Int(index)] else { return nil }
        let extra = slot.flags.contains(.extra) ? self.extras[index] : nil
        return Alert(
            id: slot.id, user: self.users[slot.user], symbol: self.symbols[Int(slot.symbol)].symbol,
            venue: self.streams[Int(slot.stream)].venue,
            expression: AlertExpression(condition: slot.condition, options: self.options[slot.options]),
            webhookURL: extra?.webhookURL, template: extra?.template, locale: extra?.locale,
            snoozedUntil: extra?.snoozedUntil, revision: extra?.revision ?? 0, state: self.state(at: index))
    }

    func state(at index: Int32) -> AlertState {
        guard let slot = self.slots[Int(index)] else { return AlertState() }
        var state = self.memory(at: index) ?? AlertState()
        state.isArmed = slot.isArmed
        let stream = self.streams[Int(slot.stream)]
        if let last = stream.last {
            state.lastPrice = last
            if case .crossing(_, let threshold) = slot.condition { state.lastPrice = stream.side(of: threshold) }
        }
        if slot.isCrossingEither {
            switch (slot.flags.contains(.cameFromBelow), slot.flags.contains(.cameFromAbove)) {
            case (true, false): state.cameFrom = .below
            case (false, true): state.cameFrom = .above
            case (true, true), (false, false): state.cameFrom = nil
            }
        }
        // A single firing that its user armed again waits, whatever side the price is on; only a firing spends it.
        if self.options[slot.options].mode == .once, state.crossingCount > 0 { state.isArmed = true }
        return state
    }
}
