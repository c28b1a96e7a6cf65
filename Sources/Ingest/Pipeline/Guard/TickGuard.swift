import FeedLanguage
import Market

/// Judges the ticks of one symbol at one venue: each rule labels, none invents.
///
/// A value without clocks: what it decides depends on the ticks and on what it is told of the connection. A tick that
/// is as expected costs a few comparisons and allocates nothing.
struct TickGuard: Sendable {
    /// What is to become of a tick.
    enum Verdict: Equatable {
        /// Taken, with these marks added.
        case accepted(TickFlags)
        /// It came before: dropped.
        case duplicate
        /// Its price is outside the band: see ``TickGuard/settle(_:isWitnessed:number:into:)``. The marks are to be added to it.
        case outlier(TickFlags)
    }

    /// How long before the loss of a connection something may have happened that did not come any more.
    private static let underWayNanoseconds: Int64 = 10_000_000_000

    /// What the venue's numbers promise.
    private(set) var sequencing: FeedSequencing
    var prices: PriceGuard
    private var trades = SequenceTrack()
    private var ids = TradeIDWindow()
    private var link = Link.standing
    private var hasLiveTrade = false
    private var lastTrade: Trade?
    private var newestTradeTime = Timestamp(nanoseconds: .min)
    private var quoteGuard = QuoteGuard()

    /// The connection as far as this symbol is concerned.
    private enum Link {
        case standing
        /// Lost; ends with the first live tick after it.
        case lost(Loss)
        /// Nobody asked for the symbol; ends with the first new trade, before which nothing is missing.
        case left
    }

    private struct Loss {
        var at: Timestamp
        var reason: GapReason
        /// The newest trade before the loss.
        var before: Trade?
        /// A tick from before the loss was sent again: nothing is missing between.
        var hasOverlap = false
        /// The earliest tick of the snapshot after the loss.
        var firstAfter: (time: Timestamp, id: String?)?
    }

    init(sequencing: FeedSequencing = FeedSequencing(), band: GuardBand = .crypto) {
        self.sequencing = sequencing
        self.prices = PriceGuard(band: band)
    }

    /// The trades that are missing below the highest number seen, lowest first.
    var missingTrades: [ClosedRange<Int64>] { self.trades.missing }
    /// The quotes that are missing below the highest number seen, lowest first.
    var missingQuotes: [ClosedRange<Int64>] { self.quoteGuard.missing }

    /// The venue's numbers promise something else now: what was seen of the old ones says nothing of the new.
    mutating func change(to sequencing: FeedSequencing) {
        guard sequencing != self.sequencing else { return }
        self.sequencing = sequencing
        self.trades = SequenceTrack()
        self.quoteGuard = QuoteGuard()
    }

    // MARK: The connection

    /// The connection was lost at `time`: what follows tells whether something is missing.
    mutating func connectionLost(at time: Timestamp, isStall: Bool) {
        switch self.link {
        case .standing:
            self.link = .lost(Loss(at: time, reason: isStall ? .stall : .reconnect, before: self.lastTrade))
        // Lost again before anything live came: the first loss counts. What was not asked for is not missed either.
        case .lost, .left: break
        }
    }

    /// The symbol is asked for no more: what happens until it comes again is not missing.
    ///
    /// What was seen stays known, so that a snapshot then brings nothing twice and late repairs find their place.
    mutating func left() {
        self.link = .left
        self.hasLiveTrade = false
        self.quoteGuard = QuoteGuard()
    }

    /// The newest trade from before a restart of this process: what came meanwhile is missing.
    mutating func resume(after trade: Trade) {
        self.prices.seed(trade.price, at: trade.receivedTime)
        self.newestTradeTime = trade.eventTime
        if let id = trade.id { _ = self.ids.insert(id) }
        if let sequence = trade.venueSequence, self.sequencing.trades != .none { self.trades.restart(at: sequence) }
        self.lastTrade = trade
        self.hasLiveTrade = true
        self.link = .lost(Loss(at: trade.receivedTime, reason: .reconnect, before: trade))
    }

    // MARK: Quotes

    /// Judges a quote; it is never an outlier.
    mutating func examine(_ quote: Quote, into report: inout GuardReport) -> Verdict {
        if !quote.flags.isEmpty { report.count(quote.flags) }
        var hasReturned = false
        var loss: (at: Timestamp, reason: GapReason)?
        switch self.link {
        case .standing: break
        case .lost(let lost):
            hasReturned = true
            // Where there are trades, they tell what is missing.
            if self.lastTrade == nil, !quote.flags.contains(.snapshot) {
                loss = (lost.at, lost.reason)
                self.link = .standing
            }
        case .left: if self.lastTrade == nil { self.link = .standing }
        }
        let verdict = self.quoteGuard.examine(
            quote, self.sequencing.quotes, hasReturned: hasReturned, loss: loss, into: &report)
        if verdict == .accepted([]) { self.prices.noticed(quote) }
        return verdict
    }

