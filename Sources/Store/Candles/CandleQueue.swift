import Market

/// What a candle writer knows and holds: which trades wait, which are being written, which are in the table.
///
/// Positions are those of the journal's stream of trades. The memory is a shortcut: everything in it can be had again from
/// the database, so a writer that finds the table elsewhere than it left it forgets all and begins anew.
struct CandleQueue {
    /// What goes into one transaction.
    struct Delta: Sendable {
        let accumulator: CandleAccumulator
        let trades: Int64
        let from: Int64
        let through: Int64
    }

    private enum State {
        /// The table's position is not known yet: trades that are added must wait.
        case mending
        case live
        /// Nothing is written any more: the next start mends what is missing.
        case ended
    }

    private var state = State.mending
    private var accumulator = CandleAccumulator()
    private var waitingTrades: Int64 = 0
    private var added: Int64 = 0
    private var taken: Int64 = 0
    private var written: Int64 = 0
    private var inFlightBars = 0
    /// How often mending was asked for: what was committed before the newest time must be seen by it.
    private(set) var mendRequests = 0
    private let barsMax: Int

    init(barsMax: Int) { self.barsMax = barsMax }

    /// Whether trades can be added now, or need not be any more.
    var isOpen: Bool {
        switch self.state {
        case .mending: false
        case .live, .ended: true
        }
    }

    var needsMending: Bool { if case .mending = self.state { true } else { false } }
    var hasEnded: Bool { if case .ended = self.state { true } else { false } }
    /// Bars of a second that are not in the table.
    var pendingBars: Int { self.accumulator.secondCount + self.inFlightBars }
    /// Whether who adds may go on.
    var hasRoom: Bool { self.pendingBars <= self.barsMax || !self.isLive }
    /// Whether anything waits to be taken.
    var isEmpty: Bool { self.taken == self.added }
    /// The position up to which trades have been added.
    var end: Int64 { self.added }

    private var isLive: Bool { if case .live = self.state { true } else { false } }

    /// Whether the trades up to `position` are in the table.
    func hasWritten(_ position: Int64) -> Bool { self.isLive && self.written >= position }

    /// The table is at `position`: trades beyond it may come.
    ///
    /// - Parameters:
    ///   - position: Where the journal's candles are.
    ///   - requests: ``mendRequests`` when the mending began; when there are more by now, it has to be done again.
    mutating func mended(at position: Int64, asOf requests: Int) {
        guard self.needsMending, self.mendRequests == requests else { return }
        self.state = .live
        (self.added, self.taken, self.written) = (position, position, position)
    }

    /// Adds a batch's trades; does nothing when the table has them already, or when nothing is written any more.
    ///
    /// - Returns: `false` when the writer has to mend first: ask again.
    mutating func add(_ trades: [Trade], through position: Int64) -> Bool {
        switch self.state {
        case .mending: return false
        case .ended: return true
        case .live:
            guard position > self.added else { return true }
            self.accumulator.add(trades)
            self.waitingTrades += Int64(trades.count)
            self.added = position
            return true
        }
    }

    /// Takes what waits; ``settled(_:)`` or ``mendAnew()`` must follow.
    mutating func take() -> Delta? {
        guard self.isLive, !self.isEmpty else { return nil }
        let delta = Delta(
            accumulator: self.accumulator, trades: self.waitingTrades, from: self.taken, through: self.added
        )
        self.inFlightBars = self.accumulator.secondCount
        self.accumulator = CandleAccumulator()
        self.waitingTrades = 0
        self.taken = self.added
        return delta
    }

    /// What was taken is in the table.
    mutating func settled(_ delta: Delta) {
        // Forgotten meanwhile: the mending that follows finds the table where it is now.
        guard self.isLive else { return }
        self.inFlightBars = 0
        self.written = delta.through
    }

    /// The memory cannot be trusted: forgets everything, the table's trades tell what is missing.
    mutating func mendAnew() {
        guard !self.hasEnded else { return }
        self.state = .mending
        self.mendRequests += 1
        self.forget()
    }

    /// Nothing is written any more.
    mutating func finish() {
        self.state = .ended
        self.forget()
    }

    private mutating func forget() {
        self.accumulator = CandleAccumulator()
        self.waitingTrades = 0
        self.inFlightBars = 0
    }
}
