public import Market

extension Feed {
    /// The symbols that the file itself names, in `defaults` or in the table of `symbols`, in alphabetical order.
    public var namedSymbols: [Symbol] { Set(self.defaultSymbols + self.symbolRules.listed.map(\.symbol)).sorted() }

    /// Whether the venue may have a symbol: the file has a spelling for it, and names it or is about its kind of instrument.
    ///
    /// A file's rules spell anything, so that by them alone a venue of pairs would have `AAPL` too.
    public func mayHave(_ symbol: Symbol) -> Bool {
        guard self.nativeSymbol(for: symbol) != nil else { return false }
        if (self.assetClass(of: symbol) == .stock) == (symbol.quoteCurrency == nil) { return true }
        return self.defaultSymbols.contains(symbol) || self.symbolRules.listed.contains { $0.symbol == symbol }
    }
}
