public import Market

extension AlertEvaluator {
    /// Where an alert stands: what it measures now, how far that is from its threshold, and what it waits for.
    ///
    /// - Parameters:
    ///   - id: The alert.
    ///   - now: The time that cooldowns, snoozes and hours are told for.
    /// - Returns: `nil` when it is not in the index.
    public func explain(id: Int64, now: Timestamp) -> AlertExplanation? {
        guard let index = self.slotOfID[id], let slot = self.slots[Int(index)], let alert = self.alert(at: index) else {
            return nil
        }
        let stream = self.streams[Int(slot.stream)]
        let time = self.symbols[Int(slot.symbol)].now
        let reading = self.read(index, price: stream.last, now: time)
        var explanation = AlertExplanation(
            alert: alert, value: nil, price: stream.last, threshold: nil, distance: nil, distancePercent: nil,
            coverage: nil, window: nil, isTrue: reading.isTrue, waiting: [])
        var value = stream.last
        if let (measured, unit) = self.measured(slot, price: stream.last, now: time) {
            explanation.value = measured?.amount(in: unit)
            value = explanation.value?.value
            explanation.threshold = unit.value
        } else {
            explanation.threshold = self.nearestPrice(slot, price: stream.last)
        }
        if let value, let threshold = explanation.threshold {
            // A distance of more than 18 digits is not told.
            explanation.distance = try? threshold.subtracting(value)
            if value.mantissa > 0 {
                explanation.distancePercent = Measure(threshold, minus: value, percentOf: value).rounded(decimals: 4)
            }
        }
        self.explainWindow(slot, now: time, &explanation)
        explanation.waiting = self.waiting(index, slot, reading, explanation, now: now)
        return explanation
    }

    /// What a condition measures other than the price, and its amount.
    private func measured(
        _ slot: AlertSlot, price: Decimal64?, now: Int64
    ) -> (value: Measure?, amount: AlertAmount)? {
        let stream = Int(slot.stream)
        switch slot.condition {
        case .level, .crossing, .inside, .enters, .leaves, .newHigh, .newLow, .silence: return nil
        case .move(let direction, let amount, let span):
            // A copy takes in what waits.
            var copy = self.streams[stream]
            copy.settle()
            let gauge = copy.moves.first { $0.length == span.length }
            let moves = price.flatMap { gauge?.moves(of: $0, in: amount) }
            switch direction {
            case .up: return (moves?.rise, amount)
            case .down: return (moves?.fall, amount)
            case .either:
                let rise = moves?.rise.amount(in: amount)?.value ?? .zero
                let fall = moves?.fall.amount(in: amount)?.value ?? .zero
                return (rise >= fall ? moves?.rise : moves?.fall, amount)
            }
        case .volume(let amount, let window):
            // A copy takes in what waits.
            var copy = self.streams[stream]
            copy.settle()
            guard let gauge = copy.volumes.first(where: { $0.length == window.wholeNanoseconds }) else { return nil }
            if case .multiple = amount { return (gauge.multiple(at: now), amount) }
            return (gauge.volume, amount)
        case .spread(let amount): return (self.streams[stream].spread.value(in: amount), amount)
        case .divergence(let amount, let first, let second):
            let pair = self.pairIndex(first, second, symbol: Int(slot.symbol))
            return (pair.flatMap { self.symbols[Int(slot.symbol)].pairs[$0].value(in: amount, at: now) }, amount)
        }
    }

    /// The price that is compared with: the threshold, the nearer bound, the window's extreme.
    private func nearestPrice(_ slot: AlertSlot, price: Decimal64?) -> Decimal64? {
        switch slot.condition {
        case .level(_, let threshold), .crossing(_, let threshold): return threshold
        case .inside(let range), .enters(let range), .leaves(let range):
            guard let price else { return nil }
            let low = Measure(price, minus: range.low)
            let high = Measure(range.high, minus: price)
            let isLow = low.rounded(decimals: 8)?.magnitude ?? .zero <= high.rounded(decimals: 8)?.magnitude ?? .zero
            return isLow ? range.low : range.high
        case .newHigh(let window), .newLow(let window):
            guard let price, let gauge = self.moveGauge(of: window.wholeNanoseconds, stream: Int(slot.stream)),
                let extremes = self.streams[Int(slot.stream)].moves[gauge].extremes(with: price)
            else { return nil }
            if case .newHigh = slot.condition { return extremes.high.price }
            return extremes.low.price
        case .move, .volume, .spread, .silence, .divergence: return nil
        }
    }

