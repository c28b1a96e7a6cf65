import Market

/// How a venue spells symbols: `symbols` of a feed file.
struct SymbolRules: Hashable, Sendable {
    enum LetterCase: String, Hashable, Sendable, CaseIterable {
        case upper, lower
    }

    /// Which leg the venue writes first.
    enum Order: String, Hashable, Sendable, CaseIterable {
        case baseQuote = "base-quote"
        case quoteBase = "quote-base"
    }

    /// Between the two legs; empty for joined names.
    var separator = "-"
    /// In place of `separator` where a leg has more than three characters: Bitfinex writes `BTCUSD`, but `DOGE:USD`.
    var longSeparator: String?
    /// In place of the dot of a share class: `BRK-B` for `BRK.B`.
    var classSeparator: String?
    var order = Order.baseQuote
    var letterCase = LetterCase.upper
    var prefix = ""
    var suffix = ""
    /// Quote currencies by which a joined name is split when no subscription tells, in the venue's spelling.
    var quotes: [String] = []
    /// The most characters of a leg that `separator` joins where there is a `longSeparator`.
    private static let shortLegMax = 3
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
        let natives = legs.map { self.nativeLegs[$0] ?? $0 }
        let body: String
        if natives.count == 2 {
            let isLong = natives.contains { $0.count > Self.shortLegMax }
            let separator = isLong ? self.longSeparator ?? self.separator : self.separator
            body = (self.order == .baseQuote ? natives : natives.reversed()).joined(separator: separator)
        } else {
            body = self.classSeparator.map { natives[0].replacing(".", with: $0) } ?? natives[0]
        }
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
        if let share = self.shareClass(body) { return share }
        if let long = self.longSeparator?.uppercased(), !long.isEmpty, body.contains(long) {
            return self.pair(body, long)
        }
        if self.separator.isEmpty { return self.joined(body) }
        return self.pair(body, self.separator.uppercased())
    }

    /// A name that ends in the separator of share classes and one letter: pairs never end so.
    private func shareClass(_ body: String) -> Symbol? {
        guard let separator = self.classSeparator?.uppercased(), !separator.isEmpty, let last = body.last,
            last.isLetter,
            body.dropLast().hasSuffix(separator), body.count > separator.count + 1
        else { return nil }
        return self.symbol(legs: ["\(body.dropLast(separator.count + 1)).\(last)"])
    }

    private func pair(_ body: String, _ separator: String) -> Symbol? {
        let legs = body.split(separator: separator, maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return self.symbol(legs: self.order == .baseQuote ? legs : legs.reversed())
    }

    /// The symbol of two legs in the venue's spelling.
    func symbol(base: String, quote: String) -> Symbol? {
        self.symbol(legs: [base.uppercased(), quote.uppercased()])
    }

    private func symbol(legs: [String]) -> Symbol? {
        guard legs.allSatisfy({ !$0.isEmpty }) else { return nil }
        // A name outside the grammar has no canonical symbol, which is what nil says.
        return try? Symbol(legs.map { self.canonicalLegs[$0] ?? $0 }.joined(separator: "-"))
    }

    /// Splits by the longest quote currency that leaves a base.
    private func joined(_ body: String) -> Symbol? {
        let isLast = self.order == .baseQuote
        var best: String?
        for quote in self.quotes.map({ $0.uppercased() }) {
            guard isLast ? body.hasSuffix(quote) : body.hasPrefix(quote), body.count > quote.count,
                quote.count > best?.count ?? 0
            else { continue }
            best = quote
        }
        if let best {
            let base = isLast ? body.dropLast(best.count) : body.dropFirst(best.count)
            return self.symbol(legs: [String(base), best])
        }
        // Where long legs have a separator, six characters without one are two legs of three.
        if self.longSeparator != nil, body.count == 2 * Self.shortLegMax {
            let legs = [String(body.prefix(Self.shortLegMax)), String(body.suffix(Self.shortLegMax))]
            return self.symbol(legs: isLast ? legs : legs.reversed())
        }
        return self.quotes.isEmpty ? self.symbol(legs: [body]) : nil
    }
}
