import FeedLanguage
import Testing

@Suite("What a feed file lacks although it may run")
struct WarningTests {
    private static let good = """
        feed: acme
        asset: crypto
        connect: {websocket: "wss://acme.test/ws"}
        symbols: {separator: "-"}
        defaults: [BTC-USD]
        subscribe: {send: {sub: ["{symbols}"]}}
        messages: [{trade: {symbol: s, price: p, id: i}}]
        backfill: {get: "https://acme.test/{symbol}"}
        tests: [{frame: {s: BTC-USD, p: 1}, gives: {trade: {price: 1}}}]
        """

    private static func warnings(_ old: String = "", _ new: String = "") throws -> [String] {
        try Feed.load(yaml: old.isEmpty ? Self.good : Self.good.replacing(old, with: new), file: "acme.yaml").warnings
    }

    @Test("A whole file has nothing to warn of")
    func none() throws {
        #expect(try Self.warnings() == [])
    }

    @Test(
        "Each lack is told with its fix",
        arguments: [
            ("tests: ", "# ", "there are no 'tests': add some frames as the provider sends them"),
            ("defaults: ", "# ", "there are no 'defaults': the feed carries nothing until symbols are named."),
            ("subscribe: ", "# ", "'subscribe' is missing, and the address names no symbol"),
            ("\"{symbols}\"", "all", "'subscribe' names no symbol, nor does the address"),
            (
                "/{symbol}\"", "/{symbol}\", messages: [{trade: {symbol: \"@symbol\", price: p}}]",
                "a trade of 'backfill' has no 'id', although the stream's trades have one"
            ),
        ])
    func lacks(old: String, new: String, warning: String) throws {
        let warnings = try Self.warnings(old, new)
        #expect(warnings.count == 1 && warnings[0].hasPrefix(warning), "\(warnings)")
    }

    @Test("Symbols in the address do in place of 'subscribe'")
    func address() throws {
        #expect(try Self.warnings("/ws\"}", "/{symbols}\"}").isEmpty)
        let text = Self.good.replacing("/ws", with: "/{symbols}").replacing("subscribe: ", with: "# ")
        #expect(try Feed.load(yaml: text, file: "acme.yaml").warnings == [])
    }

    @Test("A polled feed has nothing to subscribe, and a stream is named")
    func streams() throws {
        let polled = Self.good.replacing(
            "{websocket: \"wss://acme.test/ws\"}", with: "{poll: {get: \"https://a/{symbol}\", every: 5s}}"
        )
        .replacing("subscribe: ", with: "# ")
        #expect(try Feed.load(yaml: polled, file: "acme.yaml").warnings == [])
        let stream = "\nstreams: [{name: quotes, subscribe: null}]"
        let warnings = try Feed.load(yaml: Self.good + stream, file: "acme.yaml").warnings
        #expect(warnings.count == 1 && warnings[0].hasPrefix("'subscribe' of stream 'quotes' is missing"))
    }
}
