public import Market

/// Every alert that can fire, sorted by threshold for each symbol, and the decision which of them a trade fires.
///
/// Edge-triggered: a level fires when its condition turns from false to true (and on its first evaluation when it is
/// true then), a crossing when the price has passed from one side of the threshold to the other. A suppressed or fired edge
/// counts as used until the condition was false again. The same calls in the same order always give the same firings.
///
/// A trade costs constant time while it stays between the thresholds around it, else O(log *n* + passed thresholds).
/// Not shared between threads: each shard owns one.
public struct AlertEvaluator: Sendable {
    private struct Slot: Sendable {
        var alert: Alert
        var address: Address
        var isPending: Bool
    }

    /// Where a stream is: a symbol's index, and the index of a venue in it or `nil` for the primary stream.
    private struct Address: Hashable, Sendable {
        var symbol: Int
        var venue: Int?
    }

    private struct VenueStream: Sendable {
        let venue: Venue
        var stream: PriceStream
    }

    private struct SymbolStreams: Sendable {
        var primary = PriceStream()
        var venues: ContiguousArray<VenueStream> = []
    }

    private var symbolIndices: [Symbol: Int] = [:]
    private var symbols: ContiguousArray<SymbolStreams> = []
    /// `nil` slots are free and listed in ``freeSlots``.
    private var slots: ContiguousArray<Slot?> = []
    private var freeSlots: [Int32] = []
    private var slotOfID: [Int64: Int32] = [:]
    /// The crossing counts of `once` alerts that fired here, until the database says so too.
    private var spentCrossings: [Int64: Int64] = [:]
    private var passed: [Int32] = []

    /// How often a cooldown has kept an alert from firing.
    public private(set) var suppressedCount: Int64 = 0
    /// How many alerts can fire.
    public var count: Int { self.slotOfID.count }
    /// The ids of the alerts that can fire, in no order.
    public var ids: [Int64] { Array(self.slotOfID.keys) }

    /// Makes an empty index.
    public init() {}

    /// Adds an alert, or takes over the changes of one that is there.
    ///
    /// A known alert with the same symbol, venue and condition keeps what it remembers here, because the stored row may
    /// be behind. A spent alert is not added; nor is a `once` alert that fired here and whose row does not say so yet.
    /// O(log *n*).
    public mutating func insert(_ alert: Alert) {
        var alert = alert
        if let slot = self.slotOfID[alert.id], let known = self.slots[Int(slot)]?.alert {
            let isSameCondition =
                known.symbol == alert.symbol && known.venue == alert.venue
                && known.expression.condition == alert.expression.condition
            let crossingCount = max(known.state.crossingCount, alert.state.crossingCount)
            if isSameCondition, !alert.isSpent || known.state.crossingCount > alert.state.crossingCount {
                alert.state = known.state
                alert.state.crossingCount = crossingCount
                self.slots[Int(slot)]?.alert = alert
                return
            }
            self.remove(id: alert.id)
            alert.state.crossingCount = crossingCount
        }
        if let crossings = self.spentCrossings[alert.id] {
            if alert.expression.options.mode == .once, alert.state.crossingCount < crossings { return }
            self.spentCrossings[alert.id] = nil
            alert.state.crossingCount = max(alert.state.crossingCount, crossings)
        }
        guard !alert.isSpent else { return }
        self.add(alert)
    }

    /// Removes an alert.
    ///
    /// Nothing happens when it is not there. O(log *n*).
    public mutating func remove(id: Int64) {
        guard let index = self.slotOfID.removeValue(forKey: id), let slot = self.slots[Int(index)] else { return }
        self.withStream(at: slot.address) { $0.remove(slot.alert.expression.condition, id: id, slot: index) }
        self.slots[Int(index)] = nil
        self.freeSlots.append(index)
    }

    /// Makes the index hold exactly `alerts`: adds, updates as ``insert(_:)`` does, and removes all others.
    public mutating func reload(_ alerts: [Alert]) {
        let ids = Set(alerts.map(\.id))
        for id in self.slotOfID.keys.filter({ !ids.contains($0) }) { self.remove(id: id) }
        for id in self.spentCrossings.keys.filter({ !ids.contains($0) }) { self.spentCrossings[id] = nil }
        for alert in alerts { self.insert(alert) }
    }

