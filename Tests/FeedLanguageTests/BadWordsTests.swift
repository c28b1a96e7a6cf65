import FeedLanguage
import Testing

@Suite("Mistakes in the further words of feed files")
struct BadWordsTests {
    /// A file and the one line that it must get.
    static let cases: [(yaml: String, message: String)] = [
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {when: {a: {matches: \"(\"}}, ignore: true}",
            "5:26: 'matches': '(' is not a regular expression: expected ')'."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {when: {a: {matches: \"*tick\"}}, ignore: true}",
            "5:26: 'matches': '*tick' is not a regular expression: quantifier '*' must appear after expression."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: {from: s, matches: \"abc\"}, price: p}}",
            "5:41: 'matches' of symbol needs one group, '(…)', around the part that counts, but has 0."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: s, price: p, time: {from: t, zone: Mars/Olympus}}}",
            "5:57: 'zone' of time: 'Mars/Olympus' is not a known time zone. Write an offset such as +09:00, or one of UTC, America/New_York, America/Chicago, Europe/London, Europe/Berlin, Europe/Paris, Europe/Warsaw, Asia/Seoul, Asia/Tokyo, Asia/Shanghai, Asia/Hong_Kong, Asia/Singapore, Asia/Kolkata."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: s, price: p, time: {date: d}}}",
            "5:48: 'date' of time goes with 'time', and without 'from'."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: s, price: {from: p, dividedBy: 0}}}",
            "5:53: 'dividedBy' of price is zero: write another number."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: s, price: p, size: {from: q, times: {table: contracs}}}}\ntables: {contracts: {BTC-USD: 1}}",
            "5:41: there is no table 'contracs': did you mean 'contracts'? Tables stand under 'tables' of the file."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: s, price: p, side: {from: m, invert: true, map: {a: buy}}}}",
            "5:41: 'map' says each side itself: remove 'invert' and 'sign', or the map."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: s, price: p, sequence: {from: n, step: 2}}}",
            "5:61: 'step' is 1 (every number is used) or increasing (holes mean nothing), but '2' stands here."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: {from: s, text: \"{a}\"}, price: p}}",
            "5:38: symbol has both 'from' and 'text': keep one."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {trade: {symbol: {text: \"{a\"}, price: p}}",
            "5:29: 'text' of symbol: the brace in '{a' is never closed."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {when: {}, ack: {each: x}}",
            "5:21: ack names neither 'symbol' nor 'failed'; write 'ack: true' to confirm everything."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {register: {kind: k}}",
            "5:16: register lacks the key 'id': add it."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {channel: {is: trades}, trade: {price: p}}",
            "5:15: channel lacks the key 'id': add it."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {when: {\"@symbol\": x}, ignore: true}",
            "5:13: 'when': '@symbol' is a value for 'symbol', not a place to test."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {when: [], ignore: true}",
            "5:12: 'when' is an empty list: write what must hold."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {reply: {pong: \"{$.ping\"}}",
            "5:20: the brace in '{$.ping' has no partner: write '{{' or '}}' for the character itself."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {reply: {pong: \"{symbol}\"}}",
            "5:20: '{symbol}' has no meaning in the reply: it belongs into an address, 'subscribe' or 'unsubscribe'; remove it here."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {fatal: {message: m, retryAfter: 5s}}",
            "5:26: unknown key 'retryAfter' in fatal: write one of message, detail."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {error: {message: m, retryAfter: soon}}",
            "5:38: 'retryAfter' must be a duration such as 250ms, 30s, 5m or 23h50m, but 'soon' stands here."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {outputs: [{each: x}]}",
            "5:16: an output needs trade, quote, status or items."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages:\n  - {each: ., items: [{control: true, ignore: true}]}",
            "5:33: 'control' of an item rule stands alone: remove it, or the rest."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages: [{ignore: true}]\ntables: {c: {BTC-USD: zero}}",
            "5:23: a table holds numbers other than zero, but 'zero' stands here."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages: [{ignore: true}]\nversion: 7",
            "5:10: 'version' is '7', but this program reads version 1: write 1, or update the program."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages: [{ignore: true}]\nextends: nowhere",
            "5:10: 'extends' names 'nowhere', but there is no nowhere.yaml beside this file: write the name without its ending."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages: [{ignore: true}]\ntests: [{subscribe: [BTC-USD]}]",
            "5:9: a test lacks the key 'sends': add it."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nmessages: [{ignore: true}]\ntests: [{frame: x, gives: {ack: [BTC-USD], error: x}}]",
            "5:27: 'ack' of 'gives' goes with 'ack' and 'failed' only: remove 'error'."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\", decode: zip}\nmessages: [{ignore: true}]",
            "3:49: 'decode' is 'zip': did you mean 'gzip'?"
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test/{token}\"}\nmessages: [{ignore: true}]",
            "3:22: unknown placeholder '{token}': write one of symbol, symbols, n, now_s, now_ms, now_iso, uuid."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test/${A B}\"}\nmessages: [{ignore: true}]",
            "3:22: '${A B}' names no environment variable: write A to Z, 0 to 9 and '_', such as '${ACME_API_KEY}'."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\", onOpen: [{wait: 1s}]}\nmessages: [{ignore: true}]",
            "3:51: unknown key 'wait' in a step of onOpen: write one of send, expect, within, sleep."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\", bootstrap: {put: \"https://a\"}}\nmessages: [{ignore: true}]",
            "3:53: unknown key 'put' in bootstrap: write one of get, post, headers, body, capture, validFor, status."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\", limits: {connections: none}}\nmessages: [{ignore: true}]",
            "3:63: 'connections' must be a whole number from 1 to 10000, but 'none' stands here."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\", keepalive: {every: 5s}}\nmessages: [{ignore: true}]",
            "3:52: keepalive says one of 'send', 'ping: true' and 'resubscribe: true', but here is none of them."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {poll: {get: \"https://a\", every: 1s, budget: {perYear: 5}}}\nmessages: [{ignore: true}]",
            "3:56: unknown key 'perYear' in budget: write one of perSecond, perMinute, perHour, perDay, perMonth, header, max."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {poll: {get: \"https://a\", every: 1s, page: {cursor: x}}}\nmessages: [{ignore: true}]",
            "3:53: page lacks the key 'parameter': add it."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {poll: {get: \"https://a\", every: 1s, hours: XLON}}\nmessages: [{ignore: true}]",
            "3:54: 'hours' is 'XLON': write one of XNYS, XNAS."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nsymbols: {order: backwards}\nmessages: [{ignore: true}]",
            "4:18: 'order' is 'backwards': write one of base-quote, quote-base."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nsubscribe: {mode: append, send: {a: \"{symbols|join ,}\"}}\nmessages: [{ignore: true}]",
            "4:19: 'mode' is 'append': write one of add, replace."
        ),
        (
            "feed: acme\nasset: crypto\nconnect: {websocket: \"wss://acme.test\"}\nunsubscribe: {perSymbol: {id: \"{chanel}\"}}\nmessages: [{ignore: true}]",
            "4:31: unknown placeholder '{chanel}': did you mean 'channel'?"
        ),
    ]

    @Test("Each gets one line with its place, the offending value and the fix", arguments: Self.cases)
    func message(yaml: String, message: String) {
        let error = #expect(throws: FeedFileError.self) { try Feed.load(yaml: yaml, file: "acme.yaml") }
        #expect(error?.description == "acme.yaml:\(message)")
    }
}
