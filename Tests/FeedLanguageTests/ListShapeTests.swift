import Market
import Testing

@testable import FeedLanguage

@Suite("Lists that differ in their digits only")
struct ListShapeTests {
    /// Frames as Bitfinex documents them, and what a file could get wrong.
    private static let templates = [
        #"[17470,"te",[402088407,1700000000012,-1.08495111,64250.5],31,1700000000045]"#,
        #"[17470,"te",[402088407,1700000000012,0.08495111,64250],31,1700000000045]"#,
        #"[17470,"tu",[402088407,1700000000012,0.08495111,64250],31,1700000000045]"#,
        #"[17471,[64250.0,45.09372275,64251.5,41.00470477,-581.5258,0.0090,64250.5,7119.6,65214,62656],32,1700000000009]"#,
        #"[17471,[64250.0,45.09372275,64251.5,41.00470477,581.5258,4.7e-05,64250.5,7119.6,65214,62656],32,1700000000009]"#,
        #"[17470,[[402088407,1700000000012,-1.08495111,64250.5],[402088406,1700000000011,2,64250]],33,1700000000045]"#,
        #"[ 17470 , "te" , [ 402088407 , 1700000000012 , 1.5 , 64250.5 ] , 34 , 1700000000045 ]"#,
        #"[17470,"te",[402088407,1700000000012,1.5,64250.5],{"a1":[1,2,3]},34,1700000000045]"#,
        #"[17470,"te",[402088407,1700000000012,1.5,64250.5],"B1C\"2",true,null,34,1700000000045]"#,
        #"[17472,"hb",402088407,1700000000012,402088407,1700000000012,402088407,35,1700000000045]"#,
    ]

