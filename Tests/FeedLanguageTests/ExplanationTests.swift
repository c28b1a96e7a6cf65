import Foundation
import Market
import Testing

@testable import FeedLanguage

@Suite("Explaining a feed file")
struct ExplanationTests {
    private static let file = """
        feed: acme
        title: Acme
        asset: crypto
        docs: https://acme.example/api
        terms: For your own use
        connect:
          websocket: "wss://stream.acme.example/v1?key=${ACME_KEY}&token={token}"
          bootstrap: {post: "https://api.acme.example/token", capture: {token: data.token}, validFor: 23h}
          onOpen:
            - expect: {msg: hello}
              within: 5s
            - send: {auth: "${ACME_KEY}"}
            - sleep: 1s
          limits: {symbolsPerConnection: 2, messagesPerSecond: 3, messagesPerHour: 480, connections: 1}
          idleTimeout: 90s
          dataTimeout: 3m
          maxAge: 23h50m
          keepalive: {every: 20s, ping: true, whenQuiet: true}
        symbols: {separator: "_"}
        defaults: [BTC-USD, ETH-USD, SOL-USD]
        subscribe: {perSymbol: {sub: "{symbol}", id: "{n}"}}
        messages:
          - when: {type: [trade, last]}
            trade:
              symbol: s
              price: p
              side: {from: m, map: {maker: sell, taker: buy}}
              time: {from: t, unit: ms}
              id: i
              sequence: {from: n, step: 1}
              snapshot: {when: {type: last}}
          - when: {type: ping}
            reply: {pong: "{$.id}"}
          - when: {type: denied}
            fatal: {message: why}
          - when: {type: bye}
            reconnect: true
          - when: {list: {exists: true}}
            each: list
            quote: {symbol: s, bid: b, ask: a}
        """

    private static func explanation(key: String? = "topsecret") throws -> FeedExplanation {
        try Feed.load(yaml: Self.file, file: "acme.yaml", environment: { _ in key }).explanation()
    }

    private static func lines(_ title: String) throws -> [String] {
        try #require(Self.explanation().sections.first { $0.title == title }).lines
    }

