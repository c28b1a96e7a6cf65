import Market

/// Makes ticks out of captured values.
///
/// Its functions are mutating, also those that change nothing: for any other the compiler copies the builder first.
struct TickBuilder {
    /// The frame; none is read before ``begin(base:end:receivedTime:fulfilled:contextSymbol:)``.
    private(set) var base: UnsafePointer<UInt8>
    private(set) var end: UnsafePointer<UInt8>
    let workspace: UnsafeMutablePointer<Workspace>
    /// By scope: the row that the tick being built reads.
    let rows: UnsafeMutablePointer<UnsafeMutablePointer<Slot>>
    let symbols: UnsafeMutablePointer<SymbolTable>
    let details: UnsafeBufferPointer<FieldDetail>
    let venue: Venue
    private(set) var receivedTime = Timestamp(nanoseconds: 0)
    /// The tests on the frame that hold.
    private(set) var fulfilled: UInt64 = 0
    /// The symbol of the registered channel, or of the request.
    var contextSymbol: Symbol?
    /// The symbol of the tick that is being built.
    var symbol: Symbol?
    /// What items said that gave no ticks.
    var sawControl = false
    var sawUnmatched = false
    var sawError = false
    /// Whether the frame told a trading status that nobody has taken yet.
    var sawStatus = false
    /// Whether a value could not be read.
    var hasProblem = false
    /// Whether there was neither a complaint nor an error.
    var isPlain: Bool { !self.hasProblem && !self.sawError }

    init(
        workspace: UnsafeMutablePointer<Workspace>, symbols: UnsafeMutablePointer<SymbolTable>,
        details: UnsafeBufferPointer<FieldDetail>, venue: Venue
    ) {
        self.base = UnsafePointer(workspace.pointee.text)
        self.end = self.base
        self.workspace = workspace
        self.rows = workspace.pointee.current
        self.symbols = symbols
        self.details = details
        self.venue = venue
    }

    /// A frame has been scanned.
    @inline(__always)
    mutating func begin(
        base: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, receivedTime: Timestamp, fulfilled: UInt64,
        contextSymbol: Symbol?
    ) {
        self.base = base
        self.end = end
        self.receivedTime = receivedTime
        self.fulfilled = fulfilled
        self.contextSymbol = contextSymbol
        self.sawControl = false
        self.sawUnmatched = false
        self.sawError = false
        self.sawStatus = false
        self.hasProblem = false
    }

    // MARK: Ticks

    /// Appends the ticks of a rule's outputs.
    @inline(__always)
    mutating func build(_ rule: UnsafeMutablePointer<RuleCode>, into ticks: inout [Tick]) {
        for index in 0..<rule.pointee.outputCount {
            let output = rule.pointee.outputs + index
            guard output.pointee.conditions.count == 0 || self.holds(output.pointee.conditions) else { continue }
            if output.pointee.chain.count == 1 {
                self.buildItem(output, into: &ticks)
            } else {
                for row in 0..<self.rowCount(output.pointee.chain) {
                    self.point(output.pointee.chain, at: row)
                    self.buildItem(output, into: &ticks)
                }
            }
        }
    }

    /// How many items the innermost level of a chain has.
    mutating func rowCount(_ chain: ScopeChain) -> Int {
        chain.count == 1 ? 1 : self.workspace.pointee.rows[chain.scopes[chain.count - 1]].count
    }

    /// Points every level at the row that `row` of the innermost one lies in.
    @inline(__always)
    mutating func point(_ chain: ScopeChain, at row: Int) {
        var index = row
        for level in stride(from: chain.count - 1, to: 0, by: -1) {
            let rows = self.workspace.pointee.rows + chain.scopes[level]
            self.rows[chain.scopes[level]] = rows.pointee.slots + index * rows.pointee.stride
            index = Int(rows.pointee.parents[index])
        }
    }

