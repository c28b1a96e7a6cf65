public import Market

/// What a polled feed asks, and how often.
public struct PollPlan: Sendable {
    /// One GET request.
    public struct Request: Hashable, Sendable {
        /// The full address.
        public let url: String
        /// Headers to send.
        public let headers: [Header]
        /// The symbols that the answer is about.
        public let symbols: [Symbol]
    }

    let request: RequestTemplate
    /// From one request for a symbol to the next.
    public let interval: Duration
    /// The most symbols one request may name.
    public let symbolsPerRequest: Int
    let rules: SymbolRules
    var environment: [String: String]

    /// The requests that together ask for `symbols`; those that the venue cannot spell are left out.
    ///
    /// - Parameters:
    ///   - symbols: What to ask for.
    ///   - now: The wall clock, for addresses that name it.
    ///   - random: Any number, for addresses with a `{uuid}`.
    /// - Returns: The requests of one round.
    public func requests(for symbols: [Symbol], now: Timestamp, random: UInt64) -> [Request] {
        let known = symbols.filter { self.rules.native(for: $0) != nil }
        return stride(from: 0, to: known.count, by: self.symbolsPerRequest).map { start in
            let batch = Array(known[start..<min(start + self.symbolsPerRequest, known.count)])
            let natives = batch.compactMap(self.rules.native(for:))
            var context = RenderContext(now: now, random: random, environment: self.environment)
            context.symbol = natives.first ?? ""
            context.symbols = natives
            let exchange = self.request.render(context)
            return Request(url: exchange.url, headers: exchange.headers, symbols: batch)
        }
    }
}
