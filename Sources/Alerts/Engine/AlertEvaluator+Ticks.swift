import Market

/// Taking ticks in: what they move, and whom they pass.
extension AlertEvaluator {
    /// How far a symbol's time may seem to go back before the clock counts as set, in nanoseconds.
    private static let clockTolerance: Int64 = 60_000_000_000

    /// Begins an evaluation of a symbol: does what became due before and gives its time.
    @inline(__always)
    mutating func begin(_ symbol: Int, now: Int64, into fired: inout [FiredAlert]) -> Int64 {
        self.keepTime(now)
        let newest = self.symbols[symbol].now
        var now = now
        if now < newest {
            if newest &- now > Self.clockTolerance { self.resetClock(of: symbol, to: now) } else { now = newest }
        }
        self.symbols[symbol].now = now
        if self.symbols[symbol].nextDue <= now {
            let start = fired.count
            self.runTimers(of: symbol, through: now, into: &fired)
            self.announce(symbol)
            Self.sortByTime(&fired, from: start)
        }
        return now
    }

    @inline(__always)
    mutating func keepTime(_ now: Int64) {
        if let clock = self.clock, clock >= now { return }
        let isFirst = self.clock == nil
        self.clock = now
        if isFirst { self.startWaitingSilences(now) }
    }

    /// The clock was set back: what was measured begins anew, and what alerts remember stays.
    private mutating func resetClock(of symbol: Int, to now: Int64) {
        let ids = self.slots.compactMap { slot in slot.flatMap { Int($0.symbol) == symbol ? $0.id : nil } }
        var alerts: [Alert] = []
        for id in ids.sorted() {
            guard let index = self.slotOfID[id], var alert = self.alert(at: index) else { continue }
            if alert.state.confirming != nil { alert.state.confirming?.since = Timestamp(nanoseconds: now) }
            alerts.append(alert)
            self.remove(at: index)
        }
        self.symbols[symbol].timers = AlertTimers()
        self.symbols[symbol].now = now
        for index in self.streams.indices where Int(self.streams[index].symbol) == symbol {
            if self.streams[index].heardAt != nil { self.streams[index].heardAt = now }
        }
        for alert in alerts { self.add(alert, now: now) }
    }

    /// Takes a trade into one stream.
    @inline(__always)
    mutating func take(_ trade: Trade, stream: Int, _ occasion: Occasion, into fired: inout [FiredAlert]) {
        if self.streams[stream].alertCount == 0 {
            self.streams[stream].move(to: trade.price, at: occasion.now)
            self.streams[stream].heardAt = occasion.now
        } else if self.streams[stream].tradeLateness == nil {
            self.takeWatched(trade, stream: stream, occasion, into: &fired)
        } else {
            var late = occasion
            late.lateness = self.streams[stream].tradeLateness
            self.takeWatched(trade, stream: stream, late, into: &fired)
        }
        // A hole ends with the first trade that was not missed.
        if self.streams[stream].tradeLateness != nil, self.missed == nil { self.streams[stream].tradeLateness = nil }
    }

    private mutating func takeWatched(
        _ trade: Trade, stream: Int, _ occasion: Occasion, into fired: inout [FiredAlert]
    ) {
        var touched: [Int32] = []
        swap(&touched, &self.touched)
        let previous = self.streams[stream].last
        var isMeasured = self.streams[stream].isMeasured
        if isMeasured, !self.streams[stream].hasAttention,
            self.streams[stream].waiting.take(trade.price, trade.size, at: occasion.now)
        {
            isMeasured = false
        }
        if isMeasured {
            self.streams[stream].distribute()
            // Time goes first: what has left a window is gone.
            self.streams[stream].advance(to: occasion.now, before: trade.price, passed: &touched)
            if !touched.isEmpty {
                var time = occasion
                time.phase = .time
                self.look(&touched, time, into: &fired)
            }
        }
        self.streams[stream].move(to: trade.price, at: occasion.now)
        self.streams[stream].cause = FiredAlert.Cause(trade)
        self.heard(stream, at: occasion.now, into: &touched)
        if let previous { self.streams[stream].book.move(from: previous, to: trade.price, passed: &touched) }
        if isMeasured {
            self.streams[stream].measure(trade, now: occasion.now, passed: &touched)
            self.streams[stream].measureOutCalm(at: occasion.now)
        }
        if !self.streams[stream].hasAttention {
            if !touched.isEmpty {
                // Whoever is passed by the price may measure more than that.
                for index in touched {
                    guard let slot = self.slots[Int(index)], slot.condition.isMeasuredOverTime else { continue }
                    self.streams[stream].settle(for: slot.condition)
                }
                self.look(&touched, occasion, into: &fired)
            }
        } else {
            self.streams[stream].settle()
            self.lookWithAttention(&touched, stream, occasion, into: &fired)
        }
        swap(&touched, &self.touched)
    }

