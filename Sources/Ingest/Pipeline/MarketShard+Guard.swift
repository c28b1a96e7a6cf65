import Atomics
import Channels
import Market
import NIOCore

/// What the guard's findings lead to: counts, gaps and quarantine.
extension MarketShard {
    /// Counts, opens and narrows gaps, and admits what was held back.
    func act(
        on report: GuardReport, _ time: Timestamp, _ entry: SymbolEntry, _ venue: VenueEntry, now: NIODeadline,
        into results: inout Results
    ) {
        if report.reasons.rawValue != 0 { venue.tally.count(report.reasons) }
        for change in report.holes {
            switch change {
            case .opened(let hole):
                self.open(hole, at: time, venue, now: now)
                if hole.stream == .trades, let since = hole.bounds.fromTime {
                    self.noteHole(venue.state.symbol, venue.venue, since: since, into: &results)
                }
            case .filled(let stream, let number, let remaining):
                self.fill(stream, number: number, remaining: remaining, at: time, entry, venue, into: &results)
            }
        }
        if !report.released.isEmpty { self.release(report.released, entry, venue, now: now, into: &results) }
    }

    // MARK: Quarantine

    /// Decides about a price outside the band; `false` when the trade is held back.
    func settle(
        _ trade: Trade, _ entry: SymbolEntry, _ venue: VenueEntry, _ flags: TickFlags, _ report: inout GuardReport,
        _ results: inout Results
    ) -> Bool {
        let isWitnessed = entry.venues.contains {
            $0 !== venue && $0.tickGuard.prices.witnesses(trade.price, at: trade.receivedTime)
        }
        let number = self.shared.numbers.wrappingIncrementThenLoad(ordering: .relaxed)
        var marked = trade
        marked.flags.formUnion(flags)
        if venue.tickGuard.settle(marked, isWitnessed: isWitnessed, number: number, into: &report) { return true }
        venue.tally.count(.quarantined)
        results.quarantine.append(.held(number: number, marked))
        entry.countHeld()
        return false
    }

    /// An accepted trade may be the witness that other venues' held trades wait for.
    func confirm(
        with trade: Trade, _ entry: SymbolEntry, _ venue: VenueEntry, now: NIODeadline, into results: inout Results
    ) {
        for other in entry.venues where other !== venue && !other.tickGuard.prices.held.isEmpty {
            let released = other.tickGuard.confirm(trade.price, at: trade.receivedTime)
            if !released.isEmpty { self.release(released, entry, other, now: now, into: &results) }
        }
        entry.countHeld()
    }

    private func release(
        _ released: [HeldTrade], _ entry: SymbolEntry, _ venue: VenueEntry, now: NIODeadline,
        into results: inout Results
    ) {
        venue.tally.count(.released, by: released.count)
        for held in released {
            results.quarantine.append(.released(number: held.number))
            self.admit(held.trade, entry, venue, now: now, into: &results)
        }
        entry.countHeld()
    }

    // MARK: Gaps

    /// Remembers a hole, and tells of it when nothing that came late has closed it.
    private func open(_ hole: GuardReport.Hole, at time: Timestamp, _ venue: VenueEntry, now: NIODeadline) {
        let gap = FeedGap(
            id: self.shared.numbers.wrappingIncrementThenLoad(ordering: .relaxed), venue: venue.venue,
            symbols: [venue.state.symbol], bounds: hole.bounds, stream: hole.stream, reason: hole.reason,
            missing: hole.missing, openedAt: time
        )
        self.remember(gap, number: hole.number, venue, announceAt: now + TimeAmount(self.shared.settings.reorderGrace))
        self.eventLoop.scheduleTask(in: TimeAmount(self.shared.settings.reorderGrace)) { self.announceGaps(of: gap) }
    }