    /// Tells the last price from before a restart, so that the edge is judged against it.
    ///
    /// Call it before ``insert(_:)``.
    ///
    /// - Parameters:
    ///   - price: The stored last price.
    ///   - symbol: The instrument.
    ///   - venue: Where it traded.
    ///   - isPrimary: Whether `venue` is the symbol's primary venue.
    public mutating func seed(lastPrice price: Decimal64, symbol: Symbol, venue: Venue, isPrimary: Bool = true) {
        let index = self.symbolIndex(symbol)
        if isPrimary { self.symbols[index].primary.seed(price) }
        let venueIndex = self.venueIndex(venue, symbol: index)
        self.symbols[index].venues[venueIndex].stream.seed(price)
    }

    /// Evaluates a trade and appends what it fires to `fired`, in order of the alerts' ids.
    ///
    /// A trade marked as snapshot, replayed or backfilled neither fires nor becomes the last price.
    ///
    /// - Parameters:
    ///   - trade: The next trade of its symbol and venue.
    ///   - isPrimary: Whether the venue drives the symbol; alerts without a venue ignore other trades.
    ///   - now: The time of the evaluation; cooldowns are measured with it.
    ///   - fired: Where firings are appended.
    public mutating func evaluate(
        _ trade: Trade, isPrimary: Bool = true, now: Timestamp, into fired: inout [FiredAlert]
    ) {
        guard trade.flags.isDisjoint(with: [.snapshot, .replayed, .backfilled]) else { return }
        let start = fired.count
        let symbol = self.symbolIndex(trade.symbol)
        if isPrimary {
            self.passed.removeAll(keepingCapacity: true)
            let previous = self.symbols[symbol].primary.last
            let before = self.symbols[symbol].primary.beforeLast
            self.symbols[symbol].primary.move(to: trade.price, passed: &self.passed)
            if !self.passed.isEmpty { self.firePassed(trade, previous, before, now: now, into: &fired) }
            if !self.symbols[symbol].primary.pending.isEmpty {
                self.firePending(at: Address(symbol: symbol, venue: nil), trade, previous, now: now, into: &fired)
            }
        }
        let venue = self.venueIndex(trade.venue, symbol: symbol)
        self.passed.removeAll(keepingCapacity: true)
        let previous = self.symbols[symbol].venues[venue].stream.last
        let before = self.symbols[symbol].venues[venue].stream.beforeLast
        self.symbols[symbol].venues[venue].stream.move(to: trade.price, passed: &self.passed)
        if !self.passed.isEmpty { self.firePassed(trade, previous, before, now: now, into: &fired) }
        if !self.symbols[symbol].venues[venue].stream.pending.isEmpty {
            self.firePending(at: Address(symbol: symbol, venue: venue), trade, previous, now: now, into: &fired)
        }
        if fired.count > start + 1 { fired[start...].sort { $0.alert.id < $1.alert.id } }
    }

    /// Evaluates a quote: spreads, and that a symbol is not silent.
    ///
    /// - Parameters:
    ///   - quote: The next quote of its symbol and venue.
    ///   - isPrimary: Whether the venue drives the symbol; alerts without a venue ignore other quotes.
    ///   - now: The time of the evaluation.
    ///   - fired: Where firings are appended.
    public mutating func evaluate(
        _ quote: Quote, isPrimary: Bool = true, now: Timestamp, into fired: inout [FiredAlert]
    ) {}

    /// Does what has become due by `now`: silences, confirmations by time, expiries.
    ///
    /// What fires says when it was due, not when this was called.
    public mutating func advance(to now: Timestamp, into fired: inout [FiredAlert]) {}

    /// When ``advance(to:into:)`` has something to do at the earliest; `nil` when nothing waits for time.
    public var nextDeadline: Timestamp? { nil }

