import Market
import Testing

@testable import Channels

extension FallbackFrame {
    fileprivate init(_ text: String) {
        self = Array(text.utf8).withUnsafeBufferPointer { FallbackFrame($0) }
    }
}

extension FallbackSession.Action {
    fileprivate static func write(_ text: String, frames: Int = 0, ends: Bool = false) -> Self {
        .write(.init(bytes: Array(text.utf8), frameCount: frames, endsResponse: ends))
    }

    fileprivate static func end(_ text: String, frames: Int = 0) -> Self {
        .end(.init(bytes: Array(text.utf8), frameCount: frames, endsResponse: true))
    }

    fileprivate var output: FallbackSession.Output? {
        switch self {
        case .write(let output): output
        case .end(let output): output
        case .doNothing, .close: nil
        }
    }
}

@Suite("A session of the HTTP fallback")
struct FallbackSessionTests {
    private let start = ContinuousClock.now
    private var session: FallbackSession

    init() {
        self.session = FallbackSession(limits: .init(queueBytesMax: 1000, responseLengthMax: 100), now: self.start)
    }

    private func after(_ seconds: Int) -> ContinuousClock.Instant { self.start.advanced(by: .seconds(seconds)) }

    @Test("opens with o once")
    mutating func opensOnce() {
        #expect(self.session.receiverOpened(.streaming, now: self.start) == .write("o\n"))
        self.session.receiverClosed(now: self.after(1))
        #expect(self.session.receiverOpened(.streaming, now: self.after(2)) == .doNothing)
    }

    @Test("writes a frame at once to a streaming response, quoted")
    mutating func streamsFrames() {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        #expect(
            self.session.received([FallbackFrame(#"{"a":"b\n"}"#)], now: self.start)
                == .write(#"m"{\"a\":\"b\\n\"}""# + "\n", frames: 1))
        #expect(
            self.session.received([FallbackFrame("1"), FallbackFrame("2")], now: self.start)
                == .write("a[\"1\",\"2\"]\n", frames: 2))
    }

    @Test("ends a polling response after what it delivers, o included")
    mutating func pollsOnce() {
        #expect(self.session.receiverOpened(.polling, now: self.start) == .write("o\n", ends: true))
        #expect(self.session.receiverOpened(.polling, now: self.start) == .doNothing)
        #expect(
            self.session.received([FallbackFrame("1")], now: self.start) == .write("m\"1\"\n", frames: 1, ends: true))
        #expect(self.session.received([FallbackFrame("2")], now: self.start) == .doNothing)
        #expect(self.session.receiverOpened(.polling, now: self.start) == .write("m\"2\"\n", frames: 1, ends: true))
    }

    @Test("keeps frames in order while no response is open")
    mutating func keepsFrames() {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        self.session.receiverClosed(now: self.start)
        #expect(self.session.received([FallbackFrame("1"), FallbackFrame("2")], now: self.start) == .doNothing)
        #expect(self.session.received([FallbackFrame("3")], now: self.start) == .doNothing)
        #expect(
            self.session.receiverOpened(.streaming, now: self.after(4)) == .write("a[\"1\",\"2\",\"3\"]\n", frames: 3))
        #expect(self.session.queueBytes == 0)
    }

    @Test("stops a streaming response just beyond its limit, and goes on in the next")
    mutating func stopsWhenFull() throws {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        let frames = (0..<30).map { FallbackFrame("frame \($0)") }
        let first = try #require(self.session.received(frames, now: self.start).output)
        #expect(first.bytes.count + 2 > 100)
        // Without its last frame the response would not have reached the limit.
        #expect(first.bytes.count + 2 - frames[first.frameCount - 1].quoted.count - 1 <= 100)
        #expect(self.session.received([FallbackFrame("last")], now: self.start) == .doNothing)
        #expect(self.session.probed(now: self.start) == .doNothing)

        var received = first.frameCount
        while received < 31 {
            self.session.receiverClosed(now: self.start)
            let next = try #require(self.session.receiverOpened(.streaming, now: self.start).output)
            #expect(!next.bytes.starts(with: "o".utf8))
            received += next.frameCount
        }
        #expect(received == 31)
    }

    @Test("the length of a response counts as a browser counts it, whole lines only")
    mutating func countsCodeUnits() {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        // 48 characters of two units each: 2 for o, 98 + 2 for the line: beyond 100.
        let text = String(repeating: "😀", count: 48)
        #expect(self.session.received([FallbackFrame(text)], now: self.start) == .write("m\"\(text)\"\n", frames: 1))
        #expect(self.session.received([FallbackFrame("1")], now: self.start) == .doNothing)
    }

    @Test("a response that is exactly at its limit goes on", arguments: [("é", 94), ("a", 94), ("漢", 94)])
    mutating func goesOnAtTheLimit(character: String, count: Int) {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        let text = String(repeating: character, count: count)
        #expect(self.session.received([FallbackFrame(text)], now: self.start) == .write("m\"\(text)\"\n", frames: 1))
        #expect(self.session.received([FallbackFrame("1")], now: self.start) == .write("m\"1\"\n", frames: 1))
    }

    @Test("the computed length of a line is its real one", arguments: 1...5)
    func lineLength(count: Int) throws {
        // A limit at each place around the line's end: full exactly when the real length is beyond it.
        for limit in 1...80 {
            var session = FallbackSession(limits: .init(responseLengthMax: limit), now: self.start)
            _ = session.receiverOpened(.streaming, now: self.start)
            guard
                session.received((0..<count).map { FallbackFrame("x\($0)é") }, now: self.start).output?.frameCount
                    == count
            else { continue }
            let line =
                count == 1 ? "m\"x0é\"\n" : "a[" + (0..<count).map { "\"x\($0)é\"" }.joined(separator: ",") + "]\n"
            let isFull = 2 + line.unicodeScalars.count > limit
            #expect((session.received([FallbackFrame("1")], now: self.start) == .doNothing) == isFull)
        }
    }

    @Test("asks to be closed when too much waits, and drops it")
    mutating func closesWhenTooMuchWaits() {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        self.session.receiverClosed(now: self.start)
        let frame = FallbackFrame(String(repeating: "x", count: 498))
        #expect(self.session.received([frame, frame], now: self.start) == .doNothing)
        #expect(self.session.received([frame], now: self.start) == .close(.overCapacity))
        #expect(self.session.closed(code: 4100, reason: "full", now: self.start) == .doNothing)
        #expect(self.session.queueBytes == 0)
        #expect(self.session.receiverOpened(.streaming, now: self.start) == .end("c[4100,\"full\"]\n"))
    }

    @Test("writes the close line to an open response and ends it")
    mutating func closesOpenResponse() {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        #expect(
            self.session.closed(code: 4001, reason: "no \"app\"", now: self.start)
                == .end("c[4001,\"no \\\"app\\\"\"]\n"))
        #expect(self.session.isClosing && self.session.deadline == nil)
    }