    // MARK: Trades

    /// Judges a trade.
    mutating func examine(_ trade: Trade, into report: inout GuardReport) -> Verdict {
        let isNews = trade.flags.isDisjoint(with: [.snapshot, .backfilled])
        var flags: TickFlags = []
        let order = self.place(of: trade, isNews: isNews, into: &report)
        switch order {
        case .duplicate:
            if case .lost(var loss) = self.link {
                loss.hasOverlap = true
                self.link = .lost(loss)
            }
            return .duplicate
        case .outOfOrder:
            if isNews {
                flags = .outOfOrder
                report.reasons.insert(.reorder)
            }
        case .inOrder, .anew: break
        }
        switch self.link {
        case .standing: break
        case .lost(let loss):
            let isSequenced = self.sequencing.trades == .contiguous && trade.venueSequence != nil && order != .anew
            self.reconnected(with: trade, loss, isNews: isNews, isSequenced: isSequenced, into: &report)
        case .left: if !trade.flags.contains(.backfilled) { self.link = .standing }
        }
        if !trade.flags.isEmpty { report.count(trade.flags) }
        if trade.flags.contains(.backfilled) { return .accepted(flags) }
        if isNews { self.hasLiveTrade = true }
        let isLate = trade.eventTime < self.newestTradeTime
        if isLate {
            if isNews { report.reasons.insert(.late) }
        } else {
            self.newestTradeTime = trade.eventTime
            self.lastTrade = trade
        }
        guard self.prices.judge(trade) == .inside else { return .outlier(flags) }
        if !self.prices.held.isEmpty { self.settleHeld(with: trade, into: &report) }
        if !isLate { self.prices.accept(trade.price, at: trade.receivedTime) }
        return .accepted(flags)
    }

    /// Decides about a trade whose price is outside the band.
    ///
    /// - Parameters:
    ///   - trade: What ``examine(_:into:)-(Trade,_)`` called an outlier.
    ///   - isWitnessed: Whether another venue has seen such a price.
    ///   - number: Its number in quarantine, if it goes there.
    ///   - report: Gets what is released with it.
    /// - Returns: Whether the trade is taken; otherwise it is held back.
    mutating func settle(
        _ trade: Trade, isWitnessed: Bool, number: UInt64 = 0, into report: inout GuardReport
    ) -> Bool {
        let released = self.prices.release(confirmedBy: trade.price, at: trade.receivedTime)
        guard isWitnessed || !released.isEmpty else {
            self.prices.hold(trade, number: number)
            return false
        }
        report.released += released
        self.prices.refute(by: trade)
        self.prices.accept(trade.price, at: trade.receivedTime)
        return true
    }

    /// Another venue has traded at `price`: takes out what this confirms.
    mutating func confirm(_ price: Decimal64, at time: Timestamp) -> [HeldTrade] {
        let released = self.prices.release(confirmedBy: price, at: time)
        if let newest = released.last { self.prices.accept(newest.trade.price, at: newest.trade.receivedTime) }
        return released
    }

    private mutating func settleHeld(with trade: Trade, into report: inout GuardReport) {
        report.released += self.prices.release(confirmedBy: trade.price, at: trade.receivedTime)
        self.prices.refute(by: trade)
    }

    private enum Order {
        case inOrder, outOfOrder, duplicate
        /// The venue counts from the beginning again: its numbers do not tell what is missing before.
        case anew
    }

    @inline(__always)
    private mutating func place(of trade: Trade, isNews: Bool, into report: inout GuardReport) -> Order {
        if let sequence = trade.venueSequence, self.sequencing.trades == .contiguous {
            let isHistory = !self.hasLiveTrade && (trade.flags.contains(.snapshot) || self.hasLeft)
            switch self.trades.take(sequence, isHistory: isHistory) {
            case .next:
                // An id that is no number of the sequence needs the window besides.
                return trade.id.map { self.isNew($0, sequence) } ?? true ? .inOrder : .duplicate
            case let other: return self.place(of: trade, at: sequence, other, isNews: isNews, into: &report)
            }
        }
        if let id = trade.id, !self.ids.insert(id) { return .duplicate }
        guard let sequence = trade.venueSequence, self.sequencing.trades == .increasing else { return .inOrder }
        if self.trades.hasStarted, sequence < self.trades.highest {
            return self.hasRestarted(with: trade, at: sequence, isNews: isNews) ? .anew : .outOfOrder
        }
        self.trades.raise(to: sequence)
        return .inOrder
    }

