import FeedLanguage
import Foundation
import Market
import Testing

@Suite("Frames of any kind")
struct RobustnessTests {
    /// A feed with every kind of place: keys, lists, entries, indexes from both ends.
    private static let everything = """
        - {when: {type: trade}, trade: {symbol: s, price: p, size: z, side: d, time: t, id: i, sequence: q}}
        - {when: {type: list}, each: data, trade: {symbol: s, price: p, time: $.time}}
        - {when: {type: deep}, each: [a, b], quote: {symbol: s, bid: b, ask: ^.a}}
        - {when: {type: map}, each: "m.*", trade: {symbol: "@key", price: p}}
        - {when: {"[-1]": v1}, trade: {symbol: "[1][0]", price: "[1][-1]"}}
        - {when: {type: {prefix: no}}, ignore: true}
        - {when: {type: error}, error: {message: m, detail: n}}
        """

    private static let samples = [
        #"{"type":"trade","s":"BTC-USD","p":"64250.12","z":0.5,"d":"buy","t":"2026-11-23T12:00:00.123456Z","i":"7","q":5}"#,
        #"{"type":"list","time":1711356300,"data":[{"s":"BTC-USD","p":1.5e3},{"p":"2","s":"ETH-USD"}]}"#,
        #"{"type":"deep","a":[{"a":3,"b":[{"s":"A-B","b":2},{"s":"C-D","b":"1"}]},{"b":[],"a":1}]}"#,
        #"{"m":{"BTC-USD":{"p":1},"X\u002dY":{"p":"2","u":[[],{}]}},"type":"map"}"#,
        #"[993,["BTC-USD","x",42.5],{"b":[1,2,3]},"v1"]"#,
        #"{"type":"nothing","rest":[1,2,{"a":[true,false,null]}]}"#,
        #"{"n":"why","type":"error","m":"wh\"at"}"#,
    ]

    @Test(
        "JSON of any shape is accepted",
        arguments: [
            "{}", "[]", " { } ", "\t[\n]\r", "0", "-0", "1.5e-7", "1E+2", "true", "false", "null", "\"\"", "\"a\"",
            "[[[[]]]]",
            #"{"":{"":""}}"#, #"{"a":[1,-2.5,true,null,"\u00e9\\\/\b\f\n\r\t\""]}"#, #"{ "a" : 1 , "b" : [ 1 , 2 ] }"#,
            #"["\ud83d\ude00","\ud800"]"#, #"{"a":{"b":[{"c":[]}]}}"#, "[1,[2,[3,[4,[5]]]]]",
        ]
    )
    func accepted(text: String) throws {
        var decoder = FrameDecoder(feed: try FeedText.load(messages: Self.everything), symbols: [])
        #expect(decoder.decode(text).outcome == .unmatched)
    }

    @Test(
        "What is not JSON is malformed, and the message says where",
        arguments: [
            ("", "the frame is empty"), (" ", "not JSON: it ends too early at byte 1"),
            ("{", "not JSON: it ends too early at byte 1"), ("[1", "not JSON: it ends too early at byte 2"),
            ("{\"a\"", "not JSON: it ends too early at byte 4"), ("{\"a\":", "not JSON: it ends too early at byte 5"),
            ("{\"a", "not JSON: it ends too early at byte 3"), ("\"\\\"", "not JSON: it ends too early at byte 3"),
            ("{a:1}", "not JSON: unexpected character at byte 1"),
            ("{\"a\" 1}", "not JSON: unexpected character at byte 5"),
            ("{\"a\":1 \"b\":2}", "not JSON: unexpected character at byte 7"),
            ("{\"a\":1,}", "not JSON: unexpected character at byte 7"),
            ("[1 2]", "not JSON: unexpected character at byte 3"),
            ("{\"a\":[}]}", "not JSON: unexpected character at byte 6"),
            ("[}", "not JSON: unexpected character at byte 1"),
            ("{} x", "not JSON: something follows the value at byte 3"),
            ("01", "not JSON: bad number at byte 0"), ("-", "not JSON: bad number at byte 0"),
            ("[1.]", "not JSON: bad number at byte 1"), ("[1e]", "not JSON: bad number at byte 1"),
            ("[+1]", "not JSON: unexpected character at byte 1"), ("[.5]", "not JSON: unexpected character at byte 1"),
            ("tru", "not JSON: it ends too early at byte 0"), ("nulx", "not JSON: unexpected character at byte 0"),
            ("{\"type\":\"\\x\"}", "not JSON: bad escape in a string at byte 9"),
            ("NaN", "not JSON: unexpected character at byte 0"),
            ("\u{FEFF}{}", "not JSON: unexpected character at byte 0"),
            ("pong", "not JSON: unexpected character at byte 0"),
        ]
    )
    func malformed(text: String, problem: String) throws {
        var decoder = FrameDecoder(feed: try FeedText.load(messages: Self.everything), symbols: [])
        #expect(decoder.decode(text).outcome == .malformed(problem))
    }

