import Testing

@testable import Channels

@Suite("A market channel")
struct MarketQuotesTests {
    private func tick(_ symbol: Int32, _ sequence: Int) -> [UInt8] {
        Array(#"{\"symbol\":\"S\#(symbol)\",\"sequence\":\#(sequence)}"#.utf8)
    }

    private func texts(_ frames: [MarketQuotes.Frame]) -> [String] {
        frames.map { String(decoding: $0.data, as: UTF8.self) }
    }

    @Test("A frame has the newest tick of each symbol that changed, in the order in which they did")
    func frames() {
        var market = MarketQuotes()
        for _ in 0..<3 { _ = market.add(newest: []) }
        market.ticked(2, weight: 1)
        market.ticked(0, weight: 1)
        market.ticked(2, weight: 4)
        let frames = market.frames { self.tick($0, 9) }
        #expect(
            self.texts(frames) == [
                #"[{\"symbol\":\"S2\",\"sequence\":9,\"merged\":5},{\"symbol\":\"S0\",\"sequence\":9,\"merged\":1}]"#
            ])
        #expect(frames.first?.merged == [2: 5, 0: 1])
        #expect(!market.hasChanges)
        let none = market.frames { self.tick($0, 10) }
        #expect(none.isEmpty)
    }

    @Test("A snapshot is the state of the last frame, and an empty array without symbols")
    func snapshot() {
        var market = MarketQuotes()
        #expect(market.snapshot() == [Array("[]".utf8)])
        _ = market.add(newest: self.tick(0, 1))
        _ = market.add(newest: [])
        market.ticked(0, weight: 1)
        #expect(market.snapshot() == [Array("[".utf8) + self.tick(0, 1) + Array("]".utf8)])
        _ = market.frames { self.tick($0, 2) }
        #expect(market.snapshot() == [Array("[".utf8) + self.tick(0, 2) + Array("]".utf8)])
    }

    @Test("What is longer than a frame may be goes into several, each a whole array")
    func chunks() {
        var market = MarketQuotes(frameBytesMax: 100)
        for symbol in 0..<9 { _ = market.add(newest: self.tick(Int32(symbol), 1)) }
        let parts = market.snapshot()
        #expect(parts.count > 2)
        #expect(parts.allSatisfy { $0.first == UInt8(ascii: "[") && $0.last == UInt8(ascii: "]") && $0.count <= 101 })
        for symbol in 0..<9 { market.ticked(Int32(symbol), weight: 1) }
        let frames = market.frames { self.tick($0, 2) }
        #expect(frames.flatMap(\.merged.keys).sorted() == Array(0..<9))
    }

    @Test("Who missed frames gets the newest tick of each symbol with all that it stands for")
    func catchingUp() {
        var market = MarketQuotes()
        _ = market.add(newest: [])
        _ = market.add(newest: [])
        market.ticked(1, weight: 1)
        _ = market.frames { self.tick($0, 7) }
        #expect(self.texts(market.catchUp([1: 12])) == [#"[{\"symbol\":\"S1\",\"sequence\":7,\"merged\":12}]"#])
    }
}
