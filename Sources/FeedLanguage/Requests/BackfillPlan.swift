public import Market

/// How trades that were missed are fetched: `backfill` of a feed file.
public struct BackfillPlan: Sendable {
    /// How far beyond a range its times are asked for.
    private static let margin: Int64 = 1_000_000_000

    let request: RequestTemplate
    let paging: Paging?
    /// What the provider allows.
    public let budget: BudgetRules
    /// Decodes the answers: the feed with the rules of `backfill.messages`, or its own where there are none.
    public let feed: Feed

    /// Which way the pages go.
    enum Direction {
        /// From the beginning of the range on.
        case forward
        /// From its end, or from now, back.
        case backward
        /// Within the range that the request names on both sides.
        case within
    }

    /// Whether a request says where the range ends.
    var namesEnd: Bool { self.request.mentions(.to) }

    var direction: Direction {
        switch (self.request.mentions(.from), self.request.mentions(.to)) {
        case (true, true): .within
        case (true, false): .forward
        case (false, _): .backward
        }
    }

    /// What to send for a page of a range.
    ///
    /// A parameter of the address whose bound is not known is left out. Times reach a second beyond the range: whether a
    /// bound itself counts differs between venues, and the history may round times otherwise than the stream.
    ///
    /// - Parameters:
    ///   - range: What is wanted.
    ///   - page: Which page of it.
    ///   - now: The wall clock, for addresses that name it.
    ///   - random: Any number, for addresses with a `{uuid}`.
    /// - Returns: The request, filled in; `nil` when the venue cannot spell the symbol.
    public func exchange(for range: TradeRange, page: PageMark, now: Timestamp, random: UInt64) -> HTTPExchange? {
        guard let native = self.feed.nativeSymbol(for: range.symbol) else { return nil }
        var context = RenderContext(now: now, random: random, environment: self.feed.environment)
        context.symbol = native
        context.symbols = [native]
        context.counter = page.number
        context.bounds = range.bounds
        context.bounds.fromTime = range.bounds.fromTime?.advanced(byNanoseconds: -Self.margin)
        context.bounds.toTime = range.bounds.toTime?.advanced(byNanoseconds: Self.margin)
        var exchange = self.request.render(context)
        exchange.url = QueryText.droppingEmpty(in: exchange.url)
        if let value = page.value, let paging = self.paging {
            exchange.url = QueryText.setting(paging.parameter, to: value, in: exchange.url)
        }
        return exchange
    }

    /// What an answer's body tells about the next page.
    public func hint(in body: [UInt8]) -> PageHint { self.paging?.hint(in: body) ?? PageHint() }
}
