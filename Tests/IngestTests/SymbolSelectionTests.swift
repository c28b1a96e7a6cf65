import FeedLanguage
import Market
import Testing

@testable import Ingest

@Suite("What a feed is asked for")
struct SymbolSelectionTests {
    private static func feed(
        asset: String = "crypto", symbols: String = #"{separator: "/"}"#, defaults: String = "[BTC-USD, ETH-USD]"
    ) throws -> Feed {
        try Feed.load(
            yaml: """
                feed: acme
                asset: \(asset)
                connect: {websocket: "wss://acme.test"}
                symbols: \(symbols)
                defaults: \(defaults)
                messages: [{when: {type: pong}, control: true}]
                """, file: "acme.yaml")
    }

    private static func choice(_ text: String) throws -> SymbolChoice {
        let parts = text.dropFirst().split(separator: "@").map(String.init)
        return SymbolChoice(
            symbol: try Symbol(parts[0]), feed: parts.count > 1 ? try Venue(parts[1]) : nil,
            isWanted: text.first == "+")
    }

    private static func entries(
        _ choices: [String], base: SymbolSelection.Base = .defaults, feed: Feed? = nil
    ) throws -> [String] {
        try SymbolSelection(base).entries(for: feed ?? Self.feed(), choices: choices.map(Self.choice))
            .map { "\($0.symbol) \($0.origin.rawValue)" }
    }

    @Test(
        "The last word about a symbol counts, whether about every feed or this one",
        arguments: [
            ([], ["BTC-USD default", "ETH-USD default"]),
            (["+SOL-USD"], ["BTC-USD default", "ETH-USD default", "SOL-USD added"]),
            (["-BTC-USD"], ["ETH-USD default"]),
            (["-BTC-USD", "+BTC-USD"], ["BTC-USD default", "ETH-USD default"]),
            (["+SOL-USD", "-SOL-USD"], ["BTC-USD default", "ETH-USD default"]),
            (["-BTC-USD", "+BTC-USD@acme"], ["BTC-USD default", "ETH-USD default"]),
            (["+SOL-USD", "-SOL-USD@acme"], ["BTC-USD default", "ETH-USD default"]),
            (["-BTC-USD", "+BTC-USD@other"], ["ETH-USD default"]),
            (["+SOL-USD@other", "-BTC-USD@other"], ["BTC-USD default", "ETH-USD default"]),
            (
                ["+B-USD", "+A-USD", "+B-USD@acme"],
                ["BTC-USD default", "ETH-USD default", "A-USD added", "B-USD added"]
            ),
        ] as [([String], [String])]
    )
    func choices(choices: [String], expected: [String]) throws {
        #expect(try Self.entries(choices) == expected)
    }

    @Test("A list from the settings takes the place of the file's, and choices stand on top of it too")
    func list() throws {
        let base = SymbolSelection.Base.list([try Symbol("XRP-USD"), try Symbol("BTC-USD"), try Symbol("XRP-USD")])
        #expect(
            try Self.entries(["+SOL-USD", "-BTC-USD"], base: base) == ["XRP-USD --symbols", "SOL-USD added"])
        let simulated = SymbolSelection.Base.simulated([try Symbol("XRP-USD")])
        #expect(try Self.entries(["+SOL-USD"], base: simulated) == ["XRP-USD simulated", "SOL-USD added"])
        let removals = try SymbolSelection(base).removals(
            for: Self.feed(), choices: ["-BTC-USD", "-ETH-USD", "-XRP-USD", "+XRP-USD@acme"].map(Self.choice))
        #expect(try removals == [Self.choice("-BTC-USD")])
    }

    @Test(
        "What is added for every feed reaches those that can have it; what is added for one reaches it whatever it is")
    func kinds() throws {
        let stocks = try Self.feed(asset: "stock", defaults: "[MSFT]")
        let both = try Self.feed(asset: "auto", defaults: "[]")
        let table = try Self.feed(symbols: "{table: {BTC-USD: bitcoin, XAU: gold}}", defaults: "[BTC-USD]")
        #expect(try Self.entries(["+AAPL", "+SOL-USD"], feed: stocks) == ["MSFT default", "AAPL added"])
        #expect(try Self.entries(["+AAPL", "+SOL-USD"], feed: both) == ["AAPL added", "SOL-USD added"])
        #expect(try Self.entries(["+AAPL", "+SOL-USD", "+XAU"], feed: table) == ["BTC-USD default", "XAU added"])
        #expect(try Self.entries(["+AAPL@acme"], feed: table) == ["BTC-USD default", "AAPL added"])
        #expect(table.namedSymbols.map(\.name) == ["BTC-USD", "XAU"])
        let share = try Symbol("AAPL")
        #expect(try !Self.feed().mayHave(share))
        #expect(!table.mayHave(share))
    }
}
