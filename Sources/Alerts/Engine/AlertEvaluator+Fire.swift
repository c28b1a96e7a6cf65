import Market

/// What a firing says, and what it leaves behind.
extension AlertEvaluator {
    mutating func fire(
        _ index: Int32, _ slot: AlertSlot, _ price: Decimal64?, confirmed: AlertState.Confirming?, _ occasion: Occasion,
        into fired: inout [FiredAlert]
    ) {
        let stream = Int(slot.stream)
        let options = self.options[slot.options]
        let previous =
            (occasion.cause == nil ? self.streams[stream].previous : occasion.previous)
            ?? self.memory(at: index)?.lastPrice
        let measurement = self.measurement(slot, price, passed: confirmed?.reference, occasion)
        let firedAt = self.missed?.firedAt ?? occasion.firedAt
        let (crossing, isStorm) = self.record(
            index, price: price, evaluatedAt: Timestamp(nanoseconds: occasion.now), firedAt: firedAt)
        guard var alert = self.alert(at: index) else { return }
        if options.mode == .once { alert.state.isArmed = false }
        if isStorm { alert.pause = .storm }
        let lateness = self.missed?.lateness ?? (confirmed == nil ? occasion.lateness : confirmed?.lateness)
        fired.append(
            FiredAlert(
                alert: alert, cause: occasion.cause ?? self.cause(of: slot, price, occasion), previousPrice: previous,
                measurement: measurement, crossing: crossing, firedAt: firedAt, lateness: lateness,
                isStorm: isStorm))
        if options.mode == .once || isStorm {
            self.retire(index, crossing: crossing, isStorm: isStorm)
        }
    }

    /// Takes an alert out that has ended, and remembers that until its row says so.
    mutating func retire(_ index: Int32, crossing: Int64, isStorm: Bool) {
        guard let id = self.slots[Int(index)]?.id else { return }
        self.remove(at: index)
        self.retired[id] = Retirement(crossing: crossing, isStorm: isStorm)
    }

    /// Counts a firing and remembers it; tells its number, and whether it is one too many.
    mutating func record(
        _ index: Int32, price: Decimal64?, evaluatedAt: Timestamp, firedAt: Timestamp
    ) -> (crossing: Int64, isStorm: Bool) {
        self.setAgain(index, isOn: false)
        var state = self.memory(at: index) ?? AlertState()
        state.crossingCount += 1
        state.lastFiredAt = firedAt
        state.lastFiredPrice = price
        state.note(AlertEvaluation(time: evaluatedAt, price: price, outcome: .fired))
        let isStorm = self.countFiring(&state, at: firedAt)
        self.setMemory(index, state)
        self.setAgain(index, isOn: true)
        self.noteChange(index)
        return (state.crossingCount, isStorm)
    }

    /// Tells whether it has fired too often now.
    private func countFiring(_ state: inout AlertState, at time: Timestamp) -> Bool {
        let (earliest, overflow) = time.nanoseconds.subtractingReportingOverflow(
            self.stormGuard.window.wholeNanoseconds)
        state.recentFirings.removeAll { (!overflow && $0.nanoseconds <= earliest) || $0 > time }
        state.recentFirings.append(time)
        return state.recentFirings.count > self.stormGuard.firingsMax
    }

    private func cause(of slot: AlertSlot, _ price: Decimal64?, _ occasion: Occasion) -> FiredAlert.Cause {
        let stream = self.streams[Int(slot.stream)]
        if let cause = stream.cause { return cause }
        let time = Timestamp(nanoseconds: stream.heardAt ?? occasion.now)
        return FiredAlert.Cause(venue: stream.venue, price: price, eventTime: time, receivedTime: time)
    }

    /// The extreme that a new high or low has just passed.
    func passedExtreme(_ slot: AlertSlot) -> PricePoint? {
        let stream = Int(slot.stream)
        switch slot.condition {
        case .newHigh(let window):
            return self.moveGauge(of: window.wholeNanoseconds, stream: stream)
                .flatMap { self.streams[stream].moves[$0].highBefore }
        case .newLow(let window):
            return self.moveGauge(of: window.wholeNanoseconds, stream: stream)
                .flatMap { self.streams[stream].moves[$0].lowBefore }
        case .level, .crossing, .inside, .enters, .leaves, .move, .volume, .spread, .silence, .divergence: return nil
        }
    }

