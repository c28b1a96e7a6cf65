import Market

/// Finds the symbol behind a venue's spelling by its bytes.
///
/// The subscription list comes first, so a joined name such as `BTCUSDT` means what was subscribed; other names are
/// worked out by the file's rules once and remembered. Lives behind a pointer: the owner calls ``deallocate()`` at its end.
struct SymbolTable {
    private var table: KeyTable
    private var symbols: [Symbol] = []
    private let rules: SymbolRules
    /// The most names that are remembered beyond the subscribed ones.
    private static let learnedMax = 8192
    private let countMax: Int

    init(rules: SymbolRules, subscribed: [Symbol]) {
        self.rules = rules
        self.table = KeyTable(minimumCapacity: subscribed.count + rules.listed.count + 16)
        self.countMax = subscribed.count + rules.listed.count + Self.learnedMax
        for (symbol, native) in rules.listed { self.learn(native.utf8, symbol) }
        for symbol in subscribed {
            if let native = rules.native(for: symbol) { self.learn(native.utf8, symbol) }
        }
    }

    func deallocate() { self.table.deallocate() }

    private mutating func learn(_ native: some Collection<UInt8>, _ symbol: Symbol) {
        self.table.insert(native, value: Int32(self.symbols.count))
        self.symbols.append(symbol)
    }

    /// The symbol spelled by `count` bytes at `start`, readable up to `end`; `nil` when the rules cannot tell.
    @inline(__always)
    mutating func symbol(_ start: UnsafePointer<UInt8>, count: Int, end: UnsafePointer<UInt8>) -> Symbol? {
        let index = self.table.find(KeyBytes(start, length: count, end: end))
        if index >= 0 { return self.symbols[Int(index)] }
        return self.resolve(UnsafeBufferPointer(start: start, count: count))
    }

    @inline(never)
    private mutating func resolve(_ bytes: UnsafeBufferPointer<UInt8>) -> Symbol? {
        guard bytes.count <= 64, let symbol = self.rules.symbol(native: String(decoding: bytes, as: UTF8.self)) else {
            return nil
        }
        if self.symbols.count < self.countMax { self.learn(bytes, symbol) }
        return symbol
    }
}
