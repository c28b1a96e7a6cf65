import Foundation
import GatewayTesting
import Testing
import TickwireTesting

@Suite("What reaches an open WebSocket", .timeLimit(.minutes(5)))
struct WebSocketFuzzTests {
    @Test("Every input of Fuzzing/WebSocketCorpus does what Fuzzing/fuzz.sh demands of it")
    func corpus() throws {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fuzzing/WebSocketCorpus")
        let check = try WebSocketFuzzCheck()
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(names.count >= 9)
        for name in names {
            let verdict = check.run([UInt8](try Data(contentsOf: directory.appendingPathComponent(name))))
            #expect(verdict == .passed, "\(name)")
        }
    }

    @Test("Frames at random give the same however they are cut", arguments: UInt64(0)..<200)
    func random(seed: UInt64) throws {
        var state = seed &+ 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let check = try WebSocketFuzzCheck()
        var recipe: [UInt8] = [UInt8(1 | next(2) * 2), UInt8(next(256))]
        let openings: [UInt8] = [0x81, 0x01, 0x00, 0x80, 0x89, 0x8A, 0x88, 0xC1, 0x41, 0x82]
        for _ in 0..<(1 + next(8)) {
            // Mostly the start or the rest of a message, so that long ones come about.
            recipe.append(openings[next(next(3) == 0 ? openings.count : 4)])
            let size = next(40)
            recipe.append(UInt8(next(20) == 0 ? 200 + next(12) : size))
            recipe += (0..<size).map { _ in next(10) == 0 ? UInt8(next(256)) : UInt8(0x20 + next(90)) }
        }
        #expect(check.run(recipe) == .passed)
    }

    @Test("An input without content says so")
    func skipped() throws {
        #expect(try WebSocketFuzzCheck().run([0, 1]) == .skipped)
    }
}