    mutating func buildItem(_ output: UnsafeMutablePointer<OutputCode>, into ticks: inout [Tick]) {
        for index in 0..<output.pointee.itemCount {
            let item = output.pointee.items + index
            guard item.pointee.conditions.count == 0 || self.holds(item.pointee.conditions) else { continue }
            switch item.pointee.body {
            case .ticks:
                if let trade = item.pointee.trade { self.buildTrade(trade, into: &ticks) }
                if let quote = item.pointee.quote { self.buildQuote(quote, into: &ticks) }
            case .status:
                if let status = item.pointee.status { self.readStatus(status) }
            case .ignored: break
            case .control: self.sawControl = true
            case .error:
                self.sawError = true
                if self.workspace.pointee.itemError == nil {
                    self.workspace.pointee.itemError = self.error(&item.pointee.error)
                }
            }
            return
        }
        self.sawUnmatched = true
    }

    mutating func buildTrade(_ code: UnsafeMutablePointer<TradeCode>, into ticks: inout [Tick]) {
        var flags: TickFlags = []
        var isBad = false
        guard let symbol = self.symbol(&code.pointee.symbol) else { return }
        self.symbol = symbol
        let price = self.decimal(&code.pointee.price, "price", &flags, &isBad)
        let size = self.decimal(&code.pointee.size, "size", &flags, &isBad)
        guard let price, !isBad else {
            if !isBad { self.complain("there is no price") }
            return
        }
        let time = self.time(&code.pointee.time, &flags)
        if self.isSnapshot(code.pointee.snapshot) { flags.insert(.snapshot) }
        if code.pointee.staleFirst > 0, self.isStaleFirst(symbol, time, limit: code.pointee.staleFirst) {
            flags.insert(.snapshot)
        }
        let tick = Tick.trade(
            Trade(
                symbol: symbol, venue: self.venue, price: price, size: size, side: self.side(&code.pointee.side),
                id: self.text(&code.pointee.id), eventTime: time, receivedTime: self.receivedTime,
                venueSequence: self.integer(&code.pointee.sequence), flags: flags
            ))
        ticks.append(tick)
    }

    /// Whether a trade is older than `limit` and its symbol has had no younger one.
    @inline(never)
    mutating func isStaleFirst(_ symbol: Symbol, _ time: Timestamp, limit: Int64) -> Bool {
        if self.workspace.pointee.memory.liveSymbols.contains(symbol) { return false }
        if self.receivedTime.nanoseconds - time.nanoseconds > limit { return true }
        self.workspace.pointee.memory.liveSymbols.insert(symbol)
        return false
    }

    mutating func buildQuote(_ code: UnsafeMutablePointer<QuoteCode>, into ticks: inout [Tick]) {
        var flags: TickFlags = []
        var isBad = false
        guard let symbol = self.symbol(&code.pointee.symbol) else { return }
        self.symbol = symbol
        let bid = self.decimal(&code.pointee.bid, "bid", &flags, &isBad)
        let ask = self.decimal(&code.pointee.ask, "ask", &flags, &isBad)
        let bidSize = self.decimal(&code.pointee.bidSize, "bidSize", &flags, &isBad)
        let askSize = self.decimal(&code.pointee.askSize, "askSize", &flags, &isBad)
        let last = self.decimal(&code.pointee.last, "last", &flags, &isBad)
        if isBad { return }
        let time = self.time(&code.pointee.time, &flags)
        if self.isSnapshot(code.pointee.snapshot) { flags.insert(.snapshot) }
        if code.pointee.isMerging {
            let quote = Quote(
                symbol: symbol, venue: self.venue, bid: bid, ask: ask, bidSize: bidSize, askSize: askSize, last: last,
                eventTime: time, receivedTime: self.receivedTime,
                venueSequence: self.integer(&code.pointee.sequence), flags: flags
            )
            return self.append(merging: quote, code, to: &ticks)
        }
        if bid == nil && ask == nil && last == nil { return }
        ticks.append(
            .quote(
                Quote(
                    symbol: symbol, venue: self.venue, bid: bid, ask: ask, bidSize: bidSize, askSize: askSize,
                    last: last, eventTime: time, receivedTime: self.receivedTime,
                    venueSequence: self.integer(&code.pointee.sequence), flags: flags
                )
            )
        )
    }

