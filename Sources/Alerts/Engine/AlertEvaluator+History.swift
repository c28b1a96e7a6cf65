public import Market

/// What happened before the evaluator saw it.
extension AlertEvaluator {
    /// Tells by which calendar a symbol trades; `nil`, as it is from the beginning, means around the clock.
    ///
    /// Decides about `hours`, which time counts as silence, and what `today` is measured from.
    public mutating func setCalendar(_ calendar: TradingCalendar?, of symbol: Symbol) {
        let index = self.symbolIndex(symbol)
        guard self.symbols[index].calendar != calendar else { return }
        self.symbols[index].calendar = calendar
        guard self.symbols[index].alertCount > 0 else { return }
        let slots = self.slots.indices.filter {
            guard let slot = self.slots[$0], Int(slot.symbol) == index else { return false }
            switch slot.condition {
            case .silence, .move(_, _, .today): return true
            case .level, .crossing, .inside, .enters, .leaves, .move, .newHigh, .newLow, .volume, .spread, .divergence:
                return false
            }
        }
        let alerts = slots.compactMap { self.alert(at: Int32(truncatingIfNeeded: $0)) }
        for alert in alerts { self.remove(id: alert.id) }
        for alert in alerts { self.add(alert, now: nil) }
    }

    /// How far back a stream's history is needed for the windows of its alerts, in bars; `nil` when there are none.
    ///
    /// - Parameters:
    ///   - symbol: The instrument.
    ///   - venue: The venue of the alerts; `nil` for those that follow the primary one.
    public func historyNeeded(for symbol: Symbol, venue: Venue?) -> Duration? {
        guard let index = self.symbolIndices[symbol].map({ Int($0) }) else { return nil }
        var stream = self.symbols[index].primary
        if let venue {
            guard let known = self.symbols[index].venues.first(where: { $0.venue == venue }) else { return nil }
            stream = known.stream
        }
        let day: Int64 = 86_400_000_000_000
        // Of a stock the session before, which may be before a long weekend.
        let today = self.symbols[index].calendar == nil ? day : 5 * day
        let moves = self.streams[Int(stream)].moves.map { $0.length == 0 ? today : $0.length }
        let volumes = self.streams[Int(stream)].volumes.map {
            $0.length + ($0.multipleCount > 0 ? $0.baselineLength : 0)
        }
        return (moves + volumes).max().map { .nanoseconds($0) }
    }

    /// Takes in what happened on a venue before its ticks came here: the last price, the last sign of life, and bars for windows.
    ///
    /// Windows exist from the first alert that needs them: insert first, then ask ``historyNeeded(for:venue:)``, then seed. An
    /// alert that is added while ticks come may be seeded as well: what the window has seen itself counts. A bar counts at the
    /// time at which it began, so windows of less than some bars' length are only roughly right until they have been lived through.
    public mutating func seed(_ history: AlertHistory) {
        let symbol = self.symbolIndex(history.symbol)
        let venue = Int(self.streamIndex(of: history.venue, symbol: symbol))
        if history.isPrimary {
            if self.symbols[symbol].primaryVenue == nil { self.symbols[symbol].primaryVenue = history.venue }
            self.seed(history, stream: Int(self.symbols[symbol].primary))
        }
        self.seed(history, stream: venue)
    }

    private mutating func seed(_ history: AlertHistory, stream: Int) {
        if let price = history.lastPrice { self.seed(price, stream: Int32(truncatingIfNeeded: stream)) }
        if let time = history.lastTime?.nanoseconds, time > self.streams[stream].heardAt ?? .min {
            self.streams[stream].heardAt = time
            self.timeSilences(stream)
        }
        for index in self.streams[stream].moves.indices { self.streams[stream].moves[index].seed(history) }
        for index in self.streams[stream].volumes.indices { self.streams[stream].volumes[index].seed(history) }
        let now = max(self.symbols[Int(self.streams[stream].symbol)].now, history.lastTime?.nanoseconds ?? .min)
        self.attendPassed(stream: stream, now: now)
    }
}