    private mutating func lookWithAttention(
        _ touched: inout [Int32], _ stream: Int, _ occasion: Occasion, into fired: inout [FiredAlert]
    ) {
        var attention: [Int32] = []
        swap(&attention, &self.streams[stream].attention)
        // A slot that was given away meanwhile does not belong here.
        self.keepAttentive(&attention) { Int($0.stream) == stream && $0.condition.isTradeDriven }
        touched += attention
        self.look(&touched, occasion, into: &fired)
        self.keepAttentive(&attention) { Int($0.stream) == stream && $0.condition.isTradeDriven }
        attention += self.streams[stream].attention
        swap(&attention, &self.streams[stream].attention)
    }

    /// Takes a quote into one stream.
    mutating func take(_ quote: Quote, stream: Int, _ occasion: Occasion, into fired: inout [FiredAlert]) {
        var occasion = occasion
        occasion.lateness = self.streams[stream].quoteLateness
        self.streams[stream].quoteLateness = nil
        guard self.streams[stream].alertCount > 0 else {
            self.streams[stream].heardAt = occasion.now
            self.streams[stream].spread.take(quote)
            return
        }
        var touched: [Int32] = []
        self.streams[stream].cause = FiredAlert.Cause(
            venue: quote.venue, price: self.streams[stream].last, eventTime: quote.eventTime,
            receivedTime: quote.receivedTime)
        self.heard(stream, at: occasion.now, into: &touched)
        self.streams[stream].spread.take(quote)
        self.streams[stream].spread.measure(passed: &touched)
        var attention: [Int32] = []
        swap(&attention, &self.streams[stream].quoteAttention)
        let isHere: (AlertSlot) -> Bool = { slot in
            if case .spread = slot.condition { return Int(slot.stream) == stream }
            return false
        }
        self.keepAttentive(&attention, where: isHere)
        touched += attention
        self.look(&touched, occasion, into: &fired)
        self.keepAttentive(&attention, where: isHere)
        attention += self.streams[stream].quoteAttention
        swap(&attention, &self.streams[stream].quoteAttention)
    }

    /// Compares the venues of a symbol's pairs after a trade of one of them.
    mutating func comparePairs(
        _ trade: Trade, symbol: Int, stream: Int, _ occasion: Occasion, into fired: inout [FiredAlert]
    ) {
        for pair in 0..<self.symbols[symbol].pairs.count {
            let first = self.symbols[symbol].pairs[pair].first
            let second = self.symbols[symbol].pairs[pair].second
            guard trade.venue == first || trade.venue == second else { continue }
            var touched: [Int32] = []
            self.symbols[symbol].pairs[pair].measure(now: occasion.now, passed: &touched)
            var time = occasion
            time.phase = .time
            self.look(&touched, time, into: &fired)
            guard pair < self.symbols[symbol].pairs.count, self.symbols[symbol].pairs[pair].first == first else {
                return
            }
            let point = PricePoint(price: trade.price, time: occasion.now)
            self.symbols[symbol].pairs[pair].isFirstNewest = trade.venue == first
            if trade.venue == first {
                self.symbols[symbol].pairs[pair].firstPoint = point
            } else {
                self.symbols[symbol].pairs[pair].secondPoint = point
            }
            self.symbols[symbol].pairs[pair].measure(now: occasion.now, passed: &touched)
            var attention: [Int32] = []
            swap(&attention, &self.symbols[symbol].pairs[pair].attention)
            let isHere: (AlertSlot) -> Bool = { slot in
                if case .divergence(_, first, second) = slot.condition { return Int(slot.symbol) == symbol }
                return false
            }
            self.keepAttentive(&attention, where: isHere)
            touched += attention
            var tick = occasion
            tick.cause = FiredAlert.Cause(trade)
            tick.previous = self.streams[stream].previous
            self.look(&touched, tick, into: &fired)
            self.keepAttentive(&attention, where: isHere)
            guard let now = self.pairIndex(first, second, symbol: symbol) else { continue }
            self.symbols[symbol].pairs[now].attention += attention
            if now != pair { return }
        }
    }
}

extension AlertStream {
    /// How many windows there are, the longer ones for what is usual counted too.
    var windowCount: Int {
        self.moves.count + self.volumes.reduce(0) { $0 + ($1.multipleCount > 0 ? 1 << 16 : 1) }
    }