    @Test("Nesting has a limit, on wanted and unwanted paths alike")
    func nesting() throws {
        var decoder = FrameDecoder(feed: try FeedText.load(messages: Self.everything), symbols: [])
        for opening in ["[", "{\"x\":", "{\"data\":", "{\"a\":[{\"b\":"] {
            let deep = String(repeating: opening, count: 100_000)
            guard case .malformed = decoder.decode(deep).outcome else {
                Issue.record("100 000 × \(opening) passed")
                return
            }
        }
        let levels = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        #expect(decoder.decode("{\"x\":\(levels)}").outcome == .unmatched)
    }

    @Test("Too many items are refused, not stored")
    func tooManyItems() throws {
        var decoder = FrameDecoder(feed: try FeedText.load(messages: Self.everything), symbols: [])
        let items = Array(repeating: "0", count: 70_000).joined(separator: ",")
        let (outcome, ticks) = decoder.decode("{\"type\":\"list\",\"data\":[\(items)]}")
        #expect(ticks.isEmpty)
        #expect(outcome == .malformed("more than 65536 items at byte 131095"))
    }

    @Test("Every beginning of a frame is malformed, and the whole is not", arguments: samples)
    func truncation(sample: String) throws {
        let feed = try FeedText.load(messages: Self.everything)
        var decoder = FrameDecoder(feed: feed, symbols: [])
        let bytes = [UInt8](sample.utf8)
        guard decoder.decode(bytes).outcome != .ignored else { return }
        for count in 0..<bytes.count {
            var fresh = FrameDecoder(feed: feed, symbols: [])
            guard case .malformed = fresh.decode(Array(bytes[..<count])).outcome else {
                Issue.record("\(count) bytes of \(sample) passed")
                return
            }
        }
        if case .malformed(let problem) = decoder.decode(bytes).outcome { Issue.record("\(sample): \(problem)") }
    }

    /// Real frames of a venue, from the fixtures.
    private static func recorded(_ name: String) throws -> [[UInt8]] {
        let file = Repository.root.appendingPathComponent("Tests/Fixtures/recordings/\(name).rec")
        let lines = try Recording.lines(in: [UInt8](try Data(contentsOf: file)))
        return lines.filter { $0.kind == .received && $0.payload.count < 2000 }.map(\.payload)
    }

    private static func mutated(_ frame: [UInt8], using random: inout SplitMix64) -> [UInt8] {
        var frame = frame
        let alphabet = [UInt8](#"{}[]",:\0123456789.eE+-utfn_ aZ"#.utf8) + [0, 0x1F, 0x7F, 0x80, 0xC3, 0xFF]
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !frame.isEmpty else { return frame }
            let place = Int.random(in: 0..<frame.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: frame.remove(at: place)
            case 1: frame.insert(alphabet.randomElement(using: &random) ?? 0, at: place)
            case 2: frame = Array(frame[..<place])
            case 3: frame += frame[place...]
            case 4:
                let end = Int.random(in: place...frame.count, using: &random)
                frame.removeSubrange(place..<end)
            default: frame[place] = alphabet.randomElement(using: &random) ?? 0
            }
        }
        return frame
    }

    @Test(
        "Thousands of damaged frames: no crash, and a used decoder says what a fresh one says",
        arguments: ReplayTests.names
    )
    func damaged(name: String, feedName: String) throws {
        let feed = try Repository.feed(feedName)
        let frames = try Self.recorded(name)
        var used = FrameDecoder(feed: feed, symbols: [])
        for seed in UInt64(0)..<3000 {
            var random = SplitMix64(seed: seed)
            let original = try #require(frames.randomElement(using: &random))
            let frame = Self.mutated(original, using: &random)
            var fresh = FrameDecoder(feed: feed, symbols: [])
            let (expected, expectedTicks) = fresh.decode(frame)
            let (outcome, ticks) = used.decode(frame)
            guard outcome == expected, ticks == expectedTicks else {
                Issue.record(
                    "seed \(seed): \(outcome) after others, \(expected) afresh: \(String(decoding: frame, as: UTF8.self))"
                )
                return
            }
            // What another parser takes must not be called broken; Foundation's forgives a comma before a closing bracket.
            let text = String(decoding: frame, as: UTF8.self)
            if case .malformed(let problem) = outcome, problem.hasPrefix("not JSON"), !text.contains(",}"),
                !text.contains(",]"),
                (try? JSONSerialization.jsonObject(with: Data(frame), options: .fragmentsAllowed)) != nil
            {
                Issue.record("seed \(seed): '\(problem)' for \(String(decoding: frame, as: UTF8.self))")
                return
            }
            // The undamaged frame still reads as before.
            let (again, _) = used.decode(original)
            if case .malformed(let problem) = again { Issue.record("seed \(seed): \(problem)") }
        }
    }

