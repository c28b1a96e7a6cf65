public import Market

/// What a polled feed asks, and how often: `connect.poll` of a feed file.
public struct PollPlan: Sendable {
    let request: RequestTemplate
    /// From one request for a symbol to the next.
    public let interval: Duration
    /// The most symbols one request may name.
    public let symbolsPerRequest: Int
    /// What the provider allows.
    public let budget: BudgetRules
    let paging: Paging?
    /// Whether `ETag` and `Last-Modified` are sent back.
    let isConditional: Bool
    /// Whether what an answer repeats of the one before is dropped.
    let dropsRepeats: Bool
    let hours: MarketHours?
    let rules: SymbolRules
    var environment: [String: String] = [:]

    /// The symbols that the venue can spell, in their order.
    func spelled(_ symbols: [Symbol]) -> [Symbol] { symbols.filter { self.rules.native(for: $0) != nil } }

    /// The symbols of each request: one for all where the address names none.
    func batches(of symbols: [Symbol]) -> [[Symbol]] {
        guard !symbols.isEmpty else { return [] }
        let size = self.request.mentionsSymbols ? self.symbolsPerRequest : symbols.count
        return stride(from: 0, to: symbols.count, by: size).map { Array(symbols[$0..<min($0 + size, symbols.count)]) }
    }

    /// The most symbols of one request.
    var batchMax: Int { self.request.mentionsSymbols ? self.symbolsPerRequest : .max }

    /// What to send for a request of a session.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - now: The wall clock, for addresses that name it.
    ///   - random: Any number, for addresses with a `{uuid}`.
    ///   - captures: What the feed's bootstrap has captured.
    /// - Returns: The request, filled in.
    public func exchange(
        for request: PollRequest, now: Timestamp, random: UInt64, captures: [String: String] = [:]
    ) -> HTTPExchange {
        var context = RenderContext(now: now, random: random, environment: self.environment)
        context.symbols = request.symbols.compactMap(self.rules.native(for:))
        context.symbol = context.symbols.first ?? ""
        context.captures = captures
        context.counter = request.id
        var exchange = self.request.render(context)
        if let value = request.page.value, let paging = self.paging {
            exchange.url = QueryText.setting(paging.parameter, to: value, in: exchange.url)
        }
        exchange.headers += request.conditions
        return exchange
    }

    /// What an answer's body tells about the next page.
    public func hint(in body: [UInt8]) -> PageHint { self.paging?.hint(in: body) ?? PageHint() }
}