    /// Tells that ticks of a venue may be missing since `since`: the next firing on its streams says that it may be late.
    public mutating func noteHole(symbol: Symbol, venue: Venue, lateness: AlertLateness) {}

    /// Evaluates trades that were missed when they happened: what would have fired and has not fired since does so once, late.
    ///
    /// - Parameters:
    ///   - trades: Of one symbol and venue, in the order in which they happened.
    ///   - isPrimary: Whether the venue drives the symbol.
    ///   - lateness: Why they come late.
    ///   - now: The time of the evaluation.
    ///   - fired: Where firings are appended.
    public mutating func evaluateMissed(
        _ trades: [Trade], isPrimary: Bool = true, lateness: AlertLateness, now: Timestamp,
        into fired: inout [FiredAlert]
    ) {}

    /// The states of the alerts that changed since the last call, by id, without those that were removed.
    public mutating func takeChanges() -> [Int64: AlertState] { [:] }

    /// All alerts with what they would have to remember if the process ended now, in order of their ids.
    public var alerts: [Alert] {
        self.slotOfID.keys.sorted().compactMap { id in
            guard let index = self.slotOfID[id], var alert = self.slots[Int(index)]?.alert else { return nil }
            if let state = self.state(of: id) { alert.state = state }
            return alert
        }
    }

    /// What an alert would have to remember if the process ended now; `nil` when it is not in the index.
    public func state(of id: Int64) -> AlertState? {
        guard let index = self.slotOfID[id], let slot = self.slots[Int(index)] else { return nil }
        let streams = self.symbols[slot.address.symbol]
        let stream = slot.address.venue.map { streams.venues[$0].stream } ?? streams.primary
        var state = slot.alert.state
        guard let last = stream.last, !slot.isPending else { return state }
        state.lastPrice = last
        let condition = slot.alert.expression.condition
        guard let threshold = condition.threshold else { return state }
        switch condition {
        case .level: state.isArmed = condition.isBeyond(last) != true
        case .crossing(.above, _): state.isArmed = Self.side(threshold, last, stream.beforeLast) != .above
        case .crossing(.below, _): state.isArmed = Self.side(threshold, last, stream.beforeLast) != .below
        default: state.isArmed = true
        }
        return state
    }
}

extension AlertEvaluator {
    private enum SideOfThreshold { case above, below, unknown }

    /// The side of the newest price that is not the threshold itself.
    private static func side(_ threshold: Decimal64, _ last: Decimal64, _ before: Decimal64?) -> SideOfThreshold {
        guard let price = last == threshold ? before : last else { return .unknown }
        return price > threshold ? .above : .below
    }

    private mutating func add(_ alert: Alert) {
        let symbol = self.symbolIndex(alert.symbol)
        let address = Address(symbol: symbol, venue: alert.venue.map { self.venueIndex($0, symbol: symbol) })
        var index = Int32(truncatingIfNeeded: self.slots.count)
        if let free = self.freeSlots.popLast() { index = free } else { self.slots.append(nil) }
        self.slotOfID[alert.id] = index
        let condition = alert.expression.condition
        // Without a last price the alert's own memory decides; a level that is armed and already true fires next.
        var isPending = false
        guard condition.threshold != nil else {
            self.slots[Int(index)] = Slot(alert: alert, address: address, isPending: false)
            return
        }
        self.withStream(at: address) { stream in
            if let last = stream.last {
                isPending = alert.state.isArmed && condition.isBeyond(last) == true
            } else {
                isPending = true
            }
            if isPending {
                stream.pending.append(index)
            } else {
                stream.insert(condition, id: alert.id, slot: index)
            }
        }
        self.slots[Int(index)] = Slot(alert: alert, address: address, isPending: isPending)
    }

    private mutating func firePassed(
        _ trade: Trade, _ previous: Decimal64?, _ before: Decimal64?, now: Timestamp, into fired: inout [FiredAlert]
    ) {
        for index in self.passed {
            guard let condition = self.slots[Int(index)]?.alert.expression.condition, let previous else { continue }
            if case .crossing(_, let threshold) = condition, threshold == previous, let before,
                (before > previous) == (trade.price > previous)
            {
                continue  // It touched the threshold and went back to where it came from.
            }
            self.fire(index, trade, previous, now: now, into: &fired)
        }
    }