    /// Appends a quote after filling in what the frame left out from the symbol's quote before.
    @inline(never)
    mutating func append(merging delta: Quote, _ code: UnsafeMutablePointer<QuoteCode>, to ticks: inout [Tick]) {
        var quote = delta
        if let before = self.workspace.pointee.memory.quotes[quote.symbol] {
            if self.isLeftOut(&code.pointee.bid) { quote.bid = before.bid }
            if self.isLeftOut(&code.pointee.ask) { quote.ask = before.ask }
            if self.isLeftOut(&code.pointee.bidSize) { quote.bidSize = before.bidSize }
            if self.isLeftOut(&code.pointee.askSize) { quote.askSize = before.askSize }
            if self.isLeftOut(&code.pointee.last) { quote.last = before.last }
        }
        self.workspace.pointee.memory.quotes[quote.symbol] = quote
        if quote.bid != nil || quote.ask != nil || quote.last != nil { ticks.append(.quote(quote)) }
    }

    private mutating func isLeftOut(_ field: UnsafePointer<FieldCode>) -> Bool {
        field.pointee.isMapped && self.slot(field).kind == .absent
    }

    // MARK: What is no tick

    /// The provider's error in its own words.
    mutating func error(_ code: UnsafeMutablePointer<ErrorCode>) -> ProviderError {
        let parts = [self.text(&code.pointee.message), self.text(&code.pointee.detail)].compactMap { $0 }
        let message = parts.isEmpty ? "no message" : String(parts.joined(separator: ": ").prefix(500))
        return ProviderError(
            message: message,
            symbol: code.pointee.symbol.isMapped ? self.symbolIfKnown(&code.pointee.symbol) : self.contextSymbol,
            retryAfter: code.pointee.retryAfter > 0 ? .nanoseconds(code.pointee.retryAfter) : nil
        )
    }

    /// The symbol that a field names, without a complaint when it names none.
    mutating func symbolIfKnown(_ field: UnsafePointer<FieldCode>) -> Symbol? {
        let (hadProblem, oldProblem) = (self.hasProblem, self.workspace.pointee.problem)
        let symbol = self.symbol(field)
        (self.hasProblem, self.workspace.pointee.problem) = (hadProblem, oldProblem)
        return symbol
    }

    /// What an acknowledgement confirms and refuses.
    mutating func acknowledgement(_ rule: UnsafeMutablePointer<RuleCode>) -> Acknowledgement {
        var answer = Acknowledgement()
        if let accepted = rule.pointee.accepted {
            for row in 0..<self.rowCount(accepted.pointee.chain) {
                self.point(accepted.pointee.chain, at: row)
                if let symbol = self.symbolIfKnown(&accepted.pointee.symbol) { answer.symbols.append(symbol) }
            }
        }
        if let failed = rule.pointee.failed {
            for row in 0..<self.rowCount(failed.pointee.chain) {
                self.point(failed.pointee.chain, at: row)
                guard let native = self.text(&failed.pointee.symbol) else { continue }
                answer.failed.append(
                    Acknowledgement.Failure(
                        symbol: self.symbolIfKnown(&failed.pointee.symbol), native: native,
                        reason: self.text(&failed.pointee.message) ?? ""
                    )
                )
            }
        }
        answer.isAll = rule.pointee.accepted == nil && rule.pointee.failed == nil
        return answer
    }

    /// The channel id that a frame gives out; `nil` when there is none in it.
    mutating func registration(_ rule: UnsafeMutablePointer<RuleCode>) -> RegisteredChannel? {
        guard let id = self.text(&rule.pointee.id) else {
            self.complain("there is no channel id")
            return nil
        }
        let symbol = rule.pointee.symbol.isMapped ? self.symbol(&rule.pointee.symbol) : nil
        return RegisteredChannel(id: id, kind: self.text(&rule.pointee.kind), symbol: symbol)
    }

    /// The values of the frame that an answer repeats.
    mutating func replyValues(_ reply: ReplyCode) -> [FieldPath: RenderContext.Value] {
        var values: [FieldPath: RenderContext.Value] = [:]
        for (path, reference) in reply.values {
            let slot = self.rows[reference.scope][reference.slot]
            guard slot.kind != .absent else { continue }
            let raw = UnsafeBufferPointer(start: self.base + Int(slot.start), count: Int(slot.end - slot.start))
            var json = String(decoding: raw, as: UTF8.self)
            if slot.kind == .string || slot.kind == .escapedString { json = "\"\(json)\"" }
            let text = self.bytes(slot).map { String(decoding: $0, as: UTF8.self) } ?? json
            values[path] = RenderContext.Value(text: text, json: json)
        }
        return values
    }
}