    private static func varied(_ frame: String, using random: inout SplitMix64) -> [UInt8] {
        var bytes = [UInt8](frame.utf8)
        for index in bytes.indices where bytes[index] &- UInt8(ascii: "0") < 10 && random.next() % 4 == 0 {
            // The channel's number stays, mostly.
            if index < 6, random.next() % 8 != 0 { continue }
            bytes[index] = UInt8(ascii: "0") + UInt8(random.next() % 10)
        }
        let alphabet = [UInt8](#"0012345.,-e"[]{}\ t"#.utf8)
        while random.next() % 3 == 0 {
            let place = Int(random.next() % UInt64(bytes.count))
            let byte = alphabet[Int(random.next() % UInt64(alphabet.count))]
            switch random.next() % 3 {
            case 0: bytes.insert(byte, at: place)
            case 1: bytes[place] = byte
            default: bytes.remove(at: place)
            }
        }
        return bytes
    }

    /// A decoder that has learned two channels.
    private static func bitfinex(_ feed: Feed) -> FrameDecoder {
        var decoder = FrameDecoder(feed: feed, symbols: [])
        for (id, channel) in [(17470, "trades"), (17471, "ticker")] {
            _ = decoder.decode(
                #"{"event":"subscribed","channel":"\#(channel)","chanId":\#(id),"symbol":"tBTCUSD","pair":"BTCUSD"}"#)
        }
        return decoder
    }

    @Test("A decoder that has seen many lists says of each what a fresh one says", arguments: UInt64(0)..<20)
    func usedAndFresh(seed: UInt64) throws {
        let feed = try Repository.feed("bitfinex")
        var random = SplitMix64(seed: seed)
        var used = Self.bitfinex(feed)
        for _ in 0..<150 {
            let frame = Self.varied(
                Self.templates[Int(random.next() % UInt64(Self.templates.count))], using: &random)
            var fresh = Self.bitfinex(feed)
            let expected = fresh.decode(frame)
            let actual = used.decode(frame)
            #expect(
                actual.outcome == expected.outcome && actual.ticks == expected.ticks
                    && used.frameSequence == fresh.frameSequence,
                "\(String(decoding: frame, as: UTF8.self)): \(actual.outcome), afresh \(expected.outcome)")
        }
    }

    private static let list = """
        - {when: {"[1]": te, "[0]": 7}, trade: {symbol: "[2]", price: "[3]", id: "[4][-1]"}}
        - {when: {"[1]": te}, quote: {symbol: "[2]", bid: "[3]"}}
        """

    @Test("A number that a rule asks for is looked at in each frame")
    func watchedNumbers() throws {
        var decoder = FrameDecoder(feed: try FeedText.load(messages: Self.list), symbols: [])
        for number in [7, 8, 7, 9, 7] {
            let frame = #"[\#(number),"te","BTC-USD",64250.5,[402088407,1700000000012,0,1],1700000000045]"#
            switch decoder.decode(frame).ticks.first {
            case .trade: #expect(number == 7)
            case .quote: #expect(number != 7)
            case nil: Issue.record("no tick in \(frame)")
            }
        }
    }

    @Test(
        "A frame that is nearly of a known shape is judged by itself",
        arguments: [
            (
                #"[7,"t2e","BTC-USD",64250.5,[402088407,1700000000012,0,1],1700000000045]"#, FrameOutcome.unmatched
            ),
            (
                #"[7,"te","BTC-USD",04250.5,[402088407,1700000000012,0,1],1700000000045]"#,
                .malformed("not JSON: bad number at byte 18")
            ),
            (
                #"[7,"te","BTC-USD",64250.5,[402088407,1700000000012,0,1],1700000000045]5"#,
                .malformed("not JSON: something follows the value at byte 70")
            ),
            (
                #"[7,"te","BTC-USD",64250.5,[402088407,,1700000000012,1],1700000000045]"#,
                .malformed("not JSON: unexpected character at byte 37")
            ),
            (
                #"[7,"te","BTC-USD",64250.5,[402088407,1700000000012,0,1],1700000000045}"#,
                .malformed("not JSON: unexpected character at byte 69")
            ),
            (#"[7,"te","BTC-USD",0.25,[402088407,1700000000012,0,1],1700000000045,17]"#, .ticks(1)),
        ])
    func nearlyKnown(frame: String, expected: FrameOutcome) throws {
        var decoder = FrameDecoder(feed: try FeedText.load(messages: Self.plain), symbols: [])
        let known = #"[7,"te","BTC-USD",64250.5,[402088407,1700000000012,0,1],1700000000045]"#
        for _ in 0..<3 { #expect(decoder.decode(known).outcome == .ticks(1)) }
        #expect(decoder.decode(frame).outcome == expected)
    }

    private static let plain = """
        - {when: {"[1]": te}, trade: {symbol: "[2]", price: "[3]", size: "[4][-1]", id: "[4][0]"}}
        - {when: {"[1]": {type: array}}, each: "[1]", trade: {symbol: "^[2]", price: "[0]"}}
        """

    /// What is known of `frame` after it was scanned, and the values of `other` as remembered and as scanned.
    private static func values(_ frame: String, _ other: String) throws -> (known: [String]?, scanned: [String]) {
        let program = try FeedText.load(messages: Self.plain).program
        let workspace = UnsafeMutablePointer<Workspace>.allocate(capacity: 1)
        workspace.initialize(to: Workspace(program))
        defer {
            workspace.pointee.deallocate()
            workspace.deinitialize(count: 1)
            workspace.deallocate()
        }
        let shapes = try #require(workspace.pointee.shapes)
        func texts(_ bytes: UnsafeBufferPointer<UInt8>) -> [String] {
            (0..<program.scopes[0].slotCount).map { index in
                let slot = workspace.pointee.rows[0].slots[index]
                let text = String(decoding: bytes[Int(slot.start)..<Int(slot.end)], as: UTF8.self)
                return "\(slot.kind) \(text)"
            } + (0..<program.scopes.count).map { "\(workspace.pointee.rows[$0].count) rows" }
        }
        func scan(_ bytes: UnsafeBufferPointer<UInt8>, _ start: UnsafePointer<UInt8>) {
            workspace.pointee.reset()
            var scanner = FrameScanner(
                start: start, count: bytes.count, nodes: program.nodes, watches: program.watches, needs: program.needs,
                finalRules: program.finalRules, canStop: false, possible: program.allRules, workspace: workspace
            )
            let isWhole = scanner.run()
            #expect(isWhole)
            scanner.judgeAbsent(count: program.watchCount)
            shapes.pointee.learn(
                start, program, workspace, possible: scanner.possible, fulfilled: scanner.fulfilled)
        }
        try Array(frame.utf8).withUnsafeBufferPointer { bytes in
            let start = try #require(bytes.baseAddress)
            let isKnown = shapes.pointee.find(start, count: bytes.count, workspace) != nil
            #expect(!isKnown)
            scan(bytes, start)
        }
        return try Array(other.utf8).withUnsafeBufferPointer { bytes in
            let start = try #require(bytes.baseAddress)
            workspace.pointee.reset()
            let isKnown = shapes.pointee.find(start, count: bytes.count, workspace) != nil
            let known = isKnown ? texts(bytes) : nil
            scan(bytes, start)
            return (known: known, scanned: texts(bytes))
        }
    }

    @Test(
        "A list of a known shape is captured without scanning it",
        arguments: [
            (
                #"[1,"te","BTC-USD",64250.5,[402088407,1700000000012,0,-1],1700000000045]"#,
                #"[123456,"te","BTC-USD",1.75,[4,17000000000120000000000000000,0,-100],1]"#
            ),
            (
                #"[1,[64250.5,2,402088407,1700000000012,0,-1.5],"BTC-USD",[1,2,3],true,null]"#,
                #"[12,[1.55,20000000,402,1700000,1,-0.00000000000000005],"BTC-USD",[1,2,3],true,null]"#
            ),
            (
                #"[1, "te", "ETH-USD", 64250, [402088407, 1700000000012, 0, -1], 1700000000045]"#,
                #"[0, "te", "ETH-USD", 6, [0, 1700000000012170000000001217000000000120, 0, -12345678], 1]"#
            ),
            (
                "[1,\"te\",\"ETH-USD\",64250,[1" + String(repeating: ",-1.5", count: 12) + "]]",
                "[1,\"te\",\"ETH-USD\",1,[100000" + String(repeating: ",-123.45", count: 12) + "]]"
            ),
        ])
    func remembered(first: String, second: String) throws {
        let values = try Self.values(first, second)
        #expect(values.known == values.scanned)
    }

    @Test(
        "A list of another shape is none that is known",
        arguments: [
            #"[1,"te","BTC-USD",64250.5,[402088407,1700000000012,0,1],1700000000045]"#,
            #"[1,"te","BTC-USD",642505,[402088407,1700000000012,0,-1],1700000000045]"#,
            #"[1,"te","BTC-EUR",64250.5,[402088407,1700000000012,0,-1],1700000000045]"#,
            #"[1,"te","BTC-USD",64250.5,[402088407,1700000000012,0,-1,1],1700000000045]"#,
            #"[1,"te","BTC-USD",64250.5,[402088407,1700000000012,0,-1],1]"#,
        ])
    func unknown(other: String) throws {
        let first = #"[1,"te","BTC-USD",64250.5,[402088407,1700000000012,0,-1],1700000000045]"#
        #expect(try Self.values(first, other).known == nil)
    }

    @Test("Sixty-four bytes are looked at as one by one", arguments: UInt64(0)..<20)
    func masks(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let common = Array("0123456789.,-[]\"".utf8)
        for _ in 0..<100 {
            let bytes = (0..<64).map { _ in
                random.next() % 3 == 0 ? UInt8(truncatingIfNeeded: random.next()) : common[Int(random.next() % 16)]
            }
            var expected: UInt64 = 0
            for (index, byte) in bytes.enumerated() where byte &- UInt8(ascii: "0") > 9 {
                expected |= 1 << UInt64(index)
            }
            bytes.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                #expect(ByteMask.nonDigits(of64: base) == expected, "\(bytes)")
            }
        }
    }

    @Test(
        "A number's sign is the side, and zero has none",
        arguments: [
            ("5", Side.buy), ("-5", .sell), ("0", .unknown), ("-0.0", .unknown), ("0.00000000", .unknown),
            ("-0.00000001", .sell), ("0.00000000000000001", .buy), ("-12345678", .sell), ("1.00000000", .buy),
        ])
    func signs(text: String, expected: Side) {
        let inverted: Side = expected == .buy ? .sell : expected == .sell ? .buy : .unknown
        Array(text.utf8).withUnsafeBufferPointer { bytes in
            #expect(TickBuilder.side(ofNumber: bytes, isInverted: false) == expected)
            #expect(TickBuilder.side(ofNumber: bytes, isInverted: true) == inverted)
        }
    }
}
