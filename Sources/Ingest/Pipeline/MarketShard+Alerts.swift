import Alerts
import Channels
import Market
import NIOCore

/// What the shard's alerts are told, and what is asked of them.
extension MarketShard {
    /// How far behind the clock timers are kept: ticks that arrived before may still be on their way to the shard.
    private static let timerDelay: Int64 = 100_000_000
    /// How old a firing is that is called late, because the process was away meanwhile.
    private static let lateAfter: Int64 = 10_000_000_000

    // MARK: Any thread

    /// Adds, changes and removes alerts.
    func change(_ alerts: [Alert], removed: [Int64]) {
        self.onLoop {
            self.alerts.remove(removed)
            self.alerts.insert(alerts, now: .now)
            for alert in alerts { self.follow(alert) }
            self.alertsChanged()
        }
    }

    func keep(only ids: Set<Int64>) {
        self.onLoop {
            self.alerts.keep(only: ids)
            self.alertsChanged()
        }
    }

    /// What was found since the last time; `nil` while the past is being evaluated.
    func cut() -> EventLoopFuture<AlertCut?> {
        self.eventLoop.submit {
            guard self.alerts.isLive else { return nil }
            var cut = self.alerts.take(at: self.shared.outputs.place())
            cut.streams = self.evaluatedEntries.compactMap { entry, venue in
                venue.isEvaluated = false
                guard let receivedTime = venue.state.receivedTime else { return nil }
                return AlertCut.Stream(
                    symbol: entry.symbol, venue: venue.venue, isPrimary: entry.primary === venue,
                    lastPrice: venue.state.lastPrice, eventTime: venue.state.lastTradeTime, receivedTime: receivedTime)
            }
            self.evaluatedEntries.removeAll(keepingCapacity: true)
            return cut
        }
    }

    /// Takes out which history the windows of alerts lack.
    func historyNeeds() -> EventLoopFuture<[AlertHistoryNeed]> {
        self.eventLoop.submit {
            // Taken out before: who asks must not reach into what is being changed.
            let (replay, symbols) = (self.alerts.replay, self.symbols)
            return self.alerts.takeHistoryNeeds { symbol in
                replay.primary(of: symbol) ?? symbols[symbol]?.primary.venue
            }
        }
    }

    /// Fills windows.
    func seed(_ histories: [AlertHistory]) -> EventLoopFuture<Void> {
        self.eventLoop.submit { for history in histories { self.alerts.evaluator.seed(history) } }
    }

    // MARK: Catching up

    /// Forgets all alerts, and waits for what ``replay(_:)`` brings.
    func hold(_ streams: [AlertCut.Stream]) -> EventLoopFuture<Void> {
        self.eventLoop.submit {
            self.alerts.hold(streams, ranks: self.shared.priority)
            self.alertsChanged()
        }
    }

    /// Adds alerts before the ticks that are evaluated next.
    func load(_ alerts: [Alert]) -> EventLoopFuture<Void> {
        self.eventLoop.submit {
            for alert in alerts {
                self.alerts.add(alert)
                self.follow(alert)
            }
            self.alertsChanged()
        }
    }

    /// Evaluates ticks that were received before.
    func replay(_ ticks: [NumberedTick]) -> EventLoopFuture<Void> {
        self.eventLoop.submit {
            var results = Results()
            for tick in ticks { self.alerts.replay(tick, into: &results.fired) }
            self.markLate(&results.fired)
            self.handOver(results)
        }
    }

    /// What comes long after it happened says why.
    private func markLate(_ fired: inout [FiredAlert]) {
        let now = Timestamp.now.nanoseconds
        for index in fired.indices
        where fired[index].lateness == nil && now - fired[index].firedAt.nanoseconds > Self.lateAfter {
            fired[index].lateness = AlertLateness(reason: .restart, since: fired[index].firedAt)
        }
    }

    /// Notes that ticks of all streams may be missing that were not replayed.
    func noteHoles(_ reason: AlertLateness.Reason) -> EventLoopFuture<Void> {
        self.eventLoop.submit {
            for (symbol, venue, time) in self.alerts.replay.ends {
                self.alerts.evaluator.noteHole(
                    symbol: symbol, venue: venue, lateness: AlertLateness(reason: reason, since: time))
            }
        }
    }