    /// The rarer places in a contiguous sequence.
    private mutating func place(
        of trade: Trade, at sequence: Int64, _ place: SequenceTrack.Place, isNews: Bool, into report: inout GuardReport
    ) -> Order {
        switch place {
        case .next, .first, .restarted:
            return trade.id.map { self.ids.insert($0) } ?? true ? .inOrder : .duplicate
        case .ahead(let previous):
            // Remembered for later; what comes under a new number is new.
            if let id = trade.id { _ = self.isNew(id, sequence) }
            let reason: GapReason
            if case .lost(let loss) = self.link { reason = loss.reason } else { reason = .sequence }
            let bounds = TickBounds(
                fromID: self.lastTrade?.venueSequence == previous ? self.lastTrade?.id : nil, toID: trade.id,
                fromSequence: previous, toSequence: sequence, fromTime: self.lastTrade?.eventTime,
                toTime: trade.eventTime
            )
            report.holes.append(
                .opened(
                    .init(
                        number: self.trades.lastGap, bounds: bounds, stream: .trades, reason: reason,
                        missing: sequence - previous - 1
                    )
                )
            )
            return .inOrder
        case .filling(let gap, let remaining):
            if let id = trade.id { _ = self.isNew(id, sequence) }
            if gap > 0 { report.holes.append(.filled(.trades, number: gap, remaining: remaining)) }
            return .outOfOrder
        case .known:
            // One message may bring several trades under one number.
            if let id = trade.id, TradeIDWindow.number(of: id) != sequence, self.ids.insert(id) { return .inOrder }
            if trade.id == nil, sequence == self.trades.highest, !self.isLastTrade(trade) { return .inOrder }
            return self.hasRestarted(with: trade, at: sequence, isNews: isNews) ? .anew : .duplicate
        case .below:
            if let id = trade.id, !self.ids.insert(id) { return .duplicate }
            return self.hasRestarted(with: trade, at: sequence, isNews: isNews) ? .anew : .outOfOrder
        }
    }

    /// Whether the venue has begun to count anew: after a reconnect or an absence, a lower number on a later trade.
    private mutating func hasRestarted(with trade: Trade, at sequence: Int64, isNews: Bool) -> Bool {
        if case .standing = self.link { return false }
        guard isNews, trade.eventTime > self.newestTradeTime else { return false }
        self.trades.restart(at: sequence)
        return true
    }

    private var hasLeft: Bool { if case .left = self.link { true } else { false } }

    /// An id that is the number itself has been judged with it.
    @inline(__always)
    private mutating func isNew(_ id: String, _ sequence: Int64) -> Bool {
        TradeIDWindow.number(of: id) == sequence || self.ids.insert(id)
    }

    private func isLastTrade(_ trade: Trade) -> Bool {
        guard let lastTrade else { return false }
        return lastTrade.price == trade.price && lastTrade.size == trade.size && lastTrade.eventTime == trade.eventTime
    }

    /// A new trade after the connection was lost: a live one tells whether something is missing.
    private mutating func reconnected(
        with trade: Trade, _ loss: Loss, isNews: Bool, isSequenced: Bool, into report: inout GuardReport
    ) {
        if trade.flags.contains(.backfilled) { return }
        guard isNews else {
            var loss = loss
            if let before = loss.before, trade.eventTime <= before.eventTime { loss.hasOverlap = true }
            if trade.eventTime < loss.firstAfter?.time ?? Timestamp(nanoseconds: .max) {
                loss.firstAfter = (trade.eventTime, trade.id)
            }
            self.link = .lost(loss)
            return
        }
        self.link = .standing
        guard let before = loss.before, !isSequenced, !loss.hasOverlap else { return }
        // What was under way when the connection broke happened a little before that.
        let underWay = loss.at.advanced(byNanoseconds: -Self.underWayNanoseconds)
        let bounds = TickBounds(
            fromID: before.id, toID: loss.firstAfter?.id ?? trade.id,
            fromTime: max(before.eventTime, underWay), toTime: loss.firstAfter?.time ?? trade.eventTime
        )
        report.holes.append(
            .opened(.init(number: nil, bounds: bounds, stream: .trades, reason: loss.reason, missing: nil)))
    }
}