    /// Puts the trades that wait into the windows, so that those can be read or changed.
    mutating func settle() {
        self.distribute()
        guard let now = self.tradedAt else { return }
        for index in self.moves.indices { self.moves[index].settle(at: now) }
        for index in self.volumes.indices { self.volumes[index].advance(to: now) }
    }

    /// Puts the trades that wait into the window of one condition.
    mutating func settle(for condition: AlertCondition) {
        self.distribute()
        guard let now = self.tradedAt else { return }
        guard let length = condition.moveLength else {
            for index in self.volumes.indices { self.volumes[index].advance(to: now) }
            return
        }
        for index in self.moves.indices where self.moves[index].length == length { self.moves[index].settle(at: now) }
    }

    /// Ends the stretch in which trades wait for all windows together: each has its own from here.
    mutating func distribute() {
        guard self.waiting.end != .min else { return }
        var slices: [(slice: WaitingTrades.Slice, highest: PricePoint, lowest: PricePoint)] = []
        self.waiting.end { slices.append(($0, $1, $2)) }
        guard let newest = slices.last?.slice.newestAt, let last = self.last else { return }
        for index in self.moves.indices {
            if self.moves[index].includesLast {
                for (_, highest, lowest) in slices { self.moves[index].wait(highest, lowest) }
            } else {
                self.moves[index].wait(newest: PricePoint(price: last, time: newest))
            }
        }
        let exponent = Int(self.waiting.exponent)
        for index in self.volumes.indices {
            for (slice, _, _) in slices where slice.volume != 0 {
                self.volumes[index].add(slice.volume, exponent: exponent, at: slice.newestAt)
            }
        }
    }

    /// Finds what trades can do without anything to measure.
    mutating func measureOutCalm(at now: Int64) {
        var calm = CalmStretch(start: now, exponent: self.volumes.lazy.map(\.window.exponent).min())
        for index in self.moves.indices {
            guard self.moves[index].calmEnd > now else { return }
            calm.end = min(calm.end, self.moves[index].calmEnd)
            if let low = self.moves[index].calmLow { calm.raise(to: low) }
            if let high = self.moves[index].calmHigh { calm.lower(to: high) }
        }
        for index in self.volumes.indices where !self.volumes[index].narrow(&calm) { return }
        guard let last = self.last else { return }
        self.waiting.begin(calm, last: last, previous: self.previous ?? last)
    }

    /// Lets leave the windows what is too old, and appends the slots of the thresholds that were passed by that.
    ///
    /// Windows in which a trade at `price` can wait are left alone.
    mutating func advance(to now: Int64, before price: Decimal64, passed slots: inout [Int32]) {
        guard let last = self.last else { return }
        for index in self.moves.indices where !self.moves[index].isCalm(price, at: now) {
            self.moves[index].settle()
            self.moves[index].advance(to: now, last: last, passed: &slots)
        }
        for index in self.volumes.indices { self.volumes[index].pass(to: now, passed: &slots) }
    }

    /// Takes the newest trade into the windows, and appends the slots of the thresholds that it passed.
    mutating func measure(_ trade: Trade, now: Int64, passed slots: inout [Int32]) {
        let point = PricePoint(price: trade.price, time: now)
        for index in self.moves.indices {
            if self.moves[index].isCalm(trade.price, at: now) {
                self.moves[index].wait(point, point)
                self.moves[index].wait(newest: point)
            } else {
                self.moves[index].settle()
                self.moves[index].take(point, passed: &slots)
            }
        }
        for index in self.volumes.indices {
            self.volumes[index].add(trade.size, at: now)
            self.volumes[index].measure(now: now, passed: &slots)
        }
    }
}

extension AlertCondition {
    /// Whether it is measured over a window or a day.
    var isMeasuredOverTime: Bool {
        switch self {
        case .move, .newHigh, .newLow, .volume: true
        case .level, .crossing, .inside, .enters, .leaves, .spread, .silence, .divergence: false
        }
    }

    /// The length of the window of prices that it is measured over, 0 for the day; `nil` for all else.
    var moveLength: Int64? {
        switch self {
        case .move(_, _, let span): span.length
        case .newHigh(let window), .newLow(let window): window.wholeNanoseconds
        case .volume, .level, .crossing, .inside, .enters, .leaves, .spread, .silence, .divergence: nil
        }
    }

    /// Whether the trades of the alert's own stream are what it is evaluated with.
    var isTradeDriven: Bool {
        switch self {
        case .level, .crossing, .inside, .enters, .leaves, .move, .newHigh, .newLow, .volume: true
        case .spread, .silence, .divergence: false
        }
    }
}
