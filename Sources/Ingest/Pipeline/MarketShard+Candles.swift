import Channels
import Market
import NIOCore

/// Candles while they happen: on `candles-SYMBOL@VENUE;INTERVAL`, and of all venues together on `candles-SYMBOL;INTERVAL`.
///
/// Whether anybody listens is not known here, so the cost is bounded: a symbol's candles are told once a second at most, and
/// only while it trades.
extension MarketShard {
    /// How long after its end a candle is open for trades that come late, in microseconds.
    private static var grace: Int64 { 1_000_000 }

    /// A symbol has a trade: its candles have something to tell.
    func listCandles(_ entry: SymbolEntry) {
        self.candleTurns.add(entry)
        guard !self.candleTurns.isRunning else { return }
        self.candleTurns.isRunning = true
        let interval = TimeAmount.milliseconds(1000 / Int64(CandleTurns.count))
        self.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] task in
            guard let self else { return task.cancel() }
            self.tellCandles(now: .now)
            guard self.candleTurns.total == 0 else { return }
            self.candleTurns.isRunning = false
            task.cancel()
        }
    }

    /// Puts stored candles back.
    func restore(_ candles: [VenueSymbol: CandleSheet]) {
        self.eventLoop.execute {
            var results = Results()
            let now = Timestamp.now.microseconds
            var entries: [ObjectIdentifier: SymbolEntry] = [:]
            for (venueSymbol, sheet) in candles {
                let (entry, venue) = self.entries(venueSymbol.symbol, venueSymbol.venue, now: self.eventLoop.now)
                venue.candles = sheet
                entries[ObjectIdentifier(entry)] = entry
                for interval in CandleInterval.kept {
                    guard let start = sheet.newestStart(interval), let bar = sheet.bar(interval, start: start) else {
                        continue
                    }
                    let isClosed = sheet.isOver(interval, start: start, now: now, grace: Self.grace)
                    results.events.append(
                        MarketEvents.candle(
                            bar, interval, of: entry.symbol, at: venue.venue, isClosed: isClosed,
                            "candles-\(entry.symbol)@\(venue.venue);\(interval)"))
                }
            }
            for entry in entries.values {
                for interval in CandleInterval.kept {
                    guard let start = entry.venues.compactMap({ $0.candles.newestStart(interval) }).max() else {
                        continue
                    }
                    let isClosed = entry.primary.candles.isOver(interval, start: start, now: now, grace: Self.grace)
                    self.tellAll(
                        CandleSheet.Change(interval: interval, start: start, isClosed: isClosed), entry, into: &results)
                }
                if !entry.areCandlesListed { self.listCandles(entry) }
            }
            for index in results.events.indices { results.events[index].retention = .keepOnly }
            self.handOver(results)
        }
    }

    /// Tells what has changed of the symbols whose turn it is.
    private func tellCandles(now: Timestamp) {
        var results = Results()
        var active: [SymbolEntry] = []
        for entry in self.candleTurns.takeTurn() {
            self.tellCandles(of: entry, now: now.microseconds, into: &results)
            if entry.venues.contains(where: { $0.candles.isActive }) {
                active.append(entry)
            } else {
                entry.areCandlesListed = false
            }
        }
        self.candleTurns.putBack(active)
        self.handOver(results)
    }

    private func tellCandles(of entry: SymbolEntry, now: Int64, into results: inout Results) {
        // What changed at any venue changed for all of them together; once each, earliest first.
        var together: [CandleSheet.Change] = []
        for venue in entry.venues {
            let changes = venue.candles.changes(now: now, grace: Self.grace)
            for change in changes {
                if let bar = venue.candles.bar(change.interval, start: change.start) {
                    var event = MarketEvents.candle(
                        bar, change.interval, of: entry.symbol, at: venue.venue, isClosed: change.isClosed,
                        "candles-\(entry.symbol)@\(venue.venue);\(change.interval)")
                    // A candle that was corrected is not what somebody who joins looks at.
                    if change.start != venue.candles.newestStart(change.interval) { event.retention = .none }
                    results.events.append(event)
                }
                if !together.contains(where: { $0.interval == change.interval && $0.start == change.start }) {
                    together.append(change)
                }
            }
        }
        if entry.venues.count > 1 { together.sort { ($0.interval, $0.start) < ($1.interval, $1.start) } }
        for change in together { self.tellAll(change, entry, into: &results) }
    }

    /// Tells a candle of all venues together.
    private func tellAll(_ change: CandleSheet.Change, _ entry: SymbolEntry, into results: inout Results) {
        var whole: CandleBar?
        for venue in entry.venues {
            // One that is forgotten here would be told without this venue's trades.
            guard venue.candles.knows(change.interval, start: change.start) else { return }
            guard let bar = venue.candles.bar(change.interval, start: change.start) else { continue }
            if whole == nil { whole = bar } else { whole?.merge(bar) }
        }
        guard let whole else { return }
        var event = MarketEvents.candle(
            whole, change.interval, of: entry.symbol, at: nil, isClosed: change.isClosed,
            "candles-\(entry.symbol);\(change.interval)")
        let newest = entry.venues.compactMap { $0.candles.newestStart(change.interval) }.max()
        if change.start != newest { event.retention = .none }
        results.events.append(event)
    }
}
