import Market

/// Makes ticks out of captured values.
struct TickBuilder {
    let base: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    let workspace: UnsafeMutablePointer<Workspace>
    /// By scope: the row that the tick being built reads.
    let rows: UnsafeMutablePointer<UnsafeMutablePointer<Slot>>
    let symbols: UnsafeMutablePointer<SymbolTable>
    let details: UnsafeBufferPointer<FieldDetail>
    let venue: Venue
    let receivedTime: Timestamp
    /// The tests on the frame that hold.
    let fulfilled: UInt64
    /// Whether a value could not be read.
    var hasProblem = false
    /// The first such value.
    var problem = ""

    init(
        base: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, workspace: UnsafeMutablePointer<Workspace>,
        symbols: UnsafeMutablePointer<SymbolTable>, details: UnsafeBufferPointer<FieldDetail>, venue: Venue,
        receivedTime: Timestamp, fulfilled: UInt64
    ) {
        self.fulfilled = fulfilled
        self.base = base
        self.end = end
        self.workspace = workspace
        self.rows = workspace.pointee.current
        self.symbols = symbols
        self.details = details
        self.venue = venue
        self.receivedTime = receivedTime
    }

    // MARK: Ticks

    /// Appends the ticks of a rule's rows.
    @inline(__always)
    mutating func build(_ rule: UnsafeMutablePointer<RuleCode>, into ticks: inout [Tick]) {
        let scopeCount = rule.pointee.scopeCount
        if scopeCount == 1 {
            self.buildItem(rule, into: &ticks)
            return
        }
        let scopes = rule.pointee.scopes
        let count = self.workspace.pointee.rows[scopes[scopeCount - 1]].count
        for row in 0..<count {
            // Point every level at the row this one lies in.
            var index = row
            for level in stride(from: scopeCount - 1, to: 0, by: -1) {
                let rows = self.workspace.pointee.rows + scopes[level]
                self.rows[scopes[level]] = rows.pointee.slots + index * rows.pointee.stride
                index = Int(rows.pointee.parents[index])
            }
            self.buildItem(rule, into: &ticks)
        }
    }

    mutating func buildItem(_ rule: UnsafeMutablePointer<RuleCode>, into ticks: inout [Tick]) {
        for index in 0..<rule.pointee.itemCount {
            let item = rule.pointee.items + index
            guard item.pointee.conditions.count == 0 || self.holds(item.pointee.conditions) else { continue }
            if let trade = item.pointee.trade { self.buildTrade(trade, into: &ticks) }
            if let quote = item.pointee.quote { self.buildQuote(quote, into: &ticks) }
            return
        }
    }

    mutating func buildTrade(_ code: UnsafeMutablePointer<TradeCode>, into ticks: inout [Tick]) {
        var flags: TickFlags = []
        var isBad = false
        guard let symbol = self.symbol(code.pointee.symbol) else { return }
        let price = self.decimal(code.pointee.price, "price", &flags, &isBad)
        let size = self.decimal(code.pointee.size, "size", &flags, &isBad)
        guard let price, !isBad else {
            if !isBad { self.complain("there is no price") }
            return
        }
        let time = self.time(code.pointee.time, &flags)
        if self.isSnapshot(code.pointee.snapshot) { flags.insert(.snapshot) }
        let trade = Trade(
            symbol: symbol, venue: self.venue, price: price, size: size, side: self.side(code.pointee.side),
            id: self.text(code.pointee.id), eventTime: time, receivedTime: self.receivedTime,
            venueSequence: self.integer(code.pointee.sequence), flags: flags
        )
        ticks.append(.trade(consume trade))
    }

    mutating func buildQuote(_ code: UnsafeMutablePointer<QuoteCode>, into ticks: inout [Tick]) {
        var flags: TickFlags = []
        var isBad = false
        guard let symbol = self.symbol(code.pointee.symbol) else { return }
        let bid = self.decimal(code.pointee.bid, "bid", &flags, &isBad)
        let ask = self.decimal(code.pointee.ask, "ask", &flags, &isBad)
        let bidSize = self.decimal(code.pointee.bidSize, "bidSize", &flags, &isBad)
        let askSize = self.decimal(code.pointee.askSize, "askSize", &flags, &isBad)
        let last = self.decimal(code.pointee.last, "last", &flags, &isBad)
        if isBad || (bid == nil && ask == nil && last == nil) { return }
        let time = self.time(code.pointee.time, &flags)
        if self.isSnapshot(code.pointee.snapshot) { flags.insert(.snapshot) }
        ticks.append(
            .quote(
                Quote(
                    symbol: symbol, venue: self.venue, bid: bid, ask: ask, bidSize: bidSize, askSize: askSize,
                    last: last, eventTime: time, receivedTime: self.receivedTime,
                    venueSequence: self.integer(code.pointee.sequence), flags: flags
                )
            )
        )
    }

    /// The provider's error in its own words.
    mutating func errorText(_ message: FieldCode, _ detail: FieldCode) -> String {
        let parts = [self.text(message), self.text(detail)].compactMap { $0 }
        return parts.isEmpty ? "no message" : String(parts.joined(separator: ": ").prefix(500))
    }
}