    /// From now on keeps what comes.
    ///
    /// - Returns: Up to where it is in the journal.
    func beginBuffering() -> EventLoopFuture<TickPlace> {
        self.eventLoop.submit {
            let place = self.shared.outputs.place()
            self.alerts.beginBuffering(at: place)
            return place
        }
    }

    /// Evaluates what was kept and goes on with what comes.
    ///
    /// - Returns: `false` when it was too much to be kept.
    func goLive() -> EventLoopFuture<Bool> {
        self.eventLoop.submit {
            var results = Results()
            let isLive = self.alerts.goLive(now: .now, into: &results.fired)
            self.handOver(results)
            guard isLive else { return false }
            for entry in self.symbols.values where entry.hasAlerts {
                for venue in entry.venues { self.evaluated(entry, venue) }
            }
            self.alertsChanged()
            return true
        }
    }

    // MARK: On the event loop

    /// An alert watches a symbol: its streams are stored from now on.
    func follow(_ alert: Alert) {
        guard let entry = self.symbols[alert.symbol] else {
            self.watchedSymbols.insert(alert.symbol)
            return
        }
        guard !entry.hasAlerts else { return }
        entry.hasAlerts = true
        for venue in entry.venues { self.evaluated(entry, venue) }
    }

    /// A stream's place and price are to be stored.
    @inline(__always)
    func evaluated(_ entry: SymbolEntry, _ venue: VenueEntry) {
        guard entry.hasAlerts, !venue.isEvaluated else { return }
        venue.isEvaluated = true
        self.evaluatedEntries.append((entry, venue))
    }

    func alertsChanged() {
        self.alertCounts.update(self.alerts)
        self.scheduleTimers()
    }

    /// Ticks are missing: what fires next may be late.
    func noteHole(_ symbol: Symbol, _ venue: Venue, since: Timestamp, into results: inout Results) {
        let reason: AlertLateness.Reason = since < self.shared.startedAt ? .restart : .gap
        self.alerts.take(.hole(symbol, venue, AlertLateness(reason: reason, since: since)), into: &results.fired)
    }

    /// Trades that were missed have come.
    func takeMissed(_ results: inout Results) {
        let missed = results.missed.sorted { ($0.key.symbol, $0.key.venue) < ($1.key.symbol, $1.key.venue) }
        for (venueSymbol, trades) in missed {
            guard let entry = self.symbols[venueSymbol.symbol], let venue = entry.entry(of: venueSymbol.venue) else {
                continue
            }
            self.takeMissed(trades, entry, venue, into: &results)
        }
    }

    private func takeMissed(
        _ trades: [Trade], _ entry: SymbolEntry, _ venue: VenueEntry, into results: inout Results
    ) {
        guard let first = trades.first else { return }
        let since = venue.gaps.compactMap(\.gap.bounds.fromTime).filter { $0 <= first.eventTime }.max()
        let reason: AlertLateness.Reason = (since ?? first.eventTime) < self.shared.startedAt ? .restart : .gap
        self.alerts.take(
            .missed(
                trades, isPrimary: entry.primary === venue,
                AlertLateness(reason: reason, since: since ?? first.eventTime)), into: &results.fired)
    }

    // MARK: Timers

    /// Sees to it that what is due is done: at its time, and once a second at least.
    func scheduleTimers() {
        // One that runs looks again within a second, and nothing becomes due sooner: durations are whole seconds.
        guard !self.isTimerSet, self.alerts.isLive else { return }
        self.scheduleTimer()
    }

    private func scheduleTimer() {
        let now = Timestamp.now
        var due = now.advanced(byNanoseconds: 1_000_000_000)
        if let deadline = self.alerts.evaluator.nextDeadline {
            due = min(due, max(now, deadline.advanced(byNanoseconds: Self.timerDelay + 1_000_000)))
        }
        self.isTimerSet = true
        self.eventLoop.scheduleTask(in: .nanoseconds(due.nanoseconds - now.nanoseconds)) { [weak self] in
            self?.timerFired()
        }
    }

    private func timerFired() {
        self.isTimerSet = false
        guard self.alerts.isLive else { return }
        var results = Results()
        let now = Timestamp.now
        self.alerts.evaluator.advance(to: now.advanced(byNanoseconds: -Self.timerDelay), into: &results.fired)
        self.handOver(results)
        self.alertCounts.update(self.alerts, at: now)
        self.scheduleTimer()
    }
}
