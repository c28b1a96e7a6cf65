import Market

/// One evaluation of one alert: from a reading to a firing.
extension AlertEvaluator {
    /// What an evaluation is about.
    struct Occasion: Sendable {
        enum Phase: Sendable {
            /// A tick of the alert's stream: counts for confirmations by ticks.
            case tick
            /// Time has gone on before a tick is taken in: can only turn conditions false.
            case time
            /// The time is due at which a condition has lasted long enough.
            case confirmation
        }

        var phase: Phase
        /// The time of the evaluation, in nanoseconds.
        var now: Int64
        /// What a firing says.
        var firedAt: Timestamp
        /// The tick and the price before, where they are not those of the alert's stream.
        var cause: FiredAlert.Cause?
        var previous: Decimal64?
        /// Why what turns true with this tick is late.
        var lateness: AlertLateness?
    }

    /// Looks once at each of the slots, in order of the alerts' ids.
    mutating func look(_ slots: inout [Int32], _ occasion: Occasion, into fired: inout [FiredAlert]) {
        if slots.isEmpty { return }
        self.stamp &+= 1
        if slots.count > 1 {
            slots.sort { (self.slots[Int($0)]?.id ?? .min) < (self.slots[Int($1)]?.id ?? .min) }
        }
        for index in slots {
            guard self.slots[Int(index)]?.stamp != self.stamp else { continue }
            self.slots[Int(index)]?.stamp = self.stamp
            self.look(index, occasion, into: &fired)
        }
        slots.removeAll(keepingCapacity: true)
    }

    /// Looks at one alert.
    mutating func look(_ index: Int32, _ occasion: Occasion, into fired: inout [FiredAlert]) {
        guard let slot = self.slots[Int(index)] else { return }
        let price = self.streams[Int(slot.stream)].last
        if !slot.flags.contains(.known) {
            self.judge(index)
            // A crossing needs a price on the other side first.
            if slot.condition.needsOtherSide { return self.settle(index, isWanting: false) }
        }
        let reading = self.read(index, price: price, now: occasion.now)
        var isArmed = self.slots[Int(index)]?.isArmed == true
        if !isArmed, reading.isBack {
            self.setArmed(index, true, now: occasion.now)
            isArmed = true
        }
        let isEdge = reading.isTrue && isArmed
        let isAgain = !isEdge && reading.isHeld && self.isAgainReached(index, price)
        let confirming = self.confirming(at: index)
        guard isEdge || isAgain else {
            if confirming != nil { self.breakConfirmation(index, price, occasion) }
            if occasion.phase == .tick { self.settle(index, isWanting: reading.isHeld && self.seeksAgain(slot)) }
            return
        }
        switch (occasion.phase, self.options[slot.options].confirmation) {
        case (.time, _):
            // A share of what is usual can rise as time goes on; only the tick decides.
            return self.attend(index)
        case (.tick, nil): break
        case (.confirmation, _): break
        case (.tick, .ticks(let needed)):
            let count = (confirming?.count ?? 0) + 1
            if count < needed {
                self.setConfirming(
                    index, since: confirming?.since.nanoseconds ?? occasion.now, count: count, occasion)
                return self.settle(index, isWanting: true)
            }
        case (.tick, .time):
            if confirming == nil {
                self.setConfirming(index, since: occasion.now, count: 1, occasion)
                self.addConfirmation(index, since: occasion.now)
            }
            return self.settle(index, isWanting: slot.condition.isExtreme || self.seeksAgain(slot))
        }
        let hasFired = self.decide(index, isEdge: isEdge, price, occasion, into: &fired)
        // Whoever is at the point to fire again, but must not now, tries with the next tick.
        self.settle(index, isWanting: self.mayFireAgain(slot) && (!hasFired || !slot.condition.isTradeDriven))
    }

    private func mayFireAgain(_ slot: AlertSlot) -> Bool {
        self.slotOfID[slot.id] != nil && self.options[slot.options].again != nil
    }

    /// Whether its point to fire again is not among the prices, so that it must be looked at each time.
    private func seeksAgain(_ slot: AlertSlot) -> Bool { !slot.condition.isTradeDriven && self.mayFireAgain(slot) }

    /// Keeps the alert on the list of those to look at, or not.
    private mutating func settle(_ index: Int32, isWanting: Bool) {
        if isWanting { self.attend(index) } else { self.slots[Int(index)]?.flags.remove(.attentive) }
    }

    private func isAgainReached(_ index: Int32, _ price: Decimal64?) -> Bool {
        guard let slot = self.slots[Int(index)], let again = self.options[slot.options].again, let price,
            let anchor = self.lastFiredPrice(index)
        else { return false }
        let side = slot.againSide
        if side != .below, let upper = anchor.moved(.above, by: again), price >= upper { return true }
        if side != .above, let lower = anchor.moved(.below, by: again), price <= lower { return true }
        return false
    }

