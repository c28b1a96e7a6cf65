import Market

/// How a venue spells symbols: `symbols` of a feed file.
struct SymbolRules: Hashable, Sendable {
    enum LetterCase: String, Hashable, Sendable, CaseIterable {
        case upper, lower
    }

    /// Between the two legs; empty for joined names.
    var separator = "-"
    var letterCase = LetterCase.upper
    var prefix = ""
    var suffix = ""
    /// Quote currencies by which a joined name is split when no subscription tells, in the venue's spelling.
    var quotes: [String] = []
    /// Only symbols of the table exist.
    var isTableOnly = false
    private var nativeLegs: [String: String] = [:]
    private var canonicalLegs: [String: String] = [:]
    private var nativeNames: [Symbol: String] = [:]
    private var tableSymbols: [String: Symbol] = [:]

    mutating func rename(_ leg: String, to native: String) {
        self.nativeLegs[leg] = native
        self.canonicalLegs[native.uppercased()] = leg
    }

    mutating func list(_ symbol: Symbol, native: String) {
        self.nativeNames[symbol] = native
        self.tableSymbols[native] = symbol
    }

    /// What the table says `native` stands for.
    func tableSymbol(native: String) -> Symbol? { self.tableSymbols[native] }

    /// The symbols of the table.
    var listed: [(symbol: Symbol, native: String)] { self.nativeNames.map { (symbol: $0.key, native: $0.value) } }

    /// The venue's spelling; `nil` when it has none.
    func native(for symbol: Symbol) -> String? {
        if let listed = self.nativeNames[symbol] { return listed }
        if self.isTableOnly { return nil }
        let legs = symbol.name.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard legs.allSatisfy({ !$0.isEmpty }) else { return nil }
        let body = legs.map { self.nativeLegs[$0] ?? $0 }.joined(separator: self.separator)
        switch self.letterCase {
        case .upper: return self.prefix + body.uppercased() + self.suffix
        case .lower: return self.prefix + body.lowercased() + self.suffix
        }
    }

    /// The symbol that the venue spells `native`, found without a subscription list; `nil` when the rules cannot tell.
    func symbol(native: String) -> Symbol? {
        if let listed = self.tableSymbols[native] { return listed }
        if self.isTableOnly { return nil }
        guard native.hasPrefix(self.prefix), native.hasSuffix(self.suffix),
            native.utf8.count > self.prefix.utf8.count + self.suffix.utf8.count
        else { return nil }
        let body = native.dropFirst(self.prefix.count).dropLast(self.suffix.count).uppercased()
        if self.separator.isEmpty {
            return self.joined(body)
        }
        let separator = self.separator.uppercased()
        let legs = body.split(separator: separator, maxSplits: 1, omittingEmptySubsequences: false)
        return self.symbol(legs: legs.map(String.init))
    }

    private func symbol(legs: [String]) -> Symbol? {
        guard legs.allSatisfy({ !$0.isEmpty }) else { return nil }
        // A name outside the grammar has no canonical symbol, which is what nil says.
        return try? Symbol(legs.map { self.canonicalLegs[$0] ?? $0 }.joined(separator: "-"))
    }

    /// Splits by the longest quote currency that leaves a base.
    private func joined(_ body: String) -> Symbol? {
        var best: String?
        for quote in self.quotes.map({ $0.uppercased() }) {
            guard body.hasSuffix(quote), body.count > quote.count, quote.count > best?.count ?? 0 else { continue }
            best = quote
        }
        guard let best else { return self.quotes.isEmpty ? self.symbol(legs: [body]) : nil }
        return self.symbol(legs: [String(body.dropLast(best.count)), best])
    }
}