    /// Looks at the alerts whose own memory decides, and puts them among the sorted thresholds.
    private mutating func firePending(
        at address: Address, _ trade: Trade, _ previous: Decimal64?, now: Timestamp, into fired: inout [FiredAlert]
    ) {
        var pending: [Int32] = []
        self.withStream(at: address) { swap(&$0.pending, &pending) }
        for index in pending {
            guard let alert = self.slots[Int(index)]?.alert else { continue }
            let condition = alert.expression.condition
            self.slots[Int(index)]?.isPending = false
            self.withStream(at: address) { $0.insert(condition, id: alert.id, slot: index) }
            let remembered = previous ?? alert.state.lastPrice
            if Self.isFirstEdge(alert, price: trade.price, remembered: remembered) {
                self.fire(index, trade, remembered, now: now, into: &fired)
            }
        }
    }

    private static func isFirstEdge(_ alert: Alert, price: Decimal64, remembered: Decimal64?) -> Bool {
        let condition = alert.expression.condition
        guard let threshold = condition.threshold else { return false }
        switch condition {
        case .level:
            let wasFalse = remembered.map { condition.isBeyond($0) == false } ?? false
            return condition.isBeyond(price) == true && (alert.state.isArmed || wasFalse)
        default:
            guard let remembered else { return false }
            let rises = condition.firesOnRise && remembered <= threshold && price > threshold
            let falls = condition.firesOnFall && remembered >= threshold && price < threshold
            return rises || falls
        }
    }

    private mutating func fire(
        _ index: Int32, _ trade: Trade, _ previous: Decimal64?, now: Timestamp, into fired: inout [FiredAlert]
    ) {
        guard var alert = self.slots[Int(index)]?.alert else { return }
        if let cooldown = alert.expression.options.cooldown, let firedAt = alert.state.lastFiredAt {
            // The magnitude, so that a clock set back cannot silence an alert for longer than its cooldown.
            let elapsed = now.nanoseconds.subtractingReportingOverflow(firedAt.nanoseconds)
            if !elapsed.overflow, Duration.nanoseconds(Int64(clamping: elapsed.partialValue.magnitude)) < cooldown {
                self.suppressedCount += 1
                return
            }
        }
        alert.state.crossingCount += 1
        alert.state.lastFiredAt = now
        alert.state.lastPrice = trade.price
        alert.state.isArmed = false
        if case .crossing(.either, _) = alert.expression.condition {
            alert.state.isArmed = alert.expression.options.mode == .repeat
        }
        self.slots[Int(index)]?.alert = alert
        let crossing = alert.state.crossingCount
        fired.append(
            FiredAlert(
                alert: alert, cause: FiredAlert.Cause(trade), previousPrice: previous, crossing: crossing, firedAt: now)
        )
        if alert.expression.options.mode == .once {
            self.remove(id: alert.id)
            self.spentCrossings[alert.id] = crossing
        }
    }

    private mutating func symbolIndex(_ symbol: Symbol) -> Int {
        if let index = self.symbolIndices[symbol] { return index }
        let index = self.symbols.count
        self.symbolIndices[symbol] = index
        self.symbols.append(SymbolStreams())
        return index
    }

    private mutating func venueIndex(_ venue: Venue, symbol: Int) -> Int {
        let count = self.symbols[symbol].venues.count
        for index in 0..<count where self.symbols[symbol].venues[index].venue == venue { return index }
        self.symbols[symbol].venues.append(VenueStream(venue: venue, stream: PriceStream()))
        return count
    }

    private mutating func withStream(at address: Address, _ body: (inout PriceStream) -> Void) {
        if let venue = address.venue {
            body(&self.symbols[address.symbol].venues[venue].stream)
        } else {
            body(&self.symbols[address.symbol].primary)
        }
    }
}
