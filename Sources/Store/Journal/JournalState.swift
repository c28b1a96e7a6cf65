import Market

/// What the callers, the readers and the thread of a journal share, under its lock.
struct JournalState: Sendable {
    /// One stream's part.
    struct Stream: Sendable {
        /// Waits to be written.
        var queue: RecordQueue
        /// The oldest number that the thread has taken out and not synced yet.
        var inHand: Int64?
        /// The position after what is synced.
        var end: Int64
        let endAtOpening: Int64
        /// In order; the last one is written to.
        var segments: [SegmentInfo]
        /// Counts the times that segments were shed.
        var sheddings = 0
        /// No tick before it is needed any more.
        var released: Int64 = 0
        /// Ticks from here on are needed by somebody else too; `nil` when there is nobody else.
        var kept: Int64?
        /// No tick before it is needed by anybody.
        var unneeded: Int64 { min(self.released, self.kept ?? .max) }
        /// The farthest position that a reader was given.
        var handedOut: Int64 = 0
        /// Ticks given up, or found damaged.
        var lost: Int64 = 0
        /// Damage before it has been counted.
        var damageCountedTo: Int64 = 0

        init(_ opened: OpenedStream) {
            self.queue = RecordQueue(next: opened.end)
            self.end = opened.end
            self.endAtOpening = opened.end
            self.segments = opened.segments
        }

        /// Everything before it is synced or given up.
        var settled: Int64 { min(self.inHand ?? .max, self.queue.first ?? self.queue.next) }
    }

    private(set) var trades: Stream
    private(set) var quotes: Stream
    var id: String
    var counters = JournalCounters()
    /// Bytes that the thread has in hand.
    var inHandBytes = 0
    /// Lost ticks that the log has not heard of.
    var unloggedLost: Int64 = 0
    /// The thread sleeps and must be woken when ticks come.
    var isAsleep = false
    var isStopping = false
    var hasEnded = false
    var hasReleases = false
    var waiters: [SyncWaiter] = []
    var signals: [Int: AsyncStream<Void>.Continuation] = [:]
    var nextKey = 0

    init(id: String, trades: Stream, quotes: Stream) {
        self.id = id
        self.trades = trades
        self.quotes = quotes
        let segments = trades.segments + quotes.segments
        self.counters.segments = segments.count
        self.counters.bytesOnDisk = segments.reduce(0) { $0 + $1.bytes }
    }

    subscript(stream: JournalStream) -> Stream {
        get { stream == .trades ? self.trades : self.quotes }
        _modify {
            switch stream {
            case .trades: yield &self.trades
            case .quotes: yield &self.quotes
            }
        }
    }

    var pendingBytes: Int { self.trades.queue.bytes + self.quotes.queue.bytes + self.inHandBytes }
    var hasPending: Bool { !self.trades.queue.isEmpty || !self.quotes.queue.isEmpty }

    /// Takes ticks, and keeps within the bound.
    mutating func append(_ ticks: [Tick], bufferBytesMax: Int) {
        self.counters.appended += Int64(ticks.count)
        for tick in ticks {
            switch tick {
            case .trade(let trade): if !self.trades.queue.append(trade) { self.lose(1, .trades) }
            case .quote(let quote): self.quotes.queue.append(quote)
            }
        }
        self.keepWithin(bufferBytesMax: bufferBytesMax)
    }

    /// Gives up what exceeds the bound: the oldest quotes first, then the oldest trades.
    mutating func keepWithin(bufferBytesMax: Int) {
        while self.trades.queue.bytes + self.quotes.queue.bytes > bufferBytesMax {
            if !self.quotes.queue.isEmpty {
                self.lose(self.quotes.queue.dropOldest(), .quotes)
            } else if !self.trades.queue.isEmpty {
                self.lose(self.trades.queue.dropOldest(), .trades)
            } else {
                break
            }
        }
    }

    /// Gives up ticks that came after the end.
    mutating func refuse(_ ticks: [Tick]) {
        self.counters.appended += Int64(ticks.count)
        for tick in ticks {
            switch tick {
            case .trade: self.lose(1, .trades)
            case .quote: self.lose(1, .quotes)
            }
        }
    }

    /// Counts lost ticks.
    mutating func lose(_ count: Int64, _ stream: JournalStream) {
        self[stream].lost += count
        self.unloggedLost += count
    }

    /// Takes out the waiters for which everything is settled; with `all`, the others too, which have waited in vain.
    mutating func takeWaiters(all: Bool) -> [(waiter: SyncWaiter, isSynced: Bool)] {
        var taken: [(SyncWaiter, Bool)] = []
        guard !self.waiters.isEmpty else { return [] }
        var waiters = self.waiters
        waiters.removeAll { waiter in
            let isSynced = waiter.isSettled(in: self)
            if isSynced || all { taken.append((waiter, isSynced)) }
            return isSynced || all
        }
        self.waiters = waiters
        return taken
    }
}
