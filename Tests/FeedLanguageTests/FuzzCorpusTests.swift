import FeedLanguage
import Foundation
import Testing
import TickwireTesting

@Suite("What the fuzzer kept", .timeLimit(.minutes(5)))
struct FuzzCorpusTests {
    private static func inputs() throws -> [(name: String, bytes: [UInt8])] {
        let directory = Repository.root.appendingPathComponent("Fuzzing/Corpus")
        return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map {
            (name: $0, bytes: [UInt8](try Data(contentsOf: directory.appendingPathComponent($0))))
        }
    }

    private static func check() throws -> FuzzCheck {
        try FuzzCheck(feeds: try Repository.feedNames.map { try Repository.feed($0) })
    }

    @Test("Every input of Fuzzing/Corpus does what Fuzzing/fuzz.sh demands of it, whichever came before")
    func corpus() throws {
        let inputs = try Self.inputs()
        var check = try Self.check()
        var passed = 0
        // Forth and back: a decoder's guesses and caches come from the inputs before.
        for input in inputs + inputs.reversed() {
            switch check.run(input.bytes) {
            case .passed: passed += 1
            // Its feed has another name now.
            case .skipped: break
            case .failed(let problem): Issue.record("\(input.name): \(problem)")
            }
        }
        #expect(passed > inputs.count, "the corpus names feeds that are gone: run Fuzzing/fuzz.sh")
    }

    @Test("A check that nothing was tried with says so")
    func skipped() throws {
        var check = try Self.check()
        #expect(check.run([UInt8]("no line".utf8)) == .skipped)
        #expect(check.run([UInt8]("nowhere\n{}".utf8)) == .skipped)
        #expect(check.run([UInt8]("coinbase\n{}\0[1".utf8)) == .passed)
        #expect(check.run([UInt8]("file\nfeed: x".utf8)) == .passed)
    }
}
