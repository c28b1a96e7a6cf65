import Channels
import Testing

@testable import Gateway

@Suite("Frames for clients without a WebSocket")
struct FrameConversionsTests {
    private let conversions = FrameConversions()

    private static func frame(_ number: Int, pad: Int = 0) -> [UInt8] {
        let pad = String(repeating: "x", count: pad)
        return Array(#"{"event":"tick","channel":"a","data":"{\"n\":\#(number)}\#(pad)"}"#.utf8)
    }

    private func line(_ frame: [UInt8]) -> FallbackFrame { frame.withUnsafeBufferPointer { self.conversions.line($0) } }

    private func message(_ frame: [UInt8]) -> EventStreamMessage? {
        frame.withUnsafeBufferPointer { self.conversions.message($0) }
    }

    @Test("Each is converted once, however many clients get it")
    func once() {
        for client in 0..<100 {
            for number in 0..<20 {
                let frame = Self.frame(number)
                #expect(self.line(frame) == frame.withUnsafeBufferPointer { FallbackFrame($0) })
                if client % 2 == 0 {
                    #expect(self.message(frame) == frame.withUnsafeBufferPointer { EventStreamMessage($0) })
                }
            }
        }
        #expect(self.conversions.count == 40)
    }

    @Test("Frames that are alike but for one byte are told apart, and so are long ones")
    func different() {
        for number in [1, 2, 1, 12, 21, 1] {
            let frame = Self.frame(number)
            #expect(self.line(frame) == frame.withUnsafeBufferPointer { FallbackFrame($0) })
        }
        #expect(self.conversions.count == 4)
        let long = Self.frame(1, pad: 20_000)
        #expect(self.line(long) == self.line(long))
        #expect(self.conversions.count == 6)
        #expect(self.message(Array("no JSON".utf8)) == nil)
    }

    @Test("Whatever comes in whatever order, the conversion is right", arguments: UInt64(0)..<20)
    func anyOrder(seed: UInt64) {
        var state = seed &* 977 &+ 1
        for _ in 0..<2000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let frame = Self.frame(Int(state >> 40) % 150)
            #expect(self.line(frame) == frame.withUnsafeBufferPointer { FallbackFrame($0) })
        }
    }
}
