import FeedLanguage
import Testing

@Suite("Feed files that are no YAML")
struct BadYAMLTests {
    /// What stands behind three good lines, and the one line that it must get.
    static let cases: [(text: String, message: String)] = [
        (
            "title: Bitvavo: spot",
            "4:15: not valid YAML (mapping values are not allowed): put a text with ': ' in it in quotes."
        ),
        (
            "tests: [{frame: a: b}]",
            "4:18: not valid YAML (did not find expected ',' or '}'): put a text with ': ' in it in quotes."
        ),
        (
            "symbols:\n  separator: x\n    case: lower",
            "6:9: not valid YAML (mapping values are not allowed): is the line indented like the one above it?"
        ),
        (
            "symbols:\n  separator: \"-\"\n    case: lower",
            "6:5: not valid YAML (did not find expected key): is the line indented like the one above it?"
        ),
        (
            "symbols:\n\tseparator: x",
            "5:1: not valid YAML (found character that cannot start any token): a tab stands here: indent with blanks."
        ),
        (
            "symbols:\r\n  separator: x\r\n\tcase: lower\r\n",
            "6:1: not valid YAML (found a tab character that violates indentation): a tab stands here: indent with blanks."
        ),
        (
            "backfill:\n  get: {symbol}/trades",
            "5:16: not valid YAML (did not find expected key): a text that begins with '{' must be in quotes."
        ),
        (
            "backfill: {get: [symbol]/trades}",
            "4:25: not valid YAML (did not find expected ',' or '}'): a text that begins with '[' must be in quotes."
        ),
        (
            "backfill: {get: https://a/{symbol}/trades}",
            "4:27: not valid YAML (did not find expected ',' or '}'): a text with '{' in it must be in quotes."
        ),
        (
            "backfill: {get: x} {post: y}",
            "4:20: not valid YAML (did not find expected key): nothing may follow the '}': begin a new line, or put the whole text in quotes."
        ),
        (
            "defaults: [BTC-USD\ntitle: x",
            "5:6: not valid YAML (did not find expected ',' or ']'): is a ',' missing before it, or is the '[' of line 4 never closed?"
        ),
        (
            "tests: [{frame: {a: 1} gives: x}]",
            "4:24: not valid YAML (did not find expected ',' or '}'): is a ',' missing before it, or is the '{' of line 4 never closed?"
        ),
        (
            "title: \"Acme\" Inc",
            "4:15: not valid YAML (did not find expected key): put the whole text in quotes."
        ),
        (
            "title: \"Acme",
            "4:13: not valid YAML (found unexpected end of stream): the quote that opens in line 4 is never closed."
        ),
        (
            "title: @acme",
            "4:8: not valid YAML (found character that cannot start any token): a text that begins with '@' must be in quotes."
        ),
        ("title: *acme", "4:8: not valid YAML (found undefined alias): a text that begins with '*' must be in quotes."),
        (
            "title:x\ndocs: y",
            "5:1: not valid YAML (could not find expected ':'): a blank is missing after the colon in line 4."
        ),
        (
            "title x\ndocs: y",
            "5:1: not valid YAML (could not find expected ':'): a ':' is missing behind the key in line 4."
        ),
        (
            "messages: [{when:{a: 1}, ignore: true}]",
            "4:17: not valid YAML (found unexpected ':'): a blank is missing after the colon."
        ),
        (
            "title: \"a\\q\"",
            "4:10: not valid YAML (found unknown escape character): write '\\\\' for a backslash, or put the text in single quotes."
        ),
        ("title: a\u{1}", "4:9: not valid YAML (control characters are not allowed): remove the character U+0001."),
        (
            "---\ntitle: x",
            "4:1: not valid YAML (but found another document): a file holds one document: remove the '---'."
        ),
        (
            "title: x\ndocs: y\n'title': z",
            "6:1: the key 'title' stands a second time in one mapping, first in line 4: keep one of them."
        ),
        (
            "messages:\n  - when: {a: 1}\n    trade:\n      price: p\n      symbol: {from: s}\n      price: q",
            "9:7: the key 'price' stands a second time in one mapping, first in line 7: keep one of them."
        ),
        (
            "messages:\n  - ignore: true\n    # ignore: false\n\n    ignore: true",
            "8:5: the key 'ignore' stands a second time in one mapping, first in line 5: keep one of them."
        ),
        (
            "messages: [{when: {a: \"},a: {\", b: [c, {a: 1}], 'a': it's}}]",
            "4:49: the key 'a' stands a second time in one mapping, first in line 4: keep one of them."
        ),
        (
            "messages: [{\n  ignore: true, when: {a: 1},\n  ignore: true}]",
            "6:3: the key 'ignore' stands a second time in one mapping, first in line 5: keep one of them."
        ),
    ]

    @Test("Each gets one line with its place, the parser's reason and the fix", arguments: cases)
    func badYAML(text: String, message: String) {
        let head = "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\n"
        let error = #expect(throws: FeedFileError.self) { try Feed.load(yaml: head + text, file: "acme.yaml") }
        #expect(error?.description == "acme.yaml:\(message)")
    }

    @Test("Whatever text is cut off or has a character too many, there is one line", arguments: 0..<400)
    func damage(seed: Int) {
        let file = """
            feed: acme
            connect: {websocket: "wss://acme.test", limits: {connections: 1}}
            symbols:
              separator: '-'
              quotes: [USD, EUR]
            messages:
              - when: {type: [a, b], type: "c"}
                trade: {symbol: s, price: p}
                trade:
                  symbol: s
            """
        let marks: [Character] = [
            "{", "}", "[", "]", ":", ",", "\"", "'", "\t", "\n", "-", "*", "&", "é", "\u{1}", "#",
        ]
        var text = Array(file)
        text.insert(marks[seed % marks.count], at: seed * 7919 % text.count)
        if seed % 3 == 0 { text.removeLast(seed * 31 % text.count) }
        let error = #expect(throws: FeedFileError.self) { try Feed.load(yaml: String(text), file: "acme.yaml") }
        #expect(error.map { $0.line >= 1 && $0.column >= 1 && !$0.message.contains("\n") } == true)
    }
}