    private func explainWindow(_ slot: AlertSlot, now: Int64, _ explanation: inout AlertExplanation) {
        let stream = Int(slot.stream)
        let since: Int64?
        let length: Int64
        switch slot.condition {
        case .move(_, _, .today), .level, .crossing, .inside, .enters, .leaves, .spread, .silence, .divergence: return
        case .move(_, _, .window(let window)), .newHigh(let window), .newLow(let window):
            length = window.wholeNanoseconds
            since = self.moveGauge(of: length, stream: stream).flatMap { self.streams[stream].moves[$0].since }
        case .volume(let amount, let window):
            guard let index = self.volumeGauge(of: window.wholeNanoseconds, stream: stream) else { return }
            let gauge = self.streams[stream].volumes[index]
            if case .multiple = amount {
                length = gauge.length + gauge.baselineLength
                since = gauge.whole?.since
            } else {
                length = gauge.length
                since = gauge.window.since
            }
        }
        explanation.window = .nanoseconds(length)
        explanation.coverage = .nanoseconds(since.map { min(length, max(0, now - $0)) } ?? 0)
    }

    private func waiting(
        _ index: Int32, _ slot: AlertSlot, _ reading: AlertReading, _ explanation: AlertExplanation, now: Timestamp
    ) -> [AlertExplanation.Waiting] {
        let options = self.options[slot.options]
        let state = explanation.alert.state
        var waiting: [AlertExplanation.Waiting] = []
        if let until = explanation.alert.snoozedUntil, until > now { waiting.append(.snooze(until: until)) }
        if let cooldown = options.cooldown, let firedAt = state.lastFiredAt {
            let end = firedAt.advanced(byNanoseconds: cooldown.wholeNanoseconds)
            if end > now { waiting.append(.cooldown(until: end)) }
        }
        if options.hours != .all, let calendar = self.symbols[Int(slot.symbol)].calendar,
            !options.hours.contains(calendar.phase(at: now))
        {
            waiting.append(.hours(options.hours))
        }
        if case .silence = slot.condition {
            return waiting + [slot.isArmed ? self.silenceWait(slot) : .firstTick]
        }
        if let history = self.missingHistory(slot, explanation) { waiting.append(history) }
        if let confirming = state.confirming {
            switch options.confirmation {
            case .ticks(let count): waiting.append(.confirmation(ticks: count - confirming.count))
            case .time(let duration):
                let due = confirming.since.advanced(byNanoseconds: duration.wholeNanoseconds)
                waiting.append(.confirmed(at: due))
            case nil: break
            }
            return waiting
        }
        if explanation.price == nil, explanation.value == nil { return waiting + [.firstTick] }
        if !slot.isArmed, !reading.isBack {
            let isNew = slot.condition.needsOtherSide && state.crossingCount == 0
            return waiting + [isNew ? .otherSide : .rearm(options.rearm)]
        }
        return waiting + [.condition]
    }

    private func silenceWait(_ slot: AlertSlot) -> AlertExplanation.Waiting {
        guard case .silence(let duration) = slot.condition else { return .condition }
        let hours: AlertHours = self.options[slot.options].hours == .extended ? .extended : .regular
        let key = SilenceGroup.Key(duration: duration.wholeNanoseconds, hours: hours)
        let stream = self.streams[Int(slot.stream)]
        let armedAt = stream.silences.first { $0.key == key }?.members.first { self.slots[Int($0.key)]?.id == slot.id }
        let start = max(stream.heardAt ?? .min, armedAt?.value ?? .min)
        guard start > .min, let end = self.silenceEnd(from: start, key, symbol: Int(slot.symbol)) else {
            return .firstTick
        }
        return .silence(until: Timestamp(nanoseconds: end))
    }

    private func missingHistory(
        _ slot: AlertSlot, _ explanation: AlertExplanation
    ) -> AlertExplanation.Waiting? {
        guard let known = explanation.coverage else { return nil }
        switch slot.condition {
        case .newHigh(let window), .newLow(let window):
            return known < window ? .history(known: known, needed: window) : nil
        case .volume(.multiple, let window):
            guard let gauge = self.volumeGauge(of: window.wholeNanoseconds, stream: Int(slot.stream)) else {
                return nil
            }
            let needed = Duration.nanoseconds(self.streams[Int(slot.stream)].volumes[gauge].baselineNeeded) + window
            return known < needed ? .history(known: known, needed: needed) : nil
        case .level, .crossing, .inside, .enters, .leaves, .move, .volume, .spread, .silence, .divergence: return nil
        }
    }
}
