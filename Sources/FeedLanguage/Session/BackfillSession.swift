public import Market

/// One repair: asks for the trades of a range, page after page, until it is covered.
///
/// Does no I/O. Pages go on until one reaches the far end of the range, is empty, or tells of no further page.
public struct BackfillSession: Sendable {
    /// What to do next.
    public enum Step: Equatable, Sendable {
        /// Send the request for this page, and report ``BackfillSession/received(_:answer:hint:)``.
        case ask(PageMark)
        /// The range is covered: these are its trades, oldest first, each once.
        case finished([Trade])
        /// The history, or what may be asked of it, ends before the range does; these are what was found. It may only be late.
        case incomplete([Trade])
    }

    private let plan: BackfillPlan
    private let range: TradeRange
    private var page = PageMark()
    private var found: [Trade] = []
    private var ids: Set<String> = []
    /// Whether a page reached the range's end.
    private var hasReachedEnd = false

    /// Makes a session that has not asked.
    public init(plan: BackfillPlan, range: TradeRange) {
        self.plan = plan
        self.range = range
    }

    /// The first page.
    public var start: Step { .ask(self.page) }

    /// A page came.
    ///
    /// - Parameters:
    ///   - ticks: What its body gave.
    ///   - answer: Its headers.
    ///   - hint: What ``BackfillPlan/hint(in:)`` found in its body.
    /// - Returns: What to do next.
    public mutating func received(_ ticks: [Tick], answer: HTTPAnswer, hint: PageHint) -> Step {
        let trades = ticks.compactMap { tick -> Trade? in
            guard case .trade(let trade) = tick, trade.symbol == self.range.symbol else { return nil }
            return trade
        }
        let isNew = self.keep(trades)
        self.hasReachedEnd = self.hasReachedEnd || trades.contains { self.isAtEnd($0) }
        if self.isCovered(by: trades) { return self.isEndMissing ? .incomplete(self.sorted) : self.finished }
        // Where every trade of the page is known already the provider goes round in circles.
        if trades.isEmpty || (!isNew && self.page.number > 1) { return self.end }
        guard let paging = self.plan.paging else {
            return self.plan.direction == .within ? self.finished : .incomplete(self.sorted)
        }
        let last = trades.last.map { (id: $0.id, time: Optional(self.nextTime(after: $0, paging))) } ?? (nil, nil)
        guard let next = paging.following(self.page, answer: answer, hint: hint, isEmpty: false, last: last) else {
            return self.end
        }
        guard self.page.number < paging.pagesMax else { return .incomplete(self.sorted) }
        self.page = next
        return .ask(next)
    }

    /// Takes the page's trades that are inside and new.
    ///
    /// - Returns: Whether the page had anything that was not on a page before, inside the range or not.
    private mutating func keep(_ trades: [Trade]) -> Bool {
        var isNew = false
        // Without ids equal trades may be many: as many count as one page has of them, pages may overlap.
        var counts: [Trade: Int] = [:]
        for trade in trades {
            let isInside = self.range.position(of: trade) == .inside
            if let id = trade.id {
                guard self.ids.insert(id).inserted else { continue }
                isNew = true
                if isInside { self.found.append(trade) }
            } else {
                var key = trade
                key.receivedTime = Timestamp(nanoseconds: 0)
                counts[key, default: 0] += 1
                let known = self.anonymous[key, default: 0]
                guard counts[key, default: 0] > known else { continue }
                self.anonymous[key] = known + 1
                isNew = true
                if isInside { self.found.append(trade) }
            }
        }
        return isNew
    }

    /// How often each trade without an id was there.
    private var anonymous: [Trade: Int] = [:]

    private func isCovered(by trades: [Trade]) -> Bool {
        switch self.plan.direction {
        case .forward: return trades.contains { self.isAtEnd($0) }
        case .backward:
            return trades.contains { self.range.position(of: $0) == .before || self.range.touchesStart($0) }
        case .within: return false
        }
    }

    private func isAtEnd(_ trade: Trade) -> Bool {
        self.range.position(of: trade) == .after || self.range.touchesEnd(trade)
    }

    /// Whether the newest trades of the range are not in the history yet: it begins with its newest trade, which is older.
    private var isEndMissing: Bool {
        self.plan.direction == .backward && !self.plan.namesEnd && self.range.bounds.toID != nil && !self.hasReachedEnd
    }

    /// There are no more pages.
    ///
    /// The trade at which the range ends should have been met before: going back, a venue that does not show it any more keeps
    /// its trades for a shorter time; going forward, its history is behind the stream. A range that ends at an instant, not at
    /// a trade, may have no trade there.
    private var end: Step {
        let bounds = self.range.bounds
        let isCut =
            switch self.plan.direction {
            case .backward: bounds.fromID != nil || bounds.fromTime != nil
            case .forward: bounds.toID != nil
            case .within: false
            }
        return isCut ? .incomplete(self.sorted) : self.finished
    }

    /// The time that names the page after the one that `trade` ends.
    ///
    /// Going back it is a unit later, so that the trades of the same instant that did not fit on the page come too.
    private func nextTime(after trade: Trade, _ paging: Paging) -> Timestamp {
        guard self.plan.direction == .backward, case .lastTime(let unit) = paging.form else { return trade.eventTime }
        return trade.eventTime.advanced(byNanoseconds: unit.nanoseconds)
    }

    private var finished: Step { .finished(self.sorted) }

    /// Oldest first: by id where all ids are numbers, by sequence number where all have one, else by time.
    private var sorted: [Trade] {
        let numbers = self.found.compactMap { TradeNumber($0.id) }
        let sequences = self.found.compactMap(\.venueSequence)
        let order: (Int, Int) -> Bool
        if numbers.count == self.found.count {
            order = { numbers[$0] < numbers[$1] }
        } else if sequences.count == self.found.count {
            order = { (sequences[$0], $0) < (sequences[$1], $1) }
        } else {
            order = { (self.found[$0].eventTime, $0) < (self.found[$1].eventTime, $1) }
        }
        return self.found.indices.sorted(by: order).map { self.found[$0] }
    }
}