    private func measurement(
        _ slot: AlertSlot, _ price: Decimal64?, passed: Decimal64?, _ occasion: Occasion
    ) -> AlertMeasurement? {
        let now = occasion.now
        let stream = Int(slot.stream)
        switch slot.condition {
        case .level, .crossing, .inside, .enters, .leaves: return nil
        case .move(let direction, let amount, let span):
            guard let price, let gauge = self.moveGauge(of: span.length, stream: stream) else { return nil }
            return self.streams[stream].moves[gauge].measurement(direction, amount, price)
        case .newHigh, .newLow:
            if let passed { return AlertMeasurement(reference: passed) }
            // What was passed is known from the tick that passed it.
            return occasion.phase == .confirmation
                ? nil
                : self.passedExtreme(slot).map {
                    AlertMeasurement(reference: $0.price, referenceTime: Timestamp(nanoseconds: $0.time))
                }
        case .volume(let amount, let window):
            guard let gauge = self.volumeGauge(of: window.wholeNanoseconds, stream: stream) else { return nil }
            return AlertMeasurement(amount: self.streams[stream].volumes[gauge].amount(in: amount, at: now))
        case .spread(let amount):
            let spread = self.streams[stream].spread
            return AlertMeasurement(amount: spread.value(in: amount)?.amount(in: amount), reference: spread.bid)
        case .silence:
            return AlertMeasurement(referenceTime: self.streams[stream].heardAt.map { Timestamp(nanoseconds: $0) })
        case .divergence(let amount, let first, let second):
            guard let index = self.pairIndex(first, second, symbol: Int(slot.symbol)) else { return nil }
            return self.symbols[Int(slot.symbol)].pairs[index].measurement(amount, now: now)
        }
    }
}

extension Measure {
    /// The value in the unit of `unit`: amounts exactly where 18 digits hold them, percents and multiples to four decimals.
    func amount(in unit: AlertAmount) -> AlertAmount? {
        switch unit {
        case .absolute: (self.exact ?? self.rounded(decimals: 8)).map { .absolute($0) }
        case .percent: self.rounded(decimals: 4).map { .percent($0) }
        case .multiple: self.rounded(decimals: 4).map { .multiple($0) }
        }
    }
}

extension MoveGauge {
    /// The move that makes the condition true; of both directions the rise if that is far enough.
    func measurement(_ direction: MoveDirection, _ amount: AlertAmount, _ price: Decimal64) -> AlertMeasurement? {
        guard let (rise, fall) = self.moves(of: price, in: amount), let (low, high) = self.extremes(with: price) else {
            return nil
        }
        let isRise =
            switch direction {
            case .up: true
            case .down: false
            case .either: rise.isAtLeast(amount.value) || !fall.isAtLeast(amount.value)
            }
        let point = isRise ? low : high
        return AlertMeasurement(
            amount: (isRise ? rise : fall).amount(in: amount), reference: point.price,
            referenceTime: point.time == .min ? nil : Timestamp(nanoseconds: point.time))
    }
}

extension VolumeGauge {
    func amount(in unit: AlertAmount, at now: Int64) -> AlertAmount? {
        switch unit {
        case .absolute: self.volume.amount(in: unit)
        case .multiple: self.multiple(at: now)?.amount(in: unit)
        case .percent: nil
        }
    }
}

extension VenuePair {
    /// The distance, and the price of the venue that did not trade just now.
    func measurement(_ amount: AlertAmount, now: Int64) -> AlertMeasurement? {
        guard let first = self.firstPoint, let second = self.secondPoint else { return nil }
        let other = self.isFirstNewest ? second : first
        return AlertMeasurement(
            amount: self.value(in: amount, at: now)?.amount(in: amount), reference: other.price,
            referenceTime: Timestamp(nanoseconds: other.time))
    }
}
