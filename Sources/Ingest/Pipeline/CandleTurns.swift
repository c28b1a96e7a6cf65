import NIOCore

/// Whose candles are looked at when: each symbol once a second, a tenth of them at a time.
struct CandleTurns {
    /// How many turns a second has.
    static let count = 10

    private var symbols = [[SymbolEntry]](repeating: [], count: CandleTurns.count)
    private var next = 0
    private var current = 0
    /// How many symbols have a turn.
    private(set) var total = 0
    /// Whether the turns are being taken.
    var isRunning = false

    /// Gives a symbol a turn.
    mutating func add(_ entry: SymbolEntry) {
        entry.areCandlesListed = true
        self.symbols[self.next].append(entry)
        self.next = (self.next + 1) % Self.count
        self.total += 1
    }

    /// Takes out the symbols whose turn it is; those that shall have another one must be given it with ``putBack(_:)``.
    mutating func takeTurn() -> [SymbolEntry] {
        self.current = (self.current + 1) % Self.count
        defer { self.symbols[self.current] = [] }
        self.total -= self.symbols[self.current].count
        return self.symbols[self.current]
    }

    /// Gives symbols of the turn that was taken their turn in the next second.
    mutating func putBack(_ entries: [SymbolEntry]) {
        self.symbols[self.current].append(contentsOf: entries)
        self.total += entries.count
    }
}
