import FeedLanguage
import Testing

@Suite("Mistakes in feed files")
struct BadFileTests {
    private static let head = "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\n"

    /// A file and the one line that it must get.
    static let cases: [(yaml: String, message: String)] = [
        ("", "1:1: the file is empty. Start it with 'feed: NAME'; docs/feeds.md shows a whole one."),
        (
            "feed: acme\n- x",
            "2:1: not valid YAML (did not find expected key): a '-' stands where a key should: write the list below its key."
        ),
        (
            head + "messages:\n  - when: {type: t}\n    trade: {symbol: s, price: p, sidde: d}",
            "6:34: unknown key 'sidde' in trade: did you mean 'side'?"
        ),
        (
            head + "mesages: []",
            "4:1: unknown key 'mesages' in the feed file: did you mean 'messages'?"
        ),
        (
            head + "messages:\n  - {ignore: true}\n  - {ignore: true, ignore: true}",
            "6:20: the key 'ignore' stands a second time in one mapping, first in line 6: keep one of them."
        ),
        ("feed: acme\nasset: crypto\nmessages: []", "1:1: the feed file lacks the key 'connect': add it."),
        (
            "feed: Acme Inc\nasset: crypto\nconnect: {websocket: \"wss://a\"}\nmessages: [{ignore: true}]",
            "1:7: 'feed': 'Acme Inc' is not a venue. Write 1 to 24 of a-z, 0-9, '-' and '_', for example coinbase."
        ),
        (
            "feed: acme\nasset: cripto\nconnect: {websocket: \"wss://a\"}\nmessages: [{ignore: true}]",
            "2:8: 'asset' is 'cripto': did you mean 'crypto'?"
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"https://a\"}\nmessages: [{ignore: true}]",
            "3:22: 'websocket' must be an address that starts with ws:// or wss://, but 'https://a' stands here."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://a\", idleTimeout: 30}\nmessages: [{ignore: true}]",
            "3:46: 'idleTimeout' must be a duration such as 250ms, 30s, 5m or 23h50m, but '30' stands here."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://a\", limits: {messagesPerSecond: fast}}\nmessages: [{ignore: true}]",
            "3:61: 'messagesPerSecond' must be a whole number from 1 to 1000, but 'fast' stands here."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {poll: {get: \"https://a\", every: 1s}, idleTimeout: 3s}\nmessages: [{ignore: true}]",
            "3:61: 'idleTimeout' has no meaning for a polled feed: remove it."
        ),
        (
            head + "messages:\n  - {trade: {symbol: s, price: \"a..b\"}}",
            "5:32: 'price': bad path 'a..b': a name is missing beside a '.'."
        ),
        (
            head + "messages:\n  - {trade: {symbol: s, price: \"a[x]\"}}",
            "5:32: 'price': bad path 'a[x]': '[x]' is not an index: write [0] to [1023], or [-1] to [-8] from the end."
        ),
        (
            head + "messages:\n  - {trade: {symbol: s, price: \"a b\"}}",
            "5:32: 'price': bad path 'a b': ' ' may not stand in a name; quote the name: '\"…\"'."
        ),
        (
            head + "messages:\n  - {trade: {symbol: s, price: \"^.p\"}}",
            "5:32: path '^.p' leads out of the frame: there are 0 levels of 'each' here."
        ),
        (
            head + "messages:\n  - {trade: {price: p}}",
            "5:13: trade lacks the key 'symbol': add it, or the rule's 'channel'."
        ),
        (
            head + "messages:\n  - {when: {a: 1}}",
            "5:5: a rule says one thing (trade, quote or both, status, items, outputs, error, fatal, reply, ack, register, ignore, control, reconnect), but here is nothing."
        ),
        (
            head + "messages:\n  - {ignore: true, control: true}",
            "5:5: a rule says one thing (trade, quote or both, status, items, outputs, error, fatal, reply, ack, register, ignore, control, reconnect), but here is ignore and control."
        ),
        (
            head + "messages:\n  - {when: {a: {startsWith: x}}, ignore: true}",
            "5:17: unknown key 'startsWith' in a test on 'a': write one of exists, absent, type, like, prefix, suffix, matches, not."
        ),
        (
            head + "messages:\n  - {when: {a: {type: text}}, ignore: true}",
            "5:23: 'type' is 'text': write one of object, array, string, number, boolean, null."
        ),
        (
            head + "messages:\n  - {trade: {symbol: s, price: p, side: {from: d, map: {1: long}}}}",
            "5:60: a side is buy, sell or unknown, but 'long' stands here: write one of buy, sell, unknown."
        ),
        (
            head + "messages:\n  - {trade: {symbol: s, price: p, time: {from: t, unit: sec}}}",
            "5:57: 'unit' of time is 'sec': write one of auto, iso, s, ms, us, ns."
        ),
        (
            head + "subscribe: {send: {channel: \"{symbol}\"}}\nmessages: [{ignore: true}]",
            "4:19: '{symbol}' stands outside a list: write 'perSymbol' in place of 'send' for one message a symbol."
        ),
        (
            head + "subscribe: {send: [{c: [\"{symbol|lowr}\"]}]}\nmessages: [{ignore: true}]",
            "4:25: unknown filter 'lowr' in '{symbol|lowr}': did you mean 'lower'?"
        ),
        (
            head + "subscribe: {send: {c: \"{symbls}\"}}\nmessages: [{ignore: true}]",
            "4:23: unknown placeholder '{symbls}': did you mean 'symbols'?"
        ),
        (
            head + "symbols: {table: {btc: bitcoin}}\nmessages: [{ignore: true}]",
            "4:19: a key of 'table': 'btc' is not a symbol. Write 1 to 24 of A-Z, 0-9, '-' and '.', for example BTC-USD or BRK.B."
        ),
        (
            head + "symbols: {table: {BTC-USD: bitcoin}}\ndefaults: [BTC-USD, ETH-USD]\nmessages: [{ignore: true}]",
            "5:11: 'defaults' names ETH-USD, which 'symbols' cannot spell for this venue: add it to its table."
        ),
        (
            head + "messages: [{ignore: true}]\ntests:\n  - {frame: {a: 1}, gives: ignord}",
            "6:28: 'gives' is 'ignord': did you mean 'ignored'? Or give a trade, quote, status, ack, failed, error, fatal, reply or channel."
        ),
        (
            head + "messages: [{ignore: true}]\ntests:\n  - {frame: {a: 1}, gives: acks}",
            "6:28: 'gives' is 'acks': did you mean '{ack: [BTC-USD]}'? Or give a trade, quote, status, ack, failed, error, fatal, reply or channel."
        ),
        (
            head + "messages: [{ignore: true}]\ntests:\n  - {frame: {a: 1}, gives: nonsense}",
            "6:28: 'gives' is 'nonsense': write one of ignored, control, unmatched, malformed, reconnect, or give a trade, quote, status, ack, failed, error, fatal, reply or channel."
        ),
        (
            head + "messages:\n  - when:{type: t}\n    ignore: true",
            "5:5: unknown key 'when:{type' in a message rule: a blank is missing after the colon."
        ),
        (
            head + "messages: [{ignore: true}]\ntests:\n  - {frame: {a: 1}, gives: {trade: {price: x}}}",
            "6:44: 'price' must be a number, but 'x' stands here."
        ),
        (
            head + "messages: [{ignore: maybe}]",
            "4:21: 'ignore' must be true or false, but 'maybe' stands here."
        ),
        (
            head + "messages:\n  - {trade: {symbol: \"@key\", price: p}}",
            "5:22: path '@key': '@key' exists only where 'each' ends in '*'."
        ),
    ]

    @Test("Each gets one line with its place, the offending value and the fix", arguments: cases)
    func badFile(yaml: String, message: String) {
        #expect {
            try Feed.load(yaml: yaml, file: "acme.yaml")
        } throws: { error in
            let text = (error as? FeedFileError)?.description
            if text != "acme.yaml:\(message)" { Issue.record("got \(text ?? "another error")") }
            return true
        }
    }

    @Test("Aliases of aliases do not fill the memory")
    func aliases() {
        let lists = (1...9).map {
            "l\($0): &l\($0) [\(Array(repeating: "*l\($0 - 1)", count: 9).joined(separator: ", "))]"
        }
        #expect(
            throws: FeedFileError(
                file: "f", line: 1, column: 10,
                message: "more than 100000 values, aliases written out: use fewer of them.")
        ) {
            try Feed.load(yaml: "l0: &l0 [x]\n" + lists.joined(separator: "\n"), file: "f")
        }
    }

    @Test("More rules than the scanner can tell apart are refused")
    func tooManyRules() {
        let rules = (0..<65).map { "  - {when: {a: \($0)}, ignore: true}" }.joined(separator: "\n")
        #expect(
            throws: FeedFileError(
                file: "f", line: 69, column: 5, message: "more than 64 message rules: join some of them.")
        ) {
            try Feed.load(yaml: Self.head + "messages:\n" + rules, file: "f")
        }
    }
}