    @Test("Damaged frames for every kind of path", arguments: samples)
    func damagedSamples(sample: String) throws {
        let feed = try FeedText.load(messages: Self.everything)
        var used = FrameDecoder(feed: feed, symbols: [])
        for seed in UInt64(0)..<1500 {
            var random = SplitMix64(seed: seed)
            let frame = Self.mutated([UInt8](sample.utf8), using: &random)
            var fresh = FrameDecoder(feed: feed, symbols: [])
            let (expected, expectedTicks) = fresh.decode(frame)
            let (outcome, ticks) = used.decode(frame)
            guard outcome == expected, ticks == expectedTicks else {
                Issue.record("seed \(seed): \(outcome), afresh \(expected): \(String(decoding: frame, as: UTF8.self))")
                return
            }
        }
    }

    @Test("An object may have any number of members; a brace is no comma at any of their places")
    func manyMembers() throws {
        let feed = try FeedText.load(messages: "  - when: {a: 1}\n    trade: {symbol: s, price: p}\n")
        var decoder = FrameDecoder(feed: feed, symbols: [])
        for count in [1, 30, 31, 32, 33, 64, 65, 200] {
            let members = (0..<count).map { "\"k\($0)\":1" }.joined(separator: ",")
            let frame = "{\"a\":1,\(members),\"s\":\"BTC-USD\",\"p\":7}"
            for _ in 0..<2 { #expect(decoder.decode([UInt8](frame.utf8)).outcome == .ticks(1), "\(count) members") }
            let broken = "{\"a\":1,\(members){\"a\":22222,\"s\":\"BTC-USD\",\"p\":7}"
            let outcome = decoder.decode([UInt8](broken.utf8)).outcome
            guard case .malformed = outcome else {
                Issue.record("\(outcome) for \(count) members and a brace")
                return
            }
        }
    }

    @Test("Members of a list are found at any place, and rows of one frame do not show in the next")
    func longLists() throws {
        let feed = try FeedText.load(
            messages: "  - when: {k: list}\n    trade: {symbol: s, price: \"l[70]\", size: \"l[-8]\"}\n"
                + "  - when: {k: rows}\n    each: r\n    trade: {symbol: $.s, price: p, size: q}\n")
        var decoder = FrameDecoder(feed: feed, symbols: [])
        let numbers = (0..<100).map(String.init).joined(separator: ",")
        let list = decoder.decode([UInt8]("{\"k\":\"list\",\"s\":\"BTC-USD\",\"l\":[\(numbers)]}".utf8))
        guard case .trade(let trade)? = list.ticks.first else {
            Issue.record("\(list.outcome)")
            return
        }
        #expect(trade.price.description == "70" && trade.size?.description == "92")
        let full = (1...300).map { "{\"p\":\($0),\"q\":5}" }.joined(separator: ",")
        #expect(decoder.decode([UInt8]("{\"k\":\"rows\",\"s\":\"BTC-USD\",\"r\":[\(full)]}".utf8)).ticks.count == 300)
        let bare = (1...400).map { "{\"p\":\($0)}" }.joined(separator: ",")
        let second = decoder.decode([UInt8]("{\"k\":\"rows\",\"s\":\"BTC-USD\",\"r\":[\(bare)]}".utf8))
        #expect(second.ticks.count == 400)
        #expect(second.ticks.allSatisfy { if case .trade(let trade) = $0 { trade.size == nil } else { false } })
    }

    @Test(
        "A text's beginning and end are compared whole, whatever their length", arguments: [1, 7, 8, 9, 15, 16, 17, 40])
    func affixes(length: Int) throws {
        let word = String("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".prefix(length))
        let feed = try FeedText.load(
            messages:
                "  - when: {c: {like: \"\(word)*\(word)\"}}\n    control: true\n  - when: {c: {exists: true}}\n    ignore: true\n"
        )
        var decoder = FrameDecoder(feed: feed, symbols: [])
        func outcome(_ text: String) -> FrameOutcome { decoder.decode([UInt8]("{\"c\":\"\(text)\"}".utf8)).outcome }
        for middle in ["", "-", "0123456789"] { #expect(outcome(word + middle + word) == .control) }
        #expect(outcome(word) == .ignored)
        for place in word.indices {
            var wrong = word
            wrong.replaceSubrange(place...place, with: "_")
            #expect(outcome(wrong + "-" + word) == .ignored)
            #expect(outcome(word + "-" + wrong) == .ignored)
        }
    }

    @Test("Nothing behind the frame is read, wherever it is cut", arguments: ReplayTests.names)
    func unreadableEnd(name: String, feedName: String) throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let memory = try #require(mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(memory, 2 * page) }
        // Reading a byte of the second page ends the process.
        #expect(mprotect(memory + page, page, PROT_NONE) == 0)
        var decoder = FrameDecoder(feed: try Repository.feed(feedName), symbols: [])
        var ticks: [Tick] = []
        for frame in try Self.recorded(name).prefix(60) {
            for count in 1...frame.count {
                let place = memory + (page - count)
                place.copyMemory(from: frame, byteCount: count)
                _ = decoder.decode(
                    UnsafeRawBufferPointer(start: place, count: count),
                    receivedTime: Timestamp(nanoseconds: 1_700_000_000_000_000_000), into: &ticks)
                ticks.removeAll(keepingCapacity: true)
            }
        }
    }

    @Test("Pure noise is malformed or unmatched", arguments: UInt64(0)..<40)
    func noise(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var decoder = FrameDecoder(feed: try Repository.feed("coinbase"), symbols: [])
        for _ in 0..<100 {
            let bytes = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            switch decoder.decode(bytes).outcome {
            case .malformed, .unmatched: break
            case let outcome: Issue.record("\(outcome)")
            }
        }
    }

    @Test("The order of the keys makes no difference, nor do blanks", arguments: ReplayTests.names)
    func keyOrder(name: String, feedName: String) throws {
        let feed = try Repository.feed(feedName)
        var decoder = FrameDecoder(feed: feed, symbols: [])
        var random = SplitMix64(seed: 7)
        for frame in try Self.recorded(name) {
            let (expected, expectedTicks) = decoder.decode(frame)
            guard case .ticks = expected else { continue }
            let object = try JSONText(frame)
            for _ in 0..<6 {
                let text = object.shuffled(using: &random)
                let (outcome, ticks) = decoder.decode(text)
                guard outcome == expected, ticks == expectedTicks else {
                    Issue.record("\(outcome), not \(expected): \(text)")
                    return
                }
            }
        }
    }
}

/// Enough JSON to write a frame's members in another order, every token as it was.
private indirect enum JSONText {
    case object([(key: String, value: JSONText)])
    case array([JSONText])
    case token(String)

    init(_ frame: [UInt8]) throws {
        var rest = Substring(String(decoding: frame, as: UTF8.self))
        self = try Self.read(&rest)
    }

    private struct NotJSON: Error {}

    private static func string(_ rest: inout Substring) throws -> String {
        var text = String(rest.removeFirst())
        while let next = rest.first {
            rest.removeFirst()
            text.append(next)
            if next == "\"" { return text }
            if next == "\\", let escaped = rest.first {
                rest.removeFirst()
                text.append(escaped)
            }
        }
        throw NotJSON()
    }

    private static func read(_ rest: inout Substring) throws -> JSONText {
        switch rest.first {
        case "{":
            rest.removeFirst()
            var members: [(key: String, value: JSONText)] = []
            while rest.first != "}" {
                let key = try Self.string(&rest)
                rest.removeFirst()
                members.append((key: key, value: try Self.read(&rest)))
                if rest.first == "," { rest.removeFirst() }
            }
            rest.removeFirst()
            return .object(members)
        case "[":
            rest.removeFirst()
            var items: [JSONText] = []
            while rest.first != "]" {
                items.append(try Self.read(&rest))
                if rest.first == "," { rest.removeFirst() }
            }
            rest.removeFirst()
            return .array(items)
        case "\"": return .token(try Self.string(&rest))
        default:
            let end = rest.firstIndex { ",]}".contains($0) } ?? rest.endIndex
            let token = String(rest[..<end])
            rest = rest[end...]
            return .token(token)
        }
    }

    func shuffled(using random: inout SplitMix64) -> String {
        let blanks = ["", "", " ", "\n", "\t  "]
        let blank = blanks.randomElement(using: &random) ?? ""
        switch self {
        case .token(let text): return text
        case .array(let items):
            return "[" + items.map { $0.shuffled(using: &random) }.joined(separator: "\(blank),") + "\(blank)]"
        case .object(let members):
            let parts = members.shuffled(using: &random).map {
                "\($0.key)\(blank):\(blank)\($0.value.shuffled(using: &random))"
            }
            return "\(blank){\(blank)" + parts.joined(separator: "\(blank),\(blank)") + "\(blank)}"
        }
    }
}
