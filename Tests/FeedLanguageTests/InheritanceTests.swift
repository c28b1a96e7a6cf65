import FeedLanguage
import Market
import Testing

@Suite("Files that stand on others, and files with several streams")
struct InheritanceTests {
    private static let base = """
        feed: acme
        title: Acme
        asset: crypto
        connect: {websocket: "wss://acme.test/ws", limits: {messagesPerSecond: 2, symbolsPerMessage: 7}}
        symbols: {separator: ""}
        defaults: [BTC-USD]
        subscribe: {send: {sub: ["{symbols}"]}}
        messages:
          - when: {e: t}
            trade: {symbol: s, price: p}
        tests:
          - {frame: {e: t, s: BTCUSD, p: 1}, symbols: [BTC-USD], gives: {trade: {symbol: BTC-USD, price: 1}}}
        """

    private static func load(_ yaml: String, file: String = "Feeds/acme-us.yaml", _ others: [String: String] = [:])
        throws -> Feed
    {
        let files = others.merging(["acme": Self.base]) { $1 }
        return try Feed.load(yaml: yaml, file: file, otherFile: { files[$0] })
    }

    @Test("Mappings are merged key by key, anything else is replaced, and null removes")
    func merging() throws {
        let feed = try Self.load(
            """
            feed: acme-us
            extends: acme
            title: null
            connect: {websocket: "wss://us.acme.test/ws", limits: {messagesPerSecond: 9}}
            defaults: [ETH-USD, BTC-USD]
            """)
        #expect(feed.name.name == "acme-us")
        #expect(feed.title == "acme-us")
        #expect(feed.limits.messagesPerSecond == 9)
        #expect(feed.limits.symbolsPerMessage == 7)
        #expect(feed.defaultSymbols.map(\.name) == ["ETH-USD", "BTC-USD"])
        #expect(feed.runTests() == [])
        #expect(feed.testCount == 1)
    }

    @Test("A chain of files is followed")
    func chain() throws {
        let feed = try Self.load(
            "feed: acme-x\nextends: acme-us", file: "acme-x.yaml",
            ["acme-us": "feed: acme-us\nextends: acme\nconnect: {idleTimeout: 7s}"])
        #expect(feed.idleTimeout == .seconds(7))
        #expect(feed.title == "Acme")
    }

    @Test(
        "What cannot be followed is an error with its place",
        arguments: [
            (
                "feed: b\nextends: nobody",
                "b.yaml:2:10: 'extends' names 'nobody', but there is no nobody.yaml beside this file: write the name without its ending."
            ),
            ("feed: b\nextends: b", "b.yaml:2:10: 'extends' goes in a circle: b → b. Remove one."),
            ("feed: b\nextends: c", "c.yaml:2:10: 'extends' goes in a circle: b → c → b. Remove one."),
            ("feed: b\nextends: d1", "d4.yaml:1:21: 'extends' is more than 4 files deep: join some of them."),
            ("extends: acme", "b.yaml:1:1: a file that extends another needs a name of its own: add 'feed: b'."),
            (
                "feed: b\nextends: bad",
                "bad.yaml:3:24: 'idleTimeout' must be a duration such as 250ms, 30s, 5m or 23h50m, but 'soon' stands here."
            ),
            (
                "feed: b\nextends: acme\nconect: {}",
                "b.yaml:3:1: unknown key 'conect' in the feed file: did you mean 'connect'?"
            ),
            (
                "feed: b\nversion: 2\nextends: acme",
                "b.yaml:2:10: 'version' is '2', but this program reads version 1: write 1, or update the program."
            ),
        ]
    )
    func mistakes(yaml: String, message: String) throws {
        let others = [
            "c": "feed: c\nextends: b", "d1": "{feed: d1, extends: d2}", "d2": "{feed: d2, extends: d3}",
            "d3": "{feed: d3, extends: d4}", "d4": "{feed: d4, extends: acme}",
            "bad":
                "feed: bad\nasset: crypto\nconnect: {idleTimeout: soon, websocket: \"wss://h\"}\nmessages: [{ignore: true}]",
        ]
        let error = #expect(throws: FeedFileError.self) { try Self.load(yaml, file: "b.yaml", others) }
        #expect(error?.description == message)
    }

    @Test("A file with streams gives one feed for each, all of the same venue")
    func streams() throws {
        let yaml = """
            \(Self.base)
            streams:
              - name: books
                connect: {websocket: "wss://books.acme.test"}
                messages: [{quote: {symbol: s, bid: b}}]
                tests:
                  - {frame: {s: AB, b: 2}, gives: {quote: {bid: 2}}}
                  - {frame: {s: AB}, gives: ignored}
            """
        let feed = try Self.load(yaml)
        #expect(feed.streams.map(\.streamName) == [nil, "books"])
        #expect(feed.streams.map(\.name.name) == ["acme", "acme"])
        #expect(feed.streams.allSatisfy { $0.runTests().isEmpty })
        #expect(feed.testCount == 3)
        #expect(feed.streams[1].limits.symbolsPerMessage == 7)
        #expect(feed.streams[1].defaultSymbols == feed.defaultSymbols)
    }

    @Test("A file without a connection of its own begins with its first stream")
    func onlyStreams() throws {
        let feed = try Self.load(
            """
            feed: acme
            asset: crypto
            messages: [{trade: {symbol: s, price: p}}]
            streams:
              - {name: one, connect: {websocket: "wss://one.test"}}
              - {name: two, connect: {websocket: "wss://two.test"}}
            tests:
              - {frame: {s: A-B, p: 1}, gives: {trade: {price: 1}}}
            """)
        #expect(feed.streams.map(\.streamName) == ["one", "two"])
        #expect(feed.testCount == 1)
    }

    @Test(
        "A stream has a name of its own and nothing that belongs to the file",
        arguments: [
            ("- {connect: {}}", "a stream lacks the key 'name': add it, such as 'name: trades'."),
            ("- {name: a}\n  - {name: a}", "two streams are named 'a': give each its own name."),
            ("- {name: a, feed: b}", "'feed' belongs to the whole file, not to a stream: move it up."),
        ]
    )
    func badStreams(items: String, message: String) {
        let error = #expect(throws: FeedFileError.self) { try Self.load("\(Self.base)\nstreams:\n  \(items)") }
        #expect(error?.message == message)
    }
}