    @Test("keeps the close line for the next receive request, behind what waits")
    mutating func keepsCloseLine() {
        _ = self.session.receiverOpened(.polling, now: self.start)
        _ = self.session.received([FallbackFrame("1")], now: self.start)
        #expect(self.session.closed(code: 4200, reason: "r", now: self.start) == .doNothing)
        #expect(self.session.received([FallbackFrame("2")], now: self.start) == .doNothing)
        #expect(self.session.receiverOpened(.polling, now: self.start) == .end("m\"1\"\nc[4200,\"r\"]\n", frames: 1))
    }

    @Test("a session refused before its first response still opens, so that the client hears the code")
    mutating func refusesWithOpen() {
        #expect(self.session.closed(code: 4100, reason: "full", now: self.start) == .doNothing)
        #expect(self.session.receiverOpened(.streaming, now: self.start) == .end("o\nc[4100,\"full\"]\n"))
    }

    @Test("is gone when nobody comes back in time")
    mutating func expires() {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        self.session.receiverClosed(now: self.after(10))
        #expect(self.session.deadline == self.after(15))
        #expect(self.session.timerFired(now: self.after(14)) == .doNothing)
        #expect(self.session.timerFired(now: self.after(15)) == .end(nil))
        #expect(self.session.isClosing)
    }

    @Test("a full response has longer to be read")
    mutating func waitsForFullResponse() {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        _ = self.session.received([FallbackFrame(String(repeating: "x", count: 200))], now: self.start)
        #expect(self.session.timerFired(now: self.after(59)) == .doNothing)
        self.session.receiverClosed(now: self.after(59))
        #expect(self.session.deadline == self.after(64))
    }

    @Test("sends h when nothing else was sent; a polling response ends with it")
    mutating func beats() {
        _ = self.session.receiverOpened(.streaming, now: self.start)
        _ = self.session.received([FallbackFrame("1")], now: self.after(10))
        #expect(self.session.timerFired(now: self.after(30)) == .doNothing)
        #expect(self.session.timerFired(now: self.after(35)) == .write("h\n"))
        #expect(self.session.deadline == self.after(60))
        self.session.receiverClosed(now: self.after(36))
        _ = self.session.receiverOpened(.polling, now: self.after(36))
        #expect(self.session.timerFired(now: self.after(61)) == .write("h\n", ends: true))
    }

    @Test("a probe becomes h")
    mutating func probes() {
        #expect(self.session.probed(now: self.start) == .doNothing)
        _ = self.session.receiverOpened(.streaming, now: self.start)
        #expect(self.session.probed(now: self.start) == .write("h\n"))
    }

    @Test("any sequence of frames and reopenings delivers each frame once, in order", arguments: UInt64(0)..<100)
    func deliversOnce(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var session = FallbackSession(limits: .init(queueBytesMax: .max, responseLengthMax: 60), now: self.start)
        var sent = 0
        var lines = ""
        var isPolling = false
        func take(_ action: FallbackSession.Action) {
            if let output = action.output { lines += String(decoding: output.bytes, as: UTF8.self) }
        }
        take(session.receiverOpened(.streaming, now: self.start))
        for _ in 0..<200 {
            switch random.next() % 4 {
            case 0: session.receiverClosed(now: self.start)
            case 1:
                isPolling.toggle()
                take(session.receiverOpened(isPolling ? .polling : .streaming, now: self.start))
            default:
                let count = Int(random.next() % 5) + 1
                take(session.received((sent..<(sent + count)).map { FallbackFrame("\($0)") }, now: self.start))
                sent += count
            }
        }
        while session.queueBytes > 0 { take(session.receiverOpened(.polling, now: self.start)) }
        let numbers = lines.matches(of: /"(\d+)"/).compactMap { Int($0.output.1) }
        #expect(numbers == Array(0..<sent))
        #expect(lines.hasPrefix("o\n") && lines.dropFirst().firstIndex(of: "o") == nil)
    }
}
