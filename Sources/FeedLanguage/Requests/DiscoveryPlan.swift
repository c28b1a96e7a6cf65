public import Market

/// How a provider's list of instruments is read: `discover` of a feed file.
public struct DiscoveryPlan: Sendable {
    /// A value of an item: a path, the item's own key, or a fixed text.
    enum Value: Sendable {
        case path(FieldPath)
        case constant(String)

        func text(_ item: JSONNode, key: String?) -> String? {
            switch self {
            case .constant(let text): return text
            case .path(let path):
                if path.isEntryKey { return key }
                let text = item.value(at: path)?.text
                return text?.isEmpty == false ? text : nil
            }
        }
    }

    /// A test on an item.
    struct Condition: Sendable {
        enum Test: Sendable {
            case anyOf([String])
            case noneOf([String])
            case exists(Bool)
        }

        var path: FieldPath
        var test: Test

        func holds(_ item: JSONNode) -> Bool {
            let value = item.value(at: self.path)
            switch self.test {
            case .anyOf(let texts): return texts.contains(Self.text(value))
            case .noneOf(let texts): return !texts.contains(Self.text(value))
            case .exists(let isThere): return (value != nil && value != .null) == isThere
            }
        }

        private static func text(_ value: JSONNode?) -> String { value?.text ?? "null" }
    }

    let request: RequestTemplate
    let paging: Paging?
    /// What the provider allows.
    public let budget: BudgetRules
    /// How long a list is good.
    public let lifetime: Duration
    let items: FieldPath
    let symbol: Value
    let base: Value?
    let quote: Value?
    var conditions: [Condition]
    /// Legs that the list names otherwise than the stream: canonical by the list's.
    let legs: [String: String]
    let rules: SymbolRules
    /// How the list spells symbols, where it does otherwise than the stream.
    let listRules: SymbolRules?
    var environment: [String: String] = [:]

    /// How long the provider's limits make all pages take: zero where they allow them at once.
    public var pacedDuration: Duration {
        let pages = self.paging?.pagesMax ?? 1
        return self.budget.windows.filter { pages > $0.limit }.map { $0.length * pages / $0.limit }.max() ?? .zero
    }

    /// What to send for a page.
    ///
    /// - Parameters:
    ///   - page: Which page.
    ///   - now: The wall clock, for addresses that name it.
    ///   - random: Any number, for addresses with a `{uuid}`.
    /// - Returns: The request, filled in.
    public func exchange(page: PageMark, now: Timestamp, random: UInt64) -> HTTPExchange {
        var context = RenderContext(now: now, random: random, environment: self.environment)
        context.counter = page.number
        var exchange = self.request.render(context)
        if let value = page.value, let paging = self.paging {
            exchange.url = QueryText.setting(paging.parameter, to: value, in: exchange.url)
        }
        return exchange
    }

    /// The instruments that an answer's body lists; `nil` when it is not JSON.
    ///
    /// Items without a name, or for which `when` does not hold, are left out.
    public func listings(in body: [UInt8]) -> [Listing]? {
        guard let root = body.withUnsafeBytes(JSONNodeReader.read) else { return nil }
        return root.entries(at: self.items).compactMap { key, item in
            guard self.conditions.allSatisfy({ $0.holds(item) }), let native = self.symbol.text(item, key: key) else {
                return nil
            }
            return self.listing(
                native, base: self.base?.text(item, key: key), quote: self.quote?.text(item, key: key))
        }
    }

    /// The page after `page`; `nil` when that was the last one, or the most that is asked for.
    ///
    /// - Parameters:
    ///   - page: The page that was asked for.
    ///   - answer: Its answer.
    ///   - body: Its body.
    ///   - listings: What it listed.
    /// - Returns: What to ask for next.
    public func page(after page: PageMark, answer: HTTPAnswer, body: [UInt8], listings: [Listing]) -> PageMark? {
        guard let paging = self.paging else { return nil }
        return paging.page(
            after: page, answer: answer, hint: paging.hint(in: body), isEmpty: listings.isEmpty,
            last: (listings.last?.native, nil)
        )
    }

    private func leg(_ text: String) -> String { self.legs[text.uppercased()] ?? text }

    private func listing(_ native: String, base: String?, quote: String?) -> Listing {
        let rules = self.listRules ?? self.rules
        let guess: Symbol?
        if let base, let quote {
            guess = rules.symbol(base: self.leg(base), quote: self.leg(quote))
        } else if let symbol = rules.symbol(native: native) {
            let legs = [symbol.base] + (symbol.quoteCurrency.map { [$0] } ?? [])
            // A name outside the grammar has no canonical symbol, which is what nil says.
            guess = try? Symbol(legs.map(self.leg).joined(separator: "-"))
        } else {
            guess = nil
        }
        // Only what leads back to this very instrument may be offered: `BTCUSDT_PERP` is not BTC-USDT.
        guard let guess, let spelled = self.rules.native(for: guess) else {
            return Listing(native: native, symbol: self.rules.tableSymbol(native: native))
        }
        if let listRules {
            return listRules.native(for: guess) == native
                ? Listing(native: spelled, symbol: guess) : Listing(native: native, symbol: nil)
        }
        if spelled == native { return Listing(native: native, symbol: guess) }
        return self.legs.isEmpty ? Listing(native: native, symbol: nil) : Listing(native: spelled, symbol: guess)
    }
}