    @Test("It says where the feed connects and what it does first, without the keys")
    func connecting() throws {
        #expect(
            try Self.lines("Connecting") == [
                "First asks POST https://api.acme.example/token and keeps token from data.token.",
                "What it keeps serves for 23 h.",
                "Opens a WebSocket to wss://stream.acme.example/v1?key=${ACME_KEY}&token={token}.",
                "A connection carries up to 2 symbols; at most 1 connection: 3 symbols on 1 connection.",
                "Then waits up to 5 s for a frame in which msg is 'hello'; without it, it connects again.",
                #"Then sends {"auth":"${ACME_KEY}"}"#, "Then waits 1 s.",
            ])
        #expect(try !Self.explanation().text.contains("topsecret"))
    }

    @Test("It shows the messages that would be sent, and names the symbols that find no place")
    func subscribing() throws {
        let lines = try Self.lines("Asking for symbols")
        #expect(lines.contains("The venue knows BTC-USD as BTC_USD, ETH-USD as ETH_USD and SOL-USD as SOL_USD."))
        #expect(lines.contains { $0.hasPrefix("SOL-USD is left out: ") })
        #expect(lines.contains(#"  {"sub":"BTC_USD","id":1}"#) && lines.contains(#"  {"sub":"ETH_USD","id":2}"#))
        #expect(lines.contains("There is no message to leave a symbol: taking one away needs a new connection."))
        #expect(lines.contains("Sends at most 3 messages a second and 480 an hour."))
    }

    @Test("It says what keeps the connection and what ends it")
    func staying() throws {
        let lines = try Self.lines("Staying connected")
        #expect(
            lines.prefix(5) == [
                "Sends every 20 s when nothing has come for so long: a WebSocket ping",
                "Connects again when nothing at all has come for 90 s.",
                "Connects again when frames come but no tick has for 3 min.",
                "Changes over to a new connection after 23 h 50 min, before the old one is closed.",
                "Connects again after a frame in which type is 'bye'.",
            ])
    }

    @Test("It says what each rule makes of which frames")
    func frames() throws {
        let lines = try Self.lines("Understanding frames")
        #expect(
            lines.dropFirst().prefix(8) == [
                "1. frames in which type is 'trade' or 'last': a trade.", "   symbol: s", "   price: p",
                "   size: not told", "   side: m, where 'maker' is a sell and 'taker' is a buy",
                "   time: t in milliseconds", "   id: i", "   sequence: n",
            ])
        #expect(lines.contains("   it is part of a snapshot, and fires no alert, if type is 'last'"))
        #expect(lines.contains(#"2. frames in which type is 'ping': answered with {"pong":"{$.id}"}"#))
        #expect(
            lines.contains { $0.hasPrefix("3. frames in which type is 'denied': the provider refuses us, in why.") })
        #expect(lines.contains("5. frames in which list is there: each of list is a quote."))
    }

    @Test("It says what numbers promise and what the feed cannot know")
    func unknowns() throws {
        #expect(
            try Self.lines("Order and gaps") == [
                "Trades of a symbol are numbered: a hole is a gap of that symbol.",
                "A trade that comes twice is recognised by its id.",
            ])
        #expect(
            try Self.lines("What it cannot know") == [
                "How much was traded: volume and VWAP stay empty.",
                "When some ticks happened: without a time of the venue's own the time of arrival stands in, with a flag.",
                "What was missed while it was away: the file has no way to ask for it.",
            ])
    }

    private static func explanation(adding text: String) throws -> String {
        try Feed.load(yaml: Self.file + "\n" + text, file: "acme.yaml", environment: { _ in "topsecret" }).explanation()
            .text
    }

    @Test(
        "It says where the symbols of an acknowledgement stand",
        arguments: [
            ("{symbol: s}", "the symbols in s are subscribed."),
            ("{each: sub.trades, symbol: .}", "the symbols in each of sub.trades are subscribed."),
            ("{each: [channels, ids], symbol: .}", "the symbols in each of ids of each of channels are subscribed."),
            (
                "{each: ok, symbol: s, failed: {each: bad, symbol: s, message: why}}",
                "the symbols in s of each of ok are subscribed and those in s of each of bad are refused, with the reason in why."
            ),
            ("true", "everything asked for is subscribed."),
        ])
    func acknowledgements(ack: String, text: String) throws {
        let explanation = try Self.explanation(adding: "  - when: {type: acks}\n    ack: \(ack)\n")
        #expect(explanation.contains("frames in which type is 'acks': \(text)"))
    }

    @Test("It says where the list of instruments comes from, and how missed trades are asked for, without the keys")
    func requests() throws {
        let text = try Self.explanation(
            adding: """
                discover: {get: "https://api.acme.example/list?key=${ACME_KEY}", every: 2h, symbol: s}
                backfill:
                  get: "https://api.acme.example/trades?s={symbol|lower}&to={to_ms}&key=${ACME_KEY}"
                  page: {lastId: before, max: 7}
                """)
        #expect(text.contains("The list of its instruments comes from api.acme.example, and is kept for 2 h."))
        #expect(
            text.contains(
                """
                  Trades that were missed are asked for over HTTP, back from the end of the gap:
                    GET https://api.acme.example/trades?s={symbol}&to={to_ms}&key=${ACME_KEY}
                  The next page is asked for with the id of the last trade as 'before', up to 7 pages.
                """))
        #expect(!text.contains("topsecret"))
    }

    @Test("It names the keys that the feed waits for")
    func keys() throws {
        let lines = try Self.explanation(key: nil).sections[0].lines
        #expect(lines.contains("Uses the environment variable ACME_KEY (not set: the feed will not start)."))
        #expect(lines.contains("Terms: For your own use"))
    }

    @Test(
        "Durations are told in the units that people use",
        arguments: [
            (500, "500 ms"), (1000, "1 s"), (90_000, "90 s"), (180_000, "3 min"), (3_600_000, "1 h"),
            (85_800_000, "23 h 50 min"), (86_400_000, "24 h"), (172_800_000, "2 days"),
        ])
    func durations(milliseconds: Int64, text: String) {
        #expect(Wording.duration(.milliseconds(milliseconds)) == text)
    }

    @Test("Every file that comes along can be explained")
    func all() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Feeds")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        for file in files where file.pathExtension == "yaml" {
            let feed = try Feed.load(
                yaml: String(contentsOf: file, encoding: .utf8), file: file.path,
                otherFile: { name in
                    try? String(contentsOf: folder.appendingPathComponent("\(name).yaml"), encoding: .utf8)
                })
            #expect(feed.explanation().sections.count >= 5, "\(file.lastPathComponent)")
        }
    }
}
