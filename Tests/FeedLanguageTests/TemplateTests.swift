import Market
import Testing

@testable import FeedLanguage

@Suite("Texts with placeholders")
struct TemplateTests {
    private static let scope = TemplateScope(
        kinds: [.symbols, .counter, .frame, .channel, .range], captures: ["token", "endpoint"], place: "a test")

    private static func context() throws -> RenderContext {
        var context = RenderContext(
            now: try #require(Timestamp(iso8601: "2026-11-23T12:00:00.123456789Z")), random: 7,
            environment: ["KEY": "se/cret", "EMPTY_OK": ""])
        context.symbol = "BTC/USD"
        context.symbols = ["BTC/USD", "ETH/USD"]
        context.counter = 3
        context.channel = "89"
        context.captures = ["token": "a=b&c", "endpoint": "wss://h:1/x"]
        context.frame = [
            try FieldPath.parse("$.id"): .init(text: "15", json: "15"),
            try FieldPath.parse("$.name"): .init(text: "x\"y", json: #""x\"y""#),
        ]
        context.bounds = TickBounds(
            fromID: "17", fromTime: Timestamp(nanoseconds: 1_700_000_000_123_456_789))
        return context
    }

    @Test(
        "Each placeholder has its text",
        arguments: [
            ("plain", "plain"), ("{{x}}", "{x}"), ("a {symbol|lower} b", "a btc/usd b"),
            ("{symbols}", "BTC/USD,ETH/USD"),
            ("{symbols|lower|join /}", "btc/usd/eth/usd"), ("{symbols|json}", #"["BTC/USD","ETH/USD"]"#),
            ("{n}", "3"), ("{now_s}", "1795435200"), ("{now_ms}", "1795435200123"),
            ("{now_iso}", "2026-11-23T12:00:00.123456789Z"), ("{token}", "a=b&c"), ("{channel}", "89"),
            ("{$.id}/{$.name}/{$.none}", "15/x\"y/"), ("{fromId}-{toId}", "17-"), ("{from_s}", "1700000000"),
            ("{from_ms}", "1700000000123"), ("{from_ns}", "1700000000123456789"),
            ("{from_iso}", "2023-11-14T22:13:20.123456789Z"), ("{to_s}", ""), ("${KEY}", "se/cret"),
            ("${NONE:a:b}", "a:b"), ("${NONE:}", ""), ("${NONE}", "${NONE}"), ("cost $5", "cost $5"),
        ]
    )
    func texts(template: String, text: String) throws {
        #expect(try TextTemplate.parse(template, scope: Self.scope).render(Self.context()) == text)
    }

    @Test(
        "In an address names and what follows the question mark are encoded, a captured address is not",
        arguments: [
            ("wss://h/{symbol}?t={token}", "wss://h/BTC%2FUSD?t=a%3Db%26c"),
            ("{endpoint}?t={token}&k=${KEY}", "wss://h:1/x?t=a%3Db%26c&k=se%2Fcret"),
            ("https://h/${KEY}", "https://h/se/cret"),
            ("https://h?s={symbols|json}", "https://h?s=%5B%22BTC%2FUSD%22%2C%22ETH%2FUSD%22%5D"),
            ("https://h?s={symbols|join ,}", "https://h?s=BTC%2FUSD,ETH%2FUSD"),
        ]
    )
    func addresses(template: String, text: String) throws {
        #expect(try TextTemplate.parse(template, scope: Self.scope).render(Self.context(), encoding: .address) == text)
    }

    @Test("A UUID is of version 4, the same for the same number and another for another")
    func uuids() throws {
        let template = try TextTemplate.parse("{uuid}", scope: Self.scope)
        var seen: Set<String> = []
        for random in UInt64(0)..<100 {
            let text = template.render(RenderContext(now: Timestamp(nanoseconds: 0), random: random))
            #expect(text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            seen.insert(text)
            #expect(text == RenderContext.uuid(random))
        }
        #expect(seen.count == 100)
    }

    @Test(
        "What cannot stand there is named with the fix",
        arguments: [
            ("{symbls}", "unknown placeholder '{symbls}': did you mean 'symbols'?"),
            ("{tokn}", "unknown placeholder '{tokn}': did you mean 'token'?"),
            ("{symbol|lwer}", "unknown filter 'lwer' in '{symbol|lwer}': did you mean 'lower'?"),
            ("{n|join ,}", "'join' of '{n|join ,}' needs a list: write '{symbols|join ,}', or remove it."),
            ("{n", "the brace in '{n' has no partner: write '{{' or '}}' for the character itself."),
            ("${KEY", "'${KEY' is never closed: write '${NAME}' or '${NAME:default}'."),
            (
                "${symbol}",
                "'${symbol}' names no environment variable: write A to Z, 0 to 9 and '_', such as '${ACME_API_KEY}'."
            ),
            ("{$.a..b}", "'{$.a..b}': bad path '$.a..b': a name is missing beside a '.'."),
            ("{$.a.*}", "'{$.a.*}': '*' and '@key' have no value here; name one place."),
        ]
    )
    func mistakes(template: String, message: String) {
        #expect(throws: TextTemplate.SyntaxError(message: message)) {
            try TextTemplate.parse(template, scope: Self.scope)
        }
    }

    @Test(
        "A placeholder in the wrong place is told where it belongs",
        arguments: [
            ("{channel}", "'{channel}' has no meaning in a header: it belongs into 'unsubscribe'; remove it here."),
            ("{fromId}", "'{fromId}' has no meaning in a header: it belongs into 'backfill'; remove it here."),
            ("{n}", "'{n}' has no meaning in a header: it belongs into a message to send; remove it here."),
            (
                "{symbol}",
                "'{symbol}' has no meaning in a header: it belongs into an address, 'subscribe' or 'unsubscribe'; remove it here."
            ),
            ("{$.id}", "'{$.id}' is a value of a received frame: it belongs into 'reply', not into a header."),
        ]
    )
    func misplaced(template: String, message: String) {
        #expect(throws: TextTemplate.SyntaxError(message: message)) {
            try TextTemplate.parse(template, scope: TemplateScope(kinds: [], captures: nil, place: "a header"))
        }
    }

    @Test("Numbers and values of a frame are no strings where they stand alone, unless the file says text")
    func kinds() throws {
        func node(_ text: String) throws -> TemplateNode {
            let parser = FeedFileParser(reader: FileReader(file: "f"), captures: ["token"])
            let value = YAMLValue(
                content: .mapping([
                    (
                        key: YAMLValue(content: .scalar("v", isPlain: true), mark: SourceMark(line: 1, column: 1)),
                        value: YAMLValue(content: .scalar(text, isPlain: false), mark: SourceMark(line: 1, column: 1))
                    )
                ]), mark: SourceMark(line: 1, column: 1))
            return try parser.template(value, Self.scope).root
        }
        let context = try Self.context()
        for (text, json) in [
            ("{n}", "3"), ("{n|text}", #""3""#), ("{now_ms}", "1795435200123"), ("{now_s|text}", #""1795435200""#),
            ("{now_iso}", #""2026-11-23T12:00:00.123456789Z""#), ("{$.id}", "15"), ("{$.id|text}", #""15""#),
            ("{$.name}", #""x\"y""#), ("{$.none}", "null"), ("i{n}", #""i3""#), ("{token}", #""a=b&c""#),
            ("{from_ms}", "1700000000123"), ("{to_ms}", "null"), ("{fromId}", #""17""#),
        ] {
            var bytes: [UInt8] = []
            try node(text).write(context, to: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == "{\"v\":\(json)}", "\(text)")
        }
    }
}
