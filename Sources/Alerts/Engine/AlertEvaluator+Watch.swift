import Market

/// Where alerts wait: the values at which they must be looked at.
///
/// Each has all its points in the books as long as it is there: where its condition turns true and where it counts as behind the
/// threshold again. Only the point of `again` moves.
extension AlertEvaluator {
    private mutating func setWatch(_ index: Int32, _ slot: AlertSlot, isOn: Bool) {
        let stream = Int(slot.stream)
        let rearm = self.options[slot.options].rearm
        switch slot.condition {
        case .level, .crossing, .inside, .enters, .leaves:
            for price in slot.condition.watchedPrices(rearm: rearm) {
                self.streams[stream].book.set(price, slot: index, isOn: isOn)
            }
        case .move(let direction, let amount, let span):
            let gauge = self.moveGauge(stream, length: span.length, isOn: isOn)
            for value in amount.watchedValues(rearm: rearm) {
                if direction != .down {
                    self.streams[stream].moves[gauge].setRise(amount, value, slot: index, isOn: isOn)
                }
                if direction != .up {
                    self.streams[stream].moves[gauge].setFall(amount, value, slot: index, isOn: isOn)
                }
            }
            self.dropMoveGauge(stream, gauge)
        case .newHigh(let window):
            let gauge = self.moveGauge(stream, length: window.wholeNanoseconds, isOn: isOn)
            let back = rearm ?? AlertReading.defaultExtremeRearm
            self.streams[stream].moves[gauge].extremeCount += isOn ? 1 : -1
            self.streams[stream].moves[gauge].setFall(back, back.value, slot: index, isOn: isOn)
            if slot.isArmed { self.streams[stream].moves[gauge].armedHighs.set(.zero, slot: index, isOn: isOn) }
            self.dropMoveGauge(stream, gauge)
        case .newLow(let window):
            let gauge = self.moveGauge(stream, length: window.wholeNanoseconds, isOn: isOn)
            let back = rearm ?? AlertReading.defaultExtremeRearm
            self.streams[stream].moves[gauge].extremeCount += isOn ? 1 : -1
            self.streams[stream].moves[gauge].setRise(back, back.value, slot: index, isOn: isOn)
            if slot.isArmed { self.streams[stream].moves[gauge].armedLows.set(.zero, slot: index, isOn: isOn) }
            self.dropMoveGauge(stream, gauge)
        case .volume(let amount, let window):
            self.setVolumeWatch(index, stream, amount, rearm, length: window.wholeNanoseconds, isOn: isOn)
        case .spread(let amount):
            for value in amount.watchedValues(rearm: rearm) {
                switch amount {
                case .absolute: self.streams[stream].spread.absolute.set(value, slot: index, isOn: isOn)
                case .percent: self.streams[stream].spread.percent.set(value, slot: index, isOn: isOn)
                case .multiple: break
                }
            }
        case .silence(let duration):
            self.setSilenceWatch(
                index, stream, SilenceGroup.Key(duration: duration.wholeNanoseconds, hours: self.silenceHours(slot)),
                isOn: isOn)
        case .divergence(let amount, let first, let second):
            self.setPairWatch(index, Int(slot.symbol), amount, rearm, first, second, isOn: isOn)
        }
    }

    /// Puts an alert on the lists where it waits, or takes it away.
    mutating func setWatch(_ index: Int32, isOn: Bool) {
        guard let slot = self.slots[Int(index)] else { return }
        guard slot.condition.isMeasuredOverTime else { return self.setWatch(index, slot, isOn: isOn) }
        let stream = Int(slot.stream)
        self.streams[stream].settle()
        let count = self.streams[stream].windowCount
        self.setWatch(index, slot, isOn: isOn)
        if self.streams[stream].windowCount != count { self.streams[stream].windowsChanged() }
    }

    /// Puts the points at which an alert fires again among the prices, or takes them away.
    ///
    /// Spreads and divergences are not evaluated with the trades of their stream: they are looked at with each of their own.
    mutating func setAgain(_ index: Int32, isOn: Bool) {
        guard let slot = self.slots[Int(index)], slot.flags.contains(.again) != isOn, slot.condition.isTradeDriven,
            let again = self.options[slot.options].again, let anchor = self.memory(at: index)?.lastFiredPrice
        else { return }
        for side in PriceSide.allCases {
            guard let price = anchor.moved(side, by: again) else { continue }
            self.streams[Int(slot.stream)].book.set(price, slot: index, isOn: isOn)
        }
        if isOn { self.slots[Int(index)]?.flags.insert(.again) } else { self.slots[Int(index)]?.flags.remove(.again) }
    }

