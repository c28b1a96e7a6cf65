import FeedLanguage
import Market
import Testing

@Suite("Recordings")
struct RecordingTests {
    @Test("All kinds of lines are read, with exact times")
    func kinds() throws {
        let text = """
            wss://h/p?a=b:c <-> 1618677816.8434298
            wss://h/p <- 1618677817.02: {"type":"subscribe"}

            1618677817.079694: {"a":"x: y"}
            1618677818: pong
            https://h/rest -> 1618677819.5: {"b":1}
            1618677820.123456789: b'\\x00a\\n\\'\\\\\\xff'\r
            1618677821.1: b"it's"
            """
        let lines = try Recording.lines(in: [UInt8](text.utf8))
        func line(_ number: Int, _ kind: Recording.Kind, _ time: Int64, _ payload: [UInt8]) -> Recording.Line {
            Recording.Line(number: number, kind: kind, time: Timestamp(nanoseconds: time), payload: payload)
        }
        #expect(
            lines == [
                line(1, .opened("wss://h/p?a=b:c"), 1_618_677_816_843_429_800, []),
                line(2, .sent("wss://h/p"), 1_618_677_817_020_000_000, [UInt8](#"{"type":"subscribe"}"#.utf8)),
                line(4, .received, 1_618_677_817_079_694_000, [UInt8](#"{"a":"x: y"}"#.utf8)),
                line(5, .received, 1_618_677_818_000_000_000, [UInt8]("pong".utf8)),
                line(6, .answered("https://h/rest"), 1_618_677_819_500_000_000, [UInt8](#"{"b":1}"#.utf8)),
                line(7, .received, 1_618_677_820_123_456_789, [0, 0x61, 0x0A, 0x27, 0x5C, 0xFF]),
                line(8, .received, 1_618_677_821_100_000_000, [UInt8]("it's".utf8)),
            ]
        )
    }

    @Test(
        "A line of another shape is an error with its number",
        arguments: [
            ("hello", "it has neither a time nor an address"),
            ("wss://h x", "no '<->', '<-' or '->' follows the address"),
            ("12x: {}", "'12x' is not a time in Unix seconds"), ("12 {}", "no ': ' follows the time"),
            ("12.: {}", "'12.' is not a time in Unix seconds"), ("1: b'abc", "the bytes literal is never closed"),
            ("1: b'\\x1'", "a '\\x' of the bytes literal lacks its two digits"),
            ("1: b'\\q'", "the bytes literal has an unknown escape"),
        ]
    )
    func badLine(text: String, reason: String) {
        #expect(throws: RecordingError.badLine(2, reason: reason)) {
            try Recording.lines(in: [UInt8]("1: {}\n\(text)".utf8))
        }
    }

    @Test("What is written reads back as it was", arguments: UInt64(0)..<50)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        var expected: [Recording.Line] = []
        for number in 1...10 {
            let time = Timestamp(nanoseconds: Int64.random(in: 0..<4_000_000_000_000_000_000, using: &random))
            let isText = Bool.random(using: &random)
            let payload = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                UInt8.random(in: isText ? 0x20...0x7E : 0...255, using: &random)
            }
            switch number % 3 {
            case 0:
                Recording.writeOpened("wss://h/p", at: time, to: &bytes)
                expected.append(Recording.Line(number: number, kind: .opened("wss://h/p"), time: time, payload: []))
            case 1:
                Recording.writeSent(payload, to: "wss://h/p", at: time, to: &bytes)
                expected.append(Recording.Line(number: number, kind: .sent("wss://h/p"), time: time, payload: payload))
            default:
                Recording.writeReceived(payload, at: time, to: &bytes)
                expected.append(Recording.Line(number: number, kind: .received, time: time, payload: payload))
            }
        }
        #expect(try Recording.lines(in: bytes) == expected)
    }
}
