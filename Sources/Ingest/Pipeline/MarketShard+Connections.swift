import Channels
import FeedLanguage
import Market
import NIOCore

/// What becomes of symbols whose venue disconnects, falls silent or comes back.
extension MarketShard {
    /// The connection of `symbols` was lost.
    func connectionLost(_ venue: Venue, _ symbols: [Symbol], at time: Timestamp, isStall: Bool) {
        var results = Results()
        let now = self.eventLoop.now
        for symbol in symbols {
            guard let entry = self.symbols[symbol], let lost = entry.entry(of: venue) else { continue }
            lost.isConnected = false
            if lost.state.trading == .halted { lost.haltDoubtedSince = time }
            lost.tickGuard.connectionLost(at: time, isStall: isStall)
            self.noteHole(symbol, venue, since: time, into: &results)
            self.review(entry, now: now, into: &results)
        }
        self.handOver(results)
    }

    /// The connection of `symbols` stands again.
    func connectionRestored(_ venue: Venue, _ symbols: [Symbol]) {
        for symbol in symbols { self.symbols[symbol]?.entry(of: venue)?.isConnected = true }
    }

    /// `symbols` are asked of the venue no more: that nothing comes any more is as it should be.
    func left(_ venue: Venue, _ symbols: [Symbol]) {
        var results = Results()
        let now = self.eventLoop.now
        for symbol in symbols {
            guard let entry = self.symbols[symbol], let gone = entry.entry(of: venue) else { continue }
            gone.presence = .left
            gone.tickGuard.left()
            self.review(entry, now: now, into: &results)
        }
        self.handOver(results)
    }

    /// `symbols` are asked of the venue, perhaps again.
    func joined(_ venue: Venue, _ symbols: [Symbol]) {
        for symbol in symbols {
            guard let known = self.symbols[symbol]?.entry(of: venue), known.presence == .left else { continue }
            known.presence = .awaited
            known.isConnected = true
            // Once more: ticks that were under way have come since.
            known.tickGuard.left()
        }
    }

    /// Frames of a connection are missing, and with them perhaps ticks of any of its symbols.
    func connectionGap(_ gap: FeedGap) {
        var results = Results()
        let now = self.eventLoop.now
        for symbol in gap.symbols {
            guard let entry = self.symbols[symbol], let venue = entry.entry(of: gap.venue) else { continue }
            self.remember(gap, number: nil, venue, announceAt: now)
            self.announce(venue.gaps.count - 1, entry, venue, now: now, into: &results)
            self.noteHole(symbol, venue.venue, since: gap.bounds.fromTime ?? gap.openedAt, into: &results)
        }
        self.handOver(results)
    }

    /// Venues say whether symbols trade; what is known already is not told again.
    func tradingChanged(_ statuses: [TradingStatus]) {
        var results = Results()
        let now = self.eventLoop.now
        for status in statuses {
            let (entry, venue) = self.entries(status.symbol, status.venue, now: now)
            self.apply(status, entry, venue, into: &results)
        }
        self.handOver(results)
    }

    /// A trade that happened after a connection was lost ends a halt whose end may have been missed.
    func endDoubtedHalt(_ trade: Trade, _ entry: SymbolEntry, _ venue: VenueEntry, into results: inout Results) {
        guard let since = venue.haltDoubtedSince, trade.eventTime > since else { return }
        let status = TradingStatus(
            symbol: trade.symbol, venue: trade.venue, state: .trading, eventTime: trade.eventTime,
            receivedTime: trade.receivedTime
        )
        self.apply(status, entry, venue, into: &results)
    }

    private func apply(
        _ status: TradingStatus, _ entry: SymbolEntry, _ venue: VenueEntry, into results: inout Results
    ) {
        venue.haltDoubtedSince = nil
        guard venue.state.trading != status.state else { return }
        // That it trades goes without saying, unless it did not before.
        let isNews = venue.state.trading == .halted || status.state == .halted
        venue.state.trading = status.state
        guard isNews else { return }
        let isPrimary = entry.primary === venue
        results.events.append(MarketEvents.halt(status, venue.tickerChannel))
        if isPrimary { results.events.append(MarketEvents.halt(status, entry.tickerChannel)) }
        // So that who subscribes now sees it in the snapshot.
        if venue.state.receivedTime != nil { self.publishState(entry, venue, isPrimary: isPrimary, into: &results) }
    }

    /// A feed's numbers promise something else now.
    func update(_ sequencing: FeedSequencing, of venue: Venue) {
        for entry in self.symbols.values { entry.entry(of: venue)?.tickGuard.change(to: sequencing) }
    }

    /// Looks for venues that have fallen silent.
    func watch() {
        var results = Results()
        let now = self.eventLoop.now
        for entry in self.symbols.values { self.review(entry, now: now, into: &results) }
        self.handOver(results)
    }

    /// Lets another venue take over from a primary that is not well, and tells subscribers where none can.
    private func review(_ entry: SymbolEntry, now: NIODeadline, into results: inout Results) {
        if self.choosePrimary(of: entry, now: now) { self.publishPrimary(entry, into: &results) }
        for venue in entry.venues where !venue.isStale {
            guard let reason = self.staleReason(venue, now: now) else { continue }
            venue.isStale = true
            results.events.append(MarketEvents.stale(venue.state, venue.tickerChannel, reason))
        }
        if entry.primary.isStale, !entry.isStale, let reason = self.staleReason(entry.primary, now: now) {
            entry.isStale = true
            results.events.append(MarketEvents.stale(entry.primary.state, entry.tickerChannel, reason))
        }
    }

    private func staleReason(_ venue: VenueEntry, now: NIODeadline) -> MarketEvents.StaleReason? {
        guard venue.presence == .asked else { return nil }
        guard venue.isConnected else { return .disconnected }
        // Nothing comes because nothing happens, and that was told.
        guard venue.state.trading != .halted else { return nil }
        guard venue.isSilent(now: now, limit: self.shared.failoverAfter) else { return nil }
        return self.shared.settings.isQuietNormal(venue.state.symbol, .now) ? nil : .silent
    }

    /// The plain channels follow the best venue that is well; a primary that is not stays when no other is better off.
    ///
    /// - Returns: Whether it has changed.
    func choosePrimary(of entry: SymbolEntry, now: NIODeadline) -> Bool {
        let limit = self.shared.failoverAfter
        for venue in entry.venues where venue.isHealthy(now: now, failoverAfter: limit) {
            if venue === entry.primary { return false }
            entry.primary = venue
            return true
        }
        // A venue that only misses trades is better than one that says nothing.
        guard !entry.primary.isUp else { return false }
        for venue in entry.venues where venue.isUp && now - venue.lastSeen <= limit {
            entry.primary = venue
            return true
        }
        return false
    }
}