    /// Of new highs and lows only those that are armed wait for one.
    mutating func setExtremeWatch(_ index: Int32, isOn: Bool) {
        guard let slot = self.slots[Int(index)] else { return }
        switch slot.condition {
        case .newHigh(let window):
            if let gauge = self.moveGauge(of: window.wholeNanoseconds, stream: Int(slot.stream)) {
                self.streams[Int(slot.stream)].moves[gauge].armedHighs.set(.zero, slot: index, isOn: isOn)
            }
        case .newLow(let window):
            if let gauge = self.moveGauge(of: window.wholeNanoseconds, stream: Int(slot.stream)) {
                self.streams[Int(slot.stream)].moves[gauge].armedLows.set(.zero, slot: index, isOn: isOn)
            }
        case .level, .crossing, .inside, .enters, .leaves, .move, .volume, .spread, .silence, .divergence: break
        }
    }

    private mutating func setVolumeWatch(
        _ index: Int32, _ stream: Int, _ amount: AlertAmount, _ rearm: AlertAmount?, length: Int64, isOn: Bool
    ) {
        var gauge = self.volumeGauge(of: length, stream: stream)
        if gauge == nil, isOn {
            gauge = self.streams[stream].volumes.count
            self.streams[stream].volumes.append(VolumeGauge(length: length))
        }
        guard let gauge else { preconditionFailure("volume window \(length) is missing") }
        self.streams[stream].volumes[gauge].alertCount += isOn ? 1 : -1
        switch amount {
        case .absolute:
            for value in amount.watchedValues(rearm: rearm) {
                self.streams[stream].volumes[gauge].absolute.set(value, slot: index, isOn: isOn)
            }
        case .multiple:
            self.streams[stream].volumes[gauge].multipleCount += isOn ? 1 : -1
            if isOn { self.streams[stream].volumes[gauge].keepBaseline() }
            for value in amount.watchedValues(rearm: rearm) {
                self.streams[stream].volumes[gauge].multiple.set(value, slot: index, isOn: isOn)
            }
        case .percent: break
        }
        if self.streams[stream].volumes[gauge].alertCount == 0 { self.streams[stream].volumes.remove(at: gauge) }
    }

    private mutating func setSilenceWatch(_ index: Int32, _ stream: Int, _ key: SilenceGroup.Key, isOn: Bool) {
        var group = self.streams[stream].silences.firstIndex { $0.key == key }
        if group == nil, isOn {
            group = self.streams[stream].silences.count
            self.streams[stream].silences.append(SilenceGroup(key: key))
        }
        guard let group else { preconditionFailure("silence of \(key.duration) ns is missing") }
        self.streams[stream].silences[group].members[index] = isOn ? .min : nil
        if self.streams[stream].silences[group].members.isEmpty { self.streams[stream].silences.remove(at: group) }
    }

    private mutating func setPairWatch(
        _ index: Int32, _ symbol: Int, _ amount: AlertAmount, _ rearm: AlertAmount?, _ first: Venue, _ second: Venue,
        isOn: Bool
    ) {
        var pair = self.pairIndex(first, second, symbol: symbol)
        if pair == nil, isOn {
            pair = self.symbols[symbol].pairs.count
            self.symbols[symbol].pairs.append(VenuePair(first: first, second: second))
        }
        guard let pair else { preconditionFailure("pair of \(first) and \(second) is missing") }
        self.symbols[symbol].pairs[pair].alertCount += isOn ? 1 : -1
        for value in amount.watchedValues(rearm: rearm) {
            switch amount {
            case .absolute: self.symbols[symbol].pairs[pair].absolute.set(value, slot: index, isOn: isOn)
            case .percent: self.symbols[symbol].pairs[pair].percent.set(value, slot: index, isOn: isOn)
            case .multiple: break
            }
        }
        if self.symbols[symbol].pairs[pair].alertCount == 0 { self.symbols[symbol].pairs.remove(at: pair) }
    }

    // MARK: Finding what is measured

    func moveGauge(of length: Int64, stream: Int) -> Int? {
        self.streams[stream].moves.firstIndex { $0.length == length }
    }

    func volumeGauge(of length: Int64, stream: Int) -> Int? {
        self.streams[stream].volumes.firstIndex { $0.length == length }
    }

    func pairIndex(_ first: Venue, _ second: Venue, symbol: Int) -> Int? {
        self.symbols[symbol].pairs.firstIndex { $0.first == first && $0.second == second }
    }

    /// Counts an alert in or out of a span's measure, which is made for the first one.
    private mutating func moveGauge(_ stream: Int, length: Int64, isOn: Bool) -> Int {
        var gauge = self.moveGauge(of: length, stream: stream)
        if gauge == nil, isOn {
            gauge = self.streams[stream].moves.count
            let calendar = self.symbols[Int(self.streams[stream].symbol)].calendar
            self.streams[stream].moves.append(MoveGauge(length: length, calendar: calendar))
        }
        guard let gauge else { preconditionFailure("window \(length) is missing") }
        self.streams[stream].moves[gauge].alertCount += isOn ? 1 : -1
        return gauge
    }

