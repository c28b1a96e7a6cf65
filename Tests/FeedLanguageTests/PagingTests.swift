import Market
import Testing

@testable import FeedLanguage

@Suite("Answers that come in pages")
struct PagingTests {
    private static func bench(_ page: String) throws -> PollBench {
        var bench = try PollBench("get: \"https://a.test/p?s={symbol}&x=1\"\nevery: 60s\npage: \(page)")
        bench.begin()
        return bench
    }

    private static func url(_ bench: PollBench) -> String? {
        bench.open.first.map { bench.exchange($0).url }
    }

    private static func trades(_ ids: [Int], ms: Int = 1_764_000_000_000) -> String {
        "[\(ids.map { "{\"s\":\"BTC-USD\",\"p\":\"1\",\"i\":\($0),\"t\":\(ms + $0)}" }.joined(separator: ","))]"
    }

    @Test("A cursor in the body names the next page until it is missing, null or empty")
    func cursor() throws {
        for end in [
            "[]", "[{\"s\":\"BTC-USD\",\"p\":\"1\",\"i\":3,\"next\":null}]",
            "[{\"s\":\"BTC-USD\",\"p\":\"1\",\"next\":\"\"}]",
        ] {
            var bench = try Self.bench("{cursor: \"[0].next\", parameter: page token}")
            #expect(Self.url(bench) == "https://a.test/p?s=BTC-USD&x=1")
            try bench.answer(body: "[{\"s\":\"BTC-USD\",\"p\":\"1\",\"i\":1,\"next\":\"a/b=\"}]")
            #expect(Self.url(bench) == "https://a.test/p?s=BTC-USD&x=1&page%20token=a%2Fb%3D")
            try bench.answer(body: end)
            #expect(bench.open.isEmpty)
            try bench.wait()
            // The next round begins at the beginning.
            #expect(Self.url(bench) == "https://a.test/p?s=BTC-USD&x=1")
        }
    }

    @Test("A header names the next page")
    func header() throws {
        var bench = try Self.bench("{header: cb-after, parameter: x}")
        try bench.answer(body: Self.trades([9]), headers: ["CB-AFTER": "8"])
        #expect(Self.url(bench) == "https://a.test/p?s=BTC-USD&x=8")
        try bench.answer(body: Self.trades([8]))
        #expect(bench.open.isEmpty)
    }

    @Test("Pages are counted in items until one is empty")
    func offset() throws {
        var bench = try Self.bench("{offset: offset, limit: 100}")
        for offset in [100, 200] {
            try bench.answer(body: Self.trades([offset]))
            #expect(Self.url(bench) == "https://a.test/p?s=BTC-USD&x=1&offset=\(offset)")
        }
        try bench.answer(body: "[]")
        #expect(bench.open.isEmpty)
    }

    @Test("Pages end with the number of all items where the body tells it")
    func offsetTotal() throws {
        var bench = try Self.bench("{offset: offset, limit: 2, total: \"[0].n\"}")
        try bench.answer(body: "[{\"s\":\"BTC-USD\",\"p\":\"1\",\"n\":3}]")
        #expect(Self.url(bench)?.hasSuffix("&offset=2") == true)
        try bench.answer(body: "[{\"s\":\"BTC-USD\",\"p\":\"2\",\"n\":3}]")
        #expect(bench.open.isEmpty)
    }

    @Test("The last trade's id names the next page, and the next round goes on there")
    func lastID() throws {
        var bench = try Self.bench("{lastId: fromId}")
        try bench.answer(body: Self.trades([7, 8]))
        #expect(Self.url(bench)?.hasSuffix("&fromId=8") == true)
        // The provider counts the id itself in: nothing but what is known.
        #expect(try bench.answer(body: Self.trades([8])).count == 1)
        #expect(bench.open.isEmpty)
        try bench.wait()
        #expect(Self.url(bench)?.hasSuffix("&fromId=8") == true)
        #expect(
            try bench.answer(body: Self.trades([8, 9])).map(\.eventTime.nanoseconds) == [1_764_000_000_009_000_000])
        #expect(Self.url(bench)?.hasSuffix("&fromId=9") == true)
    }

    @Test(
        "The last trade's time names the next page in the unit that the provider counts in",
        arguments: [
            ("s", "1764000000"), ("ms", "1764000000007"), ("us", "1764000000007000"), ("ns", "1764000000007000000"),
            ("iso", "2025-11-24T16%3A00%3A00.007000Z"),
        ])
    func lastTime(unit: String, text: String) throws {
        var bench = try Self.bench("{lastTime: since, unit: \(unit)}")
        try bench.answer(body: Self.trades([7]))
        #expect(Self.url(bench)?.hasSuffix("&since=\(text)") == true)
        try bench.answer(body: Self.trades([7]))
        #expect(bench.open.isEmpty)
    }

    @Test("A round ends at the most pages, and at a page that names itself")
    func bounds() throws {
        var bench = try Self.bench("{lastId: id, max: 3}")
        for id in 1...3 { try bench.answer(body: Self.trades([id])) }
        #expect(bench.open.isEmpty && bench.sent.count == 3)
        bench = try Self.bench("{header: next, parameter: p}")
        for _ in 0..<2 { try bench.answer(body: Self.trades([1]), headers: ["next": "same"]) }
        #expect(bench.open.isEmpty && bench.sent.count == 2)
    }

    @Test("Pages are never asked for conditionally")
    func neverConditional() throws {
        var bench = try Self.bench("{lastId: id}")
        try bench.answer(headers: ["ETag": "\"1\""])
        try bench.wait()
        #expect(bench.open[0].conditions.isEmpty)
    }

    @Test("A page that fails ends the round")
    func failedPage() throws {
        var bench = try Self.bench("{offset: o, limit: 1}")
        try bench.answer(body: Self.trades([1]))
        try bench.answer(404)
        #expect(bench.open.isEmpty)
        try bench.wait()
        #expect(Self.url(bench)?.contains("o=") == false)
    }

    @Test(
        "A parameter is set in its place, or at the end",
        arguments: [
            ("https://a.test/p", "https://a.test/p?k=v%2F1"),
            ("https://a.test/p?k=&b=2", "https://a.test/p?k=v%2F1&b=2"),
            ("https://a.test/p?b=2", "https://a.test/p?b=2&k=v%2F1"), ("https://a.test/p?", "https://a.test/p?k=v%2F1"),
        ])
    func query(url: String, expected: String) { #expect(QueryText.setting("k", to: "v/1", in: url) == expected) }

    @Test("A parameter without a value is left out")
    func emptyParameter() {
        #expect(QueryText.droppingEmpty(in: "https://a.test/p?a=&b=2&c=") == "https://a.test/p?b=2")
        #expect(QueryText.droppingEmpty(in: "https://a.test/p?a=") == "https://a.test/p")
        #expect(QueryText.droppingEmpty(in: "https://a.test/p") == "https://a.test/p")
    }
}