    /// Judges an alert against the price that is known from before it is here, or from before the restart.
    ///
    /// Whoever has been evaluated before goes on from what it remembers; where that and the price are on different sides of the
    /// threshold of `crosses P`, it was crossed unseen, and both count.
    mutating func judge(_ index: Int32) {
        guard let slot = self.slots[Int(index)] else { return }
        let memory = self.memory(at: index)
        let stream = self.streams[Int(slot.stream)]
        let remembered = memory?.lastPrice
        guard let price = stream.last ?? remembered else { return }
        let rearm = self.options[slot.options].rearm
        var flags = slot.flags.union(.known)
        switch slot.condition {
        case .crossing(.either, let threshold):
            let side = (stream.side(of: threshold) ?? price).side(of: threshold)
            let own = memory?.cameFrom ?? remembered?.side(of: threshold)
            let isUnderWay = memory?.confirming != nil || (rearm != nil && !slot.isArmed && remembered != nil)
            var sides: Set<PriceSide> = Set([own, isUnderWay && own != nil ? nil : side].compactMap(\.self))
            if sides.isEmpty { sides = Set(PriceSide.allCases) }
            flags.subtract([.cameFromAbove, .cameFromBelow])
            if sides.contains(.above) { flags.insert(.cameFromAbove) }
            if sides.contains(.below) { flags.insert(.cameFromBelow) }
            if rearm == nil || remembered == nil { flags.insert(.armed) }
        case .crossing, .enters, .leaves:
            let known = slot.condition.threshold.flatMap { stream.side(of: $0) } ?? price
            // Nobody knows from where a price came that is on the threshold since the beginning: either side will do.
            let isTouch = known == slot.condition.threshold && remembered == nil
            let isBack =
                isTouch
                || AlertReading(slot.condition, price: known, rearm: remembered == nil ? nil : rearm)?.isBack == true
            let wasBeyond = remembered.flatMap { AlertReading(slot.condition, price: $0, rearm: nil)?.isTrue } ?? true
            let isArmed = slot.isArmed && remembered != nil && (memory?.confirming != nil || !wasBeyond)
            if isArmed || isBack { flags.insert(.armed) } else { flags.remove(.armed) }
        case .level, .inside:
            if AlertReading(slot.condition, price: price, rearm: rearm)?.isBack == true { flags.insert(.armed) }
        case .move, .newHigh, .newLow, .volume, .spread, .silence, .divergence: break
        }
        self.slots[Int(index)]?.flags = flags
    }

    // MARK: What changes

    private mutating func setArmed(_ index: Int32, _ isArmed: Bool, now: Int64) {
        guard let slot = self.slots[Int(index)], slot.isArmed != isArmed else { return }
        if isArmed {
            self.slots[Int(index)]?.flags.insert(.armed)
        } else {
            self.slots[Int(index)]?.flags.remove(.armed)
        }
        self.slots[Int(index)]?.armChangedAt = now
        if slot.condition.isExtreme { self.setExtremeWatch(index, isOn: isArmed) }
        self.noteChange(index)
    }

    private mutating func setConfirming(_ index: Int32, since: Int64, count: Int, _ occasion: Occasion) {
        guard let slot = self.slots[Int(index)] else { return }
        var state = self.memory(at: index) ?? AlertState()
        let reference = state.confirming.map(\.reference) ?? self.passedExtreme(slot)?.price
        // Late is what turned true late, however soon it was confirmed.
        let lateness =
            state.confirming == nil ? self.missed?.lateness ?? occasion.lateness : state.confirming?.lateness
        state.confirming = AlertState.Confirming(
            since: Timestamp(nanoseconds: since), count: count, reference: reference, lateness: lateness)
        self.setMemory(index, state)
        self.noteChange(index)
    }

    private mutating func breakConfirmation(_ index: Int32, _ price: Decimal64?, _ occasion: Occasion) {
        guard var state = self.memory(at: index) else { return }
        state.confirming = nil
        state.note(AlertEvaluation(time: Timestamp(nanoseconds: occasion.now), price: price, outcome: .unconfirmed))
        self.setMemory(index, state)
        self.noteChange(index)
    }