    private mutating func dropMoveGauge(_ stream: Int, _ gauge: Int) {
        if self.streams[stream].moves[gauge].alertCount == 0 { self.streams[stream].moves.remove(at: gauge) }
    }

    /// The hours whose time counts as silence.
    private func silenceHours(_ slot: AlertSlot) -> AlertHours {
        switch self.options[slot.options].hours {
        case .regular, .all: .regular
        case .extended: .extended
        }
    }
}

extension MoveGauge {
    fileprivate mutating func setRise(_ unit: AlertAmount, _ value: Decimal64, slot: Int32, isOn: Bool) {
        self.thresholdsChanged()
        switch unit {
        case .absolute: self.rise.set(value, slot: slot, isOn: isOn)
        case .percent: self.risePercent.set(value, slot: slot, isOn: isOn)
        case .multiple: break
        }
    }

    fileprivate mutating func setFall(_ unit: AlertAmount, _ value: Decimal64, slot: Int32, isOn: Bool) {
        self.thresholdsChanged()
        switch unit {
        case .absolute: self.fall.set(value, slot: slot, isOn: isOn)
        case .percent: self.fallPercent.set(value, slot: slot, isOn: isOn)
        case .multiple: break
        }
    }
}

extension SignalBook {
    mutating func set(_ threshold: Decimal64, slot: Int32, isOn: Bool) {
        if isOn { self.insert(threshold: threshold, slot: slot) } else { self.remove(threshold: threshold, slot: slot) }
    }
}

extension PriceBook {
    mutating func set(_ threshold: Decimal64, slot: Int32, isOn: Bool) {
        if isOn { self.insert(threshold: threshold, slot: slot) } else { self.remove(threshold: threshold, slot: slot) }
    }
}

extension ThresholdBook {
    mutating func set(_ threshold: Decimal64, slot: Int32, isOn: Bool) {
        if isOn { self.insert(threshold: threshold, slot: slot) } else { self.remove(threshold: threshold, slot: slot) }
    }
}

extension MoveSpan {
    /// In nanoseconds; 0 for the day.
    var length: Int64 {
        switch self {
        case .window(let window): window.wholeNanoseconds
        case .today: 0
        }
    }
}

extension AlertAmount {
    /// The number without its unit.
    var value: Decimal64 {
        switch self {
        case .absolute(let value), .percent(let value), .multiple(let value): value
        }
    }

    /// At what measured value an alert on this amount counts as behind it again: `rearm` less.
    ///
    /// In the amount's own unit if `rearm` has that (5 % less 1 % is 4 %), else `rearm` in percent of the amount; `nil` where that
    /// makes no sense. Not below zero.
    func lessened(by rearm: AlertAmount?) -> Decimal64? {
        guard let rearm else { return nil }
        switch (self, rearm) {
        case (.absolute(let value), .absolute), (.absolute(let value), .percent), (.multiple(let value), .percent):
            return value.moved(.below, by: rearm)
        case (.percent(let value), .percent(let less)), (.multiple(let value), .multiple(let less)):
            return value.moved(.below, by: .absolute(less))
        case (.percent, .absolute), (.percent, .multiple), (.multiple, .absolute), (.absolute, .multiple): return nil
        }
    }

    /// The measured values at which an alert on this amount must be looked at.
    func watchedValues(rearm: AlertAmount?) -> [Decimal64] {
        if let back = self.lessened(by: rearm) { return [self.value, back] }
        return [self.value]
    }
}

extension AlertCondition {
    /// The prices at which an alert must be looked at.
    func watchedPrices(rearm: AlertAmount?) -> [Decimal64] {
        var prices: [Decimal64] = []
        func add(_ price: Decimal64, _ side: PriceSide?) {
            guard let side else { return prices.append(price) }
            if let rearm, let moved = price.moved(side, by: rearm) { prices.append(moved) }
        }
        switch self {
        case .level(let side, let threshold):
            add(threshold, nil)
            add(threshold, side == .above ? .below : .above)
        case .crossing(let direction, let threshold):
            add(threshold, nil)
            if direction != .below { add(threshold, .below) }
            if direction != .above { add(threshold, .above) }
        case .inside(let range), .enters(let range):
            add(range.low, nil)
            add(range.high, nil)
            add(range.low, .below)
            add(range.high, .above)
        case .leaves(let range):
            add(range.low, nil)
            add(range.high, nil)
            add(range.low, .above)
            add(range.high, .below)
        case .move, .newHigh, .newLow, .volume, .spread, .silence, .divergence: break
        }
        return prices
    }
}
