public import Market

/// Trades that were missed when they happened.
extension AlertEvaluator {
    /// What firings of missed trades say.
    struct Missed: Sendable {
        var lateness: AlertLateness
        var firedAt: Timestamp
    }

    /// Tells that ticks of a venue may be missing since some time.
    ///
    /// What turns true with the next trade, or the next quote, may have been true before, and its firing says so. Whatever turns true
    /// later is not late.
    ///
    /// The streams are the venue's own and, if the venue drove the symbol last, the primary one.
    public mutating func noteHole(symbol: Symbol, venue: Venue, lateness: AlertLateness) {
        guard let known = self.symbolIndices[symbol] else { return }
        let index = Int(known)
        let isPrimary = self.symbols[index].primaryVenue.map { $0 == venue } ?? true
        if isPrimary { self.streams[Int(self.symbols[index].primary)].noteHole(lateness) }
        self.streams[Int(self.streamIndex(of: venue, symbol: index))].noteHole(lateness)
    }

    /// Evaluates trades that were missed when they happened: what would have fired and has not fired since does so once, late.
    ///
    /// Trades that are newer than all of their stream are evaluated as if they came now, but with the time at which they happened:
    /// that is exact, and how a restart catches up. Trades between others, which fill a hole afterwards, are played to the alerts
    /// as those were when the hole began; moves and volumes are then measured over what the windows still hold and the missed
    /// trades, spreads, silences and divergences are not. Either way the windows take the trades in.
    ///
    /// - Parameters:
    ///   - trades: Of one symbol and venue, in the order in which they happened; snapshots and replays among them are left out.
    ///   - isPrimary: Whether the venue drives the symbol.
    ///   - lateness: Why they come late.
    ///   - now: The time of the evaluation: when the firings say they fired.
    ///   - fired: Where firings are appended, in the order of the trades that fired them.
    public mutating func evaluateMissed(
        _ trades: [Trade], isPrimary: Bool = true, lateness: AlertLateness, now: Timestamp,
        into fired: inout [FiredAlert]
    ) {
        let trades = trades.filter { $0.flags.isDisjoint(with: [.snapshot, .replayed]) }
        guard let first = trades.first else { return }
        let symbol = self.symbolIndex(first.symbol)
        let venue = Int(self.streamIndex(of: first.venue, symbol: symbol))
        let streams = isPrimary ? [Int(self.symbols[symbol].primary), venue] : [venue]
        let missed = Missed(lateness: lateness, firedAt: now)
        let isNewest = streams.allSatisfy {
            self.streams[$0].tradedAt.map { $0 <= first.eventTime.nanoseconds } ?? true
        }
        if isNewest {
            self.missed = missed
            for trade in trades { self.evaluateLate(trade, symbol, venue, isPrimary: isPrimary, into: &fired) }
            self.missed = nil
            return
        }
        for stream in streams where self.streams[stream].alertCount > 0 {
            self.replay(trades, stream: stream, missed, into: &fired)
            self.fill(trades, stream: stream)
        }
    }

    private mutating func evaluateLate(
        _ trade: Trade, _ symbol: Int, _ venue: Int, isPrimary: Bool, into fired: inout [FiredAlert]
    ) {
        let now = self.begin(symbol, now: max(trade.eventTime.nanoseconds, self.symbols[symbol].now), into: &fired)
        let occasion = Occasion(phase: .tick, now: now, firedAt: Timestamp(nanoseconds: now))
        let start = fired.count
        if isPrimary {
            self.symbols[symbol].primaryVenue = trade.venue
            self.take(trade, stream: Int(self.symbols[symbol].primary), occasion, into: &fired)
        }
        self.take(trade, stream: venue, occasion, into: &fired)
        if self.symbols[symbol].hasPairs {
            self.comparePairs(trade, symbol: symbol, stream: venue, occasion, into: &fired)
        }
        if fired.count > start + 1 { fired[start...].sort { $0.alert.id < $1.alert.id } }
    }

    /// Plays trades that happened between others to the alerts that they can have fired, in an index of its own.
    private mutating func replay(_ trades: [Trade], stream: Int, _ missed: Missed, into fired: inout [FiredAlert]) {
        guard let first = trades.first else { return }
        self.streams[stream].settle()
        let own = self.streams[stream]
        let since = missed.lateness.since.nanoseconds
        let before = own.priceBeforeHole(since: since)
        var replay = AlertEvaluator(stormGuard: StormGuard(firingsMax: .max, window: .seconds(1)))
        replay.setCalendar(self.symbols[Int(own.symbol)].calendar, of: first.symbol)
        if let before {
            replay.seed(
                lastPrice: before, symbol: first.symbol, venue: own.venue ?? first.venue, isPrimary: own.venue == nil)
        }
        for index in own.candidates(for: trades, before: before) {
            guard let slot = self.slots[Int(index)], var alert = self.alert(at: index) else { continue }
            if let firedAt = alert.state.lastFiredAt, firedAt >= missed.lateness.since { continue }
            let wasArmed = slot.armChangedAt < since ? slot.isArmed : !slot.isArmed
            alert.state.isArmed = wasArmed
            alert.state.lastPrice = before
            alert.state.confirming = nil
            replay.insert(alert)
            guard let copy = replay.slotOfID[alert.id] else { continue }
            if before != nil, wasArmed { replay.slots[Int(copy)]?.flags.insert([.armed, .known]) }
        }
        guard replay.count > 0 else { return }
        let symbol = replay.symbolIndex(first.symbol)
        let target = Int(own.venue.map { replay.streamIndex(of: $0, symbol: symbol) } ?? replay.symbols[symbol].primary)
        replay.streams[target].takeWindows(of: own, before: first.eventTime.nanoseconds)
        var late: [FiredAlert] = []
        replay.evaluateMissed(
            trades, isPrimary: own.venue == nil, lateness: missed.lateness, now: missed.firedAt, into: &late)
        for firing in late { self.take(firing, at: missed.firedAt, into: &fired) }
    }