    /// Uses the edge up and fires, unless something suppresses that; tells whether it fired.
    mutating func decide(
        _ index: Int32, isEdge: Bool, _ price: Decimal64?, _ occasion: Occasion, into fired: inout [FiredAlert]
    ) -> Bool {
        guard let slot = self.slots[Int(index)] else { return false }
        let options = self.options[slot.options]
        let confirming = self.confirming(at: index)
        if confirming != nil, var state = self.memory(at: index) {
            state.confirming = nil
            self.setMemory(index, state)
            self.noteChange(index)
        }
        let suppression = self.suppression(index, slot, options, now: occasion.now)
        // Of a hole each alert tells once; the edge is used up all the same.
        let isTold =
            self.missed.map { missed in
                self.lastFiredAt(index).map { $0 >= missed.lateness.since } ?? false
            } ?? false
        if isEdge {
            if case .crossing(.either, let threshold) = slot.condition, let price {
                self.slots[Int(index)]?.flags.subtract([.cameFromAbove, .cameFromBelow])
                self.slots[Int(index)]?.flags.insert(price > threshold ? .cameFromAbove : .cameFromBelow)
                self.noteChange(index)
                // Without a margin it is armed for the other direction at once.
                let staysArmed = options.rearm == nil && (options.mode == .repeat || suppression != nil)
                if !staysArmed { self.setArmed(index, false, now: occasion.now) }
            } else {
                self.setArmed(index, false, now: occasion.now)
            }
        }
        if let suppression {
            if isEdge {
                if suppression == .cooldown { self.suppressedCount += 1 }
                var state = self.memory(at: index) ?? AlertState()
                state.note(
                    AlertEvaluation(time: Timestamp(nanoseconds: occasion.now), price: price, outcome: suppression))
                self.setMemory(index, state)
                self.noteChange(index)
            }
            return false
        }
        if isTold { return false }
        self.fire(index, slot, price, confirmed: confirming, occasion, into: &fired)
        return true
    }

    private func suppression(
        _ index: Int32, _ slot: AlertSlot, _ options: AlertOptions, now: Int64
    ) -> AlertEvaluation.Outcome? {
        if let cooldown = options.cooldown, let firedAt = self.lastFiredAt(index) {
            // The magnitude, so that a clock set back cannot silence an alert for longer than its cooldown.
            let elapsed = now.subtractingReportingOverflow(firedAt.nanoseconds)
            if !elapsed.overflow, elapsed.partialValue.magnitude < UInt64(cooldown.wholeNanoseconds) {
                return .cooldown
            }
        }
        if slot.flags.contains(.extra), let until = self.extras[index]?.snoozedUntil, now < until.nanoseconds {
            return .snoozed
        }
        if case .silence = slot.condition { return nil }  // Its time has been counted inside the hours.
        guard options.hours != .all, let calendar = self.symbols[Int(slot.symbol)].calendar else { return nil }
        return options.hours.contains(calendar.phase(at: Timestamp(nanoseconds: now))) ? nil : .closed
    }
}

extension AlertHours {
    /// Whether an alert for these hours is evaluated then.
    func contains(_ phase: TradingPhase) -> Bool {
        switch (self, phase) {
        case (.all, _), (_, .regular), (.extended, .pre), (.extended, .post): true
        case (.regular, .pre), (.regular, .post), (_, .closed): false
        }
    }
}

extension AlertState {
    /// Remembers what became of a time at which the condition was true.
    mutating func note(_ evaluation: AlertEvaluation) {
        self.evaluations.append(evaluation)
        if self.evaluations.count > Self.evaluationsMax {
            self.evaluations.removeFirst(self.evaluations.count - Self.evaluationsMax)
        }
    }
}

extension Decimal64 {
    /// The side of `threshold` it is on; `nil` when it is the threshold.
    func side(of threshold: Decimal64) -> PriceSide? {
        self == threshold ? nil : (self > threshold ? .above : .below)
    }
}

extension AlertCondition {
    /// Whether a price must have been on the other side first.
    var needsOtherSide: Bool {
        switch self {
        case .crossing, .enters, .leaves: true
        case .level, .inside, .move, .newHigh, .newLow, .volume, .spread, .silence, .divergence: false
        }
    }

    /// Whether it waits for a new high or low.
    var isExtreme: Bool {
        switch self {
        case .newHigh, .newLow: true
        case .level, .crossing, .inside, .enters, .leaves, .move, .volume, .spread, .silence, .divergence: false
        }
    }
}

extension AlertSlot {
    /// The direction in which `again` counts; `nil` for both.
    var againSide: PriceSide? {
        switch self.condition {
        case .level(let side, _): side
        case .crossing(.above, _), .newHigh, .move(.up, _, _): .above
        case .crossing(.below, _), .newLow, .move(.down, _, _): .below
        case .crossing(.either, _): self.flags.contains(.cameFromAbove) ? .above : .below
        case .inside, .enters, .leaves, .move(.either, _, _), .volume, .spread, .silence, .divergence: nil
        }
    }
}