@Suite("JSON as a tree")
struct JSONNodeTests {
    @Test("The members of a list are found where they stand; anything else has none")
    func members() {
        func members(_ text: String) -> [String]? {
            let bytes = Array(text.utf8)
            return bytes.withUnsafeBytes { JSONNodeReader.members(of: $0) }?.map {
                String(decoding: bytes[$0], as: UTF8.self)
            }
        }
        #expect(
            members(#" [ {"a":"]\\","b":[1]} , "x,y" ,-1.5e3,[] ] "#) == [
                #"{"a":"]\\","b":[1]}"#, #""x,y""#, "-1.5e3", "[]",
            ])
        #expect(members("[]") == [])
        for text in ["", "{}", "[1,]", "[1 2]", "[1", "[\"a]", "5"] { #expect(members(text) == nil) }
    }

    private static func read(_ text: String) -> JSONNode? { Array(text.utf8).withUnsafeBytes(JSONNodeReader.read) }

    @Test("Every kind of value is read as it was written")
    func values() {
        #expect(
            Self.read(#" {"a":[1.50,-2e-7,true,false,null,"x"],"b":{},"c":[]} "#)
                == .object([
                    .init(
                        key: "a",
                        value: .array([
                            .number("1.50"), .number("-2e-7"), .boolean(true), .boolean(false), .null, .string("x"),
                        ])), .init(key: "b", value: .object([])), .init(key: "c", value: .array([])),
                ]))
        #expect(
            Self.read(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx""#) == .string("\"\\/\u{8}\u{C}\n\r\té😀\u{FFFD}x"))
    }

    @Test(
        "What is not one JSON value is not read",
        arguments: [
            "", " ", "{", "[1,]", "[1", "{\"a\"}", "{\"a\":}", "{a:1}", "tru", "01", "1 2", "\"a", "\"\\x\"",
            "\"\\u12\"",
            "\"\u{1}\"", String(repeating: "[", count: 100) + String(repeating: "]", count: 100),
        ])
    func refused(text: String) { #expect(Self.read(text) == nil) }

    @Test("A path leads through objects and lists, from either end")
    func paths() throws {
        let node = try #require(Self.read(#"{"a":{"b c":[{"d":1},{"d":2}]}}"#))
        #expect(node.value(at: try FieldPath.parse("a.\"b c\"[-1].d"))?.text == "2")
        #expect(node.value(at: try FieldPath.parse("$.a.x")) == nil)
        #expect(node.value(at: try FieldPath.parse("a[0]")) == nil)
        #expect(node.entries(at: try FieldPath.parse("a.*")).map(\.key) == ["b c"])
        #expect(node.entries(at: try FieldPath.parse("a.\"b c\"")).count == 2)
    }
}