    func remember(_ gap: FeedGap, number: Int?, _ venue: VenueEntry, announceAt: NIODeadline) {
        if venue.gaps.count == VenueEntry.gapsMax { venue.gaps.removeFirst() }
        venue.gaps.append(VenueEntry.OpenGap(gap: gap, number: number, announceAt: announceAt))
    }

    /// A missing tick came.
    private func fill(
        _ stream: GapStream, number: Int, remaining: Int64, at time: Timestamp, _ entry: SymbolEntry,
        _ venue: VenueEntry, into results: inout Results
    ) {
        guard let index = venue.gaps.firstIndex(where: { $0.number == number && $0.gap.stream == stream }) else {
            return
        }
        venue.gaps[index].repaired += 1
        let gap = venue.gaps[index]
        if remaining == 0 { _ = venue.removeGap(gap.gap.id) }
        guard gap.isAnnounced else { return }
        if remaining > 0 {
            results.gaps.append(.narrowed(id: gap.gap.id, repaired: gap.repaired))
            return
        }
        results.gaps.append(.closed(id: gap.gap.id, repaired: gap.repaired, at: time))
        self.publish(gap.gap, .repaired, repaired: gap.repaired, entry, venue, into: &results)
        self.shared.board.closed(venue.venue, gap: gap.gap.id, at: time)
    }

    /// Tells of a gap that is still open after the time that reordered ticks are given.
    private func announceGaps(of gap: FeedGap) {
        var results = Results()
        let now = self.eventLoop.now
        for symbol in gap.symbols {
            guard let entry = self.symbols[symbol], let venue = entry.entry(of: gap.venue),
                let index = venue.gaps.firstIndex(where: { $0.gap.id == gap.id })
            else { continue }
            self.announce(index, entry, venue, now: now, into: &results)
            results.gaps.append(.opened(gap))
            let repaired = venue.gaps[index].repaired
            if repaired > 0 { results.gaps.append(.narrowed(id: gap.id, repaired: repaired)) }
        }
        self.handOver(results)
    }

    /// Tells subscribers, and lets another venue take over if there is one.
    func announce(
        _ index: Int, _ entry: SymbolEntry, _ venue: VenueEntry, now: NIODeadline, into results: inout Results
    ) {
        let gap = venue.gaps[index].gap
        venue.gaps[index].isAnnounced = true
        self.publish(gap, .open, repaired: 0, entry, venue, into: &results)
        self.shared.board.opened(gap)
        // A connection's gap is counted once, where it was found.
        if gap.reason != .connection { venue.tally.countGap(gap.reason, missing: gap.missing) }
        guard gap.stream == .trades else { return }
        venue.gappedUntil = now + TimeAmount(self.shared.settings.gapHold)
        if entry.primary === venue, self.choosePrimary(of: entry, now: now) {
            self.publishPrimary(entry, into: &results)
        }
    }

    /// A gap that nothing in the feed can close has ended: what was asked for came, or will not come.
    func settle(_ gap: FeedGap, as state: GapState, repaired: Int64, at time: Timestamp) {
        var results = Results()
        for symbol in gap.symbols {
            guard let entry = self.symbols[symbol], let venue = entry.entry(of: gap.venue),
                venue.removeGap(gap.id) != nil
            else { continue }
            self.publish(gap, state, repaired: repaired, entry, venue, into: &results)
        }
        self.shared.board.closed(gap.venue, gap: gap.id, at: time)
        self.handOver(results)
    }

    private func publish(
        _ gap: FeedGap, _ state: GapState, repaired: Int64, _ entry: SymbolEntry, _ venue: VenueEntry,
        into results: inout Results
    ) {
        let symbol = venue.state.symbol
        results.events.append(
            MarketEvents.gap(gap, of: symbol, venue.tickerChannel, state: state, repaired: repaired))
        if entry.primary === venue {
            results.events.append(
                MarketEvents.gap(gap, of: symbol, entry.tickerChannel, state: state, repaired: repaired))
        }
    }
}