    /// Takes over a firing that the replay of missed trades found.
    private mutating func take(_ firing: FiredAlert, at time: Timestamp, into fired: inout [FiredAlert]) {
        guard let index = self.slotOfID[firing.alert.id], let slot = self.slots[Int(index)] else { return }
        let isOnce = self.options[slot.options].mode == .once
        let (count, isStorm) = self.record(
            index, price: firing.cause.price, evaluatedAt: firing.cause.eventTime, firedAt: time)
        guard var alert = self.alert(at: index) else { return }
        if isOnce { alert.state.isArmed = false }
        if isStorm { alert.pause = .storm }
        var firing = firing
        firing.alert = alert
        firing.crossing = count
        firing.isStorm = isStorm
        fired.append(firing)
        if isOnce || isStorm { self.retire(index, crossing: count, isStorm: isStorm) }
    }

    /// Has the windows of a stream take in trades that happened between others.
    private mutating func fill(_ trades: [Trade], stream: Int) {
        self.streams[stream].settle()
        let now = self.symbols[Int(self.streams[stream].symbol)].now
        for trade in trades {
            let point = PricePoint(price: trade.price, time: trade.eventTime.nanoseconds)
            for index in self.streams[stream].moves.indices {
                self.streams[stream].moves[index].insert(point, now: now)
            }
            guard let size = trade.size else { continue }
            for index in self.streams[stream].volumes.indices {
                self.streams[stream].volumes[index].insert(size, at: point.time, now: now)
            }
        }
        self.attendPassed(stream: stream, now: now)
    }

    /// Compares a stream's measures anew and has those looked at with the next tick that were passed.
    mutating func attendPassed(stream: Int, now: Int64) {
        guard let last = self.streams[stream].last else { return }
        var passed: [Int32] = []
        for index in self.streams[stream].moves.indices {
            self.streams[stream].moves[index].measure(last, passed: &passed)
        }
        for index in self.streams[stream].volumes.indices {
            self.streams[stream].volumes[index].measure(now: now, passed: &passed)
        }
        for index in passed { self.attend(index) }
    }
}

extension AlertStream {
    fileprivate mutating func noteHole(_ lateness: AlertLateness) {
        let since = lateness.since.nanoseconds
        if self.tradeLateness != nil, let newest = self.holes.indices.last {
            // No trade came since: it is the same hole.
            self.holes[newest].since = min(self.holes[newest].since, since)
        } else {
            if self.holes.count == Self.holesMax { self.holes.removeFirst() }
            self.holes.append(
                AlertHole(since: since, price: (self.tradedAt ?? .min) <= since ? self.last : self.previous))
        }
        self.tradeLateness = lateness
        self.quoteLateness = lateness
    }

    /// The last price before the hole that began at `since`; `nil` when none is known.
    fileprivate func priceBeforeHole(since: Int64) -> Decimal64? {
        (self.holes.last { $0.since <= since } ?? self.holes.first)?.price
    }

    /// The alerts that trades between others can have fired.
    fileprivate func candidates(for trades: [Trade], before: Decimal64?) -> [Int32] {
        let prices = trades.map(\.price) + [before, self.last].compactMap(\.self)
        guard let low = prices.min(), let high = prices.max() else { return [] }
        var slots = self.book.slots(from: low, through: high)
        for gauge in self.moves { slots += gauge.slots }
        for gauge in self.volumes { slots += gauge.absolute.slots + gauge.multiple.slots }
        return Set(slots).sorted()
    }

    /// Takes what another stream's windows held before `time`.
    fileprivate mutating func takeWindows(of other: AlertStream, before time: Int64) {
        for index in self.moves.indices {
            guard let gauge = other.moves.first(where: { $0.length == self.moves[index].length }) else { continue }
            self.moves[index].takeContents(of: gauge, before: time)
        }
        for index in self.volumes.indices {
            guard let gauge = other.volumes.first(where: { $0.length == self.volumes[index].length }) else { continue }
            self.volumes[index].takeContents(of: gauge, before: time)
        }
    }
}
