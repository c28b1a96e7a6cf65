import Market

/// First in, first out; taking from the front costs no move of the rest.
struct Fifo<Element> {
    private var elements: [Element] = []
    private var head = 0
    /// How many elements were ever appended.
    private(set) var appended: Int64 = 0

    var count: Int { self.elements.count - self.head }
    /// How many elements were ever removed.
    var removed: Int64 { self.appended - Int64(self.count) }

    mutating func append(_ element: Element) {
        self.elements.append(element)
        self.appended += 1
    }

    /// Removes and returns the oldest `count` elements, or all if there are fewer.
    mutating func takeFirst(_ count: Int) -> [Element] {
        let end = min(self.head + count, self.elements.count)
        let taken = Array(self.elements[self.head..<end])
        self.head = end
        self.compact()
        return taken
    }

    /// Removes the oldest `count` elements.
    mutating func dropFirst(_ count: Int) {
        self.head = min(self.head + count, self.elements.count)
        self.compact()
    }

    private mutating func compact() {
        if self.head == self.elements.count {
            // Small arrays are kept for the next ticks, the large ones of an outage given back.
            self.elements.removeAll(keepingCapacity: self.elements.capacity <= 16_384)
            self.head = 0
        } else if self.head > 8192, self.head > self.elements.count / 2 {
            self.elements.removeFirst(self.head)
            self.head = 0
        }
    }
}

/// What goes to the database in one transaction.
struct TickBatch: Sendable {
    /// Counts a recorder's batches from 1.
    let number: Int64
    let trades: [Trade]
    let quotes: [Quote]
    let states: [LastTick]

    var tickCount: Int { self.trades.count + self.quotes.count }
}

/// The ticks and states that wait for the database, with a bound.
struct TickQueue {
    private struct StateKey: Hashable {
        let symbol: Symbol
        let venue: Venue
    }

    private var trades = Fifo<Trade>()
    private var quotes = Fifo<Quote>()
    /// Only the newest state of each symbol and venue waits, so an outage does not make this grow.
    private var states: [StateKey: LastTick] = [:]
    private var lastNumber: Int64 = 0
    private let ticksMax: Int

    /// A place in the queue: everything before it is gone once ``hasPassed(_:)``.
    struct Mark {
        let trades: Int64
        let quotes: Int64
        /// The batch that takes the states that wait now.
        let batch: Int64
    }

    init(ticksMax: Int) { self.ticksMax = ticksMax }

    var count: Int { self.trades.count + self.quotes.count }
    var isEmpty: Bool { self.count == 0 && self.states.isEmpty }

    /// Adds ticks and states.
    ///
    /// - Returns: How many ticks had to go for it: the oldest quotes, and when there are none left, the oldest trades.
    mutating func append(_ ticks: [Tick], _ states: [LastTick]) -> Int {
        for tick in ticks {
            switch tick {
            case .trade(let trade): self.trades.append(trade)
            case .quote(let quote): self.quotes.append(quote)
            }
        }
        for state in states { self.states[StateKey(symbol: state.symbol, venue: state.venue)] = state }
        let excess = self.count - self.ticksMax
        if excess <= 0 { return 0 }
        let droppedQuotes = min(excess, self.quotes.count)
        self.quotes.dropFirst(droppedQuotes)
        self.trades.dropFirst(excess - droppedQuotes)
        return excess
    }

    /// The end of the queue.
    var end: Mark {
        Mark(
            trades: self.trades.appended, quotes: self.quotes.appended,
            batch: self.lastNumber + (self.isEmpty ? 0 : 1)
        )
    }

    /// Whether everything that waited at `mark` has been taken or dropped.
    func hasPassed(_ mark: Mark) -> Bool {
        self.trades.removed >= mark.trades && self.quotes.removed >= mark.quotes && self.lastNumber >= mark.batch
    }

    /// Takes the next batch of at most `count` ticks, with all states.
    mutating func takeBatch(_ count: Int) -> TickBatch? {
        if self.isEmpty { return nil }
        let trades = self.trades.takeFirst(count)
        let quotes = self.quotes.takeFirst(count - trades.count)
        defer { self.states.removeAll(keepingCapacity: true) }
        self.lastNumber += 1
        return TickBatch(number: self.lastNumber, trades: trades, quotes: quotes, states: Array(self.states.values))
    }
}
