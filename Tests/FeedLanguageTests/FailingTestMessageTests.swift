import FeedLanguage
import Testing

@Suite("What a failing test of a feed file says")
struct FailingTestMessageTests {
    private static let messages = """
        - when: {e: x}
          ignore: true
        - when: {e: t}
          trade: {symbol: s, price: prise}
        - when: {e: q}
          each: data
          quote: {symbol: s, bid: b, ask: a}
        - when: {e: c}
          control: true
        - when: {e: r}
          trade: {symbol: "@symbol", price: p}
        - when: {e: i}
          each: d
          items: [{when: {x: 1}, trade: {symbol: s, price: p}}]
        - when: {e: reg}
          register: {id: id, symbol: s}
        - channel: {id: id}
          trade: {price: [p, q]}
        """

    private static func failures(_ tests: String) throws -> [String] {
        try FeedText.load(messages: Self.messages, tests: tests).runTests().map(\.message)
    }

    @Test(
        "It names the rule that took the frame and what that rule missed",
        arguments: [
            ("{e: t, s: BTC-USD}", "nothing: there is no price; the rule at line 8 found nothing at 'prise'"),
            ("{e: t, prise: 1}", "nothing: there is no symbol; the rule at line 8 found nothing at 's'"),
            ("{e: t, s: BTC-USD, prise: x}", "nothing: price 'x' is not a number (in the rule at line 8)"),
            ("{e: q, dta: []}", "nothing (ignored); the rule at line 10 found no list at 'data'"),
            ("{e: q, data: [{s: BTC-USD}]}", "nothing (ignored); the rule at line 10 found nothing at 'b' or 'a'"),
            ("{e: x}", "nothing (ignored); the rule at line 6 says so"),
            ("{e: c}", "a control message, by the rule at line 13"),
            ("{e: i, d: [{x: 2}]}", "nothing: no rule takes it; the rule at line 17 does, but none of its items"),
            ("{e: reg}", "nothing: there is no channel id; the rule at line 20 found nothing at 'id'"),
            ("{e: none}", "nothing: no rule takes it"),
        ])
    func frames(frame: String, message: String) throws {
        #expect(
            try Self.failures("- {frame: \(frame), gives: {trade: {price: 1}}}") == [
                "test failed: expected one tick, but the frame gave \(message)."
            ])
    }

    @Test("It knows the rules of registered channels")
    func channels() throws {
        #expect(
            try Self.failures("- {before: [{e: reg, id: 7, s: BTC-USD}], frame: {id: 7}, gives: {trade: {price: 1}}}")
                == [
                    "test failed: expected one tick, but the frame gave nothing: there is no price; the rule at line 22 found nothing at 'p' or 'q'."
                ])
    }

    @Test(
        "It says how to name the symbol that was asked for",
        arguments: [
            ("", ": say which one was asked for, with symbols: [BTC-USD]"),
            ("symbols: [BTC-USD, ETH-USD], ", ": name only the one that was asked for in 'symbols'"),
        ])
    func requestSymbol(symbols: String, fix: String) throws {
        #expect(
            try Self.failures("- {\(symbols)frame: {e: r, p: 1}, gives: {trade: {price: 1}}}") == [
                "test failed: expected one tick, but the frame gave nothing: there is no symbol\(fix)."
            ])
        #expect(try Self.failures("- {symbols: [BTC-USD], frame: {e: r, p: 1}, gives: {trade: {price: 1}}}") == [])
    }

    @Test(
        "It points at the first difference of what is sent",
        arguments: [
            (
                "[{type: sub, args: [BTCUSD], n: 1}]",
                "; the first difference is at 'args[0]': expected \"BTCUSD\", got \"BTC-USD\""
            ),
            ("[{type: sub, args: [BTC-USD], n: 1, m: 2}]", "; the first difference is at 'm': expected 2, got nothing"),
            ("[{type: sub, args: [BTC-USD]}]", "; the first difference is at 'n': expected nothing, got 1"),
            (
                "[{type: sub, args: [], n: 1}]",
                "; the first difference is at 'args[0]': expected nothing, got \"BTC-USD\""
            ),
            (
                "[{type: sub, args: {a: null}, n: 1}]",
                "; the first difference is at 'args': expected {\"a\":null}, got [\"BTC-USD\"]"
            ),
            (
                "[{args: [BTC-USD], type: sub, n: 1}]",
                "; the values are the same: put its keys into this order, without blanks"
            ),
            ("[{type: sub, args: [BTC-USD], n: 1}, ping]", "; message 2 is missing"),
            ("[{type: bus}, ping]", "; the first difference of message 1 is at 'type': expected \"bus\", got \"sub\""),
            ("[ping]", ""),
            ("[]", ""),
        ])
    func sends(messages: String, difference: String) throws {
        let feed = try Feed.load(
            yaml: """
                feed: test
                asset: crypto
                connect: {websocket: "wss://example.test"}
                symbols: {separator: "-"}
                subscribe: {send: {type: sub, args: ["{symbols}"], n: 1}}
                messages: [{ignore: true}]
                tests: [{subscribe: [BTC-USD], sends: \(messages)}]
                """, file: "test.yaml")
        let message = try #require(feed.runTests().first).message
        #expect(message.hasPrefix("test failed: expected to send "))
        #expect(message.hasSuffix(#"{"type":"sub","args":["BTC-USD"],"n":1} would be sent\#(difference)."#))
    }

    @Test(
        "It names the instruments that a list lacks and has too many",
        arguments: [
            (
                "{BTC-USD: BTC-USD, ETH-USD: ETH-USD}",
                "2 instruments, but the list gave 1; missing: ETH-USD ('when' leaves it out)"
            ),
            ("{BTC-USD: BTC-USD, XRP-USD: XRP-USD}", "2 instruments, but the list gave 1; missing: XRP-USD"),
            ("{}", "0 instruments, but the list gave 1; not expected: BTC-USD as BTC-USD"),
            ("{BTC-USD: BTC-EUR}", "BTC-USD as BTC-EUR, but the list gave BTC-USD as BTC-USD"),
        ])
    func listings(gives: String, message: String) throws {
        let feed = try Feed.load(
            yaml: """
                feed: test
                asset: crypto
                connect: {websocket: "wss://example.test"}
                symbols: {separator: "-"}
                messages: [{ignore: true}]
                discover:
                  get: https://example.test/list
                  symbol: s
                  when: {on: true}
                  tests:
                    - frame: [{s: BTC-USD, on: true}, {s: ETH-USD, on: false}]
                      gives: \(gives)
                """, file: "test.yaml")
        #expect(feed.runTests().map(\.message) == ["test failed: expected \(message)."])
    }
}
