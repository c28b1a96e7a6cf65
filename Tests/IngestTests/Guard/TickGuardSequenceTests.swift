import FeedLanguage
import Market
import Testing

@testable import Ingest

@Suite("The guard: duplicates, reorders and holes")
struct TickGuardSequenceTests {
    private static let contiguous = FeedSequencing(trades: .contiguous, quotes: .contiguous)

    @Test(
        "Any order of a contiguous sequence with duplicates gives each trade once, and nothing is missing at the end",
        arguments: UInt64(0)..<200)
    func anyOrder(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let count = Int64.random(in: 1...60, using: &random)
        let isNumbered = Bool.random(using: &random)
        let tickGuard = TestGuard(sequencing: Self.contiguous)
        // The feed begins somewhere: what is below its first number is nobody's loss.
        var seen = [Int64(100)]
        tickGuard.examine(try makeTrade(id: isNumbered ? "100" : "x100", sequence: 100))
        var order = (101...100 + count).map { $0 }
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            order.append(Int64.random(in: 100...100 + count, using: &random))
        }
        order.shuffle(using: &random)
        var open: Set<Int> = []
        for number in order {
            let trade = try makeTrade(id: isNumbered ? "\(number)" : "x\(number)", sequence: number)
            let verdict = tickGuard.examine(trade)
            #expect((verdict == .duplicate) == seen.contains(number))
            if verdict != .duplicate { seen.append(number) }
            for change in tickGuard.last.holes {
                switch change {
                case .opened(let hole): open.insert(try #require(hole.number))
                case .filled(_, let number, let remaining): if remaining == 0 { open.remove(number) }
                }
            }
        }
        #expect(seen.sorted() == Array(100...100 + count))
        #expect(tickGuard.missingTrades.isEmpty)
        #expect(open.isEmpty)
    }

    @Test(
        "Any subset that is left out is exactly what is missing, in whatever order the rest comes",
        arguments: UInt64(0)..<200)
    func anySubset(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let numbers = (Int64(0)...80).map { $0 }
        // The ends stay: what comes before the first and after the last cannot be known to be missing.
        let dropped = Set(numbers.filter { $0 > 0 && $0 < 80 && Int.random(in: 0..<3, using: &random) == 0 })
        var order = numbers.dropFirst().filter { !dropped.contains($0) }
        let isShuffled = Bool.random(using: &random)
        if isShuffled { order.shuffle(using: &random) }
        let tickGuard = TestGuard(sequencing: Self.contiguous)
        tickGuard.examine(try makeTrade(id: "0", sequence: 0))
        var opened: [ClosedRange<Int64>] = []
        for number in order {
            for change in tickGuard.report(on: try makeTrade(id: "\(number)", sequence: number)).holes {
                guard case .opened(let hole) = change else { continue }
                let range = try #require(hole.bounds.fromSequence) + 1...(try #require(hole.bounds.toSequence)) - 1
                #expect(hole.missing == Int64(range.count))
                opened.append(range)
            }
        }
        let expected = Self.ranges(dropped)
        #expect(tickGuard.missingTrades == expected)
        if !isShuffled { #expect(opened == expected) }
        // And asking for them fills every hole.
        for number in dropped.shuffled(using: &random) {
            let verdict = tickGuard.examine(try makeTrade(id: "\(number)", sequence: number, flags: .backfilled))
            #expect(verdict == .accepted([]))
        }
        #expect(tickGuard.missingTrades.isEmpty)
    }

    @Test("A reorder is kept, marked and counted, and makes no phantom hole")
    func reorder() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .increasing))
        for number: Int64 in [10, 20, 40] {
            #expect(tickGuard.examine(try makeTrade(id: "\(number)", sequence: number)) == .accepted([]))
        }
        #expect(tickGuard.examine(try makeTrade(id: "30", sequence: 30)) == .accepted(.outOfOrder))
        #expect(tickGuard.last.reasons == .reorder)
        #expect(tickGuard.last.holes.isEmpty)
        // The highest number counts, not the newest.
        #expect(tickGuard.examine(try makeTrade(id: "41", sequence: 41)) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade(id: "30", sequence: 30)) == .duplicate)
    }

    @Test("Without promises about numbers only ids tell duplicates, and without ids all trades are kept")
    func unsequenced() throws {
        let tickGuard = TestGuard()
        #expect(tickGuard.examine(try makeTrade(id: "7", sequence: 7)) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade(id: "3", sequence: 3)) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade(id: "7", sequence: 7)) == .duplicate)
        #expect(tickGuard.examine(try makeTrade()) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade()) == .accepted([]))
    }

    @Test("Several trades of one message share a number: other ids and other prices are no duplicates")
    func sharedNumbers() throws {
        let tickGuard = TestGuard(sequencing: Self.contiguous)
        #expect(tickGuard.examine(try makeTrade(id: "a", sequence: 1)) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade(id: "b", sequence: 1)) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade(id: "a", sequence: 1)) == .duplicate)
        #expect(tickGuard.examine(try makeTrade("100", sequence: 2)) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade("101", sequence: 2)) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade("101", sequence: 2)) == .duplicate)
    }

    @Test("A hole knows the ids, numbers and times around it, and a late trade narrows it")
    func holeBounds() throws {
        let tickGuard = TestGuard(sequencing: Self.contiguous)
        tickGuard.examine(try makeTrade(id: "5", sequence: 5, second: 50))
        let hole = try tickGuard.report(on: try makeTrade(id: "9", sequence: 9, second: 90)).openedHole()
        #expect(
            hole.bounds
                == TickBounds(
                    fromID: "5", toID: "9", fromSequence: 5, toSequence: 9,
                    fromTime: Timestamp(nanoseconds: 50_000_000_000),
                    toTime: Timestamp(nanoseconds: 90_000_000_000)
                )
        )
        #expect(hole.missing == 3)
        #expect(hole.reason == .sequence)
        let number = try #require(hole.number)
        #expect(
            tickGuard.report(on: try makeTrade(id: "7", sequence: 7, second: 70)).holes
                == [.filled(.trades, number: number, remaining: 2)])
        #expect(tickGuard.missingTrades == [6...6, 8...8])
        tickGuard.examine(try makeTrade(id: "6", sequence: 6, second: 60))
        #expect(
            tickGuard.report(on: try makeTrade(id: "8", sequence: 8, second: 80)).holes
                == [.filled(.trades, number: number, remaining: 0)])
    }

    @Test("Event times that run backwards are counted as late, implausible ones as the decoder marked them")
    func lateTimes() throws {
        let tickGuard = TestGuard()
        #expect(tickGuard.report(on: try makeTrade(id: "1", second: 10)).reasons == [])
        #expect(tickGuard.report(on: try makeTrade(id: "2", second: 9)).reasons == .late)
        #expect(tickGuard.report(on: try makeTrade(id: "3", second: 10)).reasons == [])
        #expect(
            tickGuard.report(on: try makeTrade(id: "4", second: 11, flags: .implausibleTime)).reasons
                == .implausibleTime)
        tickGuard.examine(try makeQuote("1", "2", second: 5))
        tickGuard.examine(try makeQuote("1", "2", second: 4))
        #expect(tickGuard.last.reasons == .late)
    }

    @Test(
        "A first snapshot, whatever its order and however patchy, is neither a hole nor a reorder",
        arguments: UInt64(0)..<50)
    func firstSnapshot(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var numbers: [Int64] = [3, 4, 5, 9, 10]
        switch seed % 3 {
        case 0: numbers.reverse()
        case 1: numbers.shuffle(using: &random)
        default: break
        }
        let tickGuard = TestGuard(sequencing: Self.contiguous)
        for number in numbers {
            let trade = try makeTrade(id: "\(number)", sequence: number, second: number, flags: .snapshot)
            #expect(tickGuard.examine(trade) == .accepted([]))
            #expect(tickGuard.last.holes.isEmpty)
            #expect(tickGuard.last.reasons == .snapshot)
        }
        for number in numbers {
            #expect(tickGuard.examine(try makeTrade(id: "\(number)", sequence: number, second: number)) == .duplicate)
        }
        #expect(tickGuard.examine(try makeTrade(id: "11", sequence: 11, second: 11)) == .accepted([]))
        #expect(tickGuard.missingTrades.isEmpty)
    }

    @Test("Quotes: a number below the highest is marked, one seen before dropped, a hole opened")
    func quotes() throws {
        let tickGuard = TestGuard(sequencing: Self.contiguous)
        #expect(tickGuard.examine(try makeQuote("1", "2", sequence: 1)) == .accepted([]))
        #expect(tickGuard.examine(try makeQuote("1", "2", sequence: 1)) == .duplicate)
        #expect(tickGuard.last.holes.isEmpty)
        #expect(tickGuard.examine(try makeQuote("1", "2", sequence: 4)) == .accepted([]))
        let hole = try tickGuard.last.openedHole()
        #expect(hole.stream == .quotes)
        #expect(hole.missing == 2)
        #expect(tickGuard.examine(try makeQuote("1", "2", sequence: 2)) == .accepted(.outOfOrder))
        #expect(tickGuard.last.reasons == .reorder)
        #expect(tickGuard.missingQuotes == [3...3])
    }

    @Test("Numbers at the ends of their range and wild jumps break nothing")
    func wildNumbers() throws {
        let tickGuard = TestGuard(sequencing: Self.contiguous)
        let numbers: [Int64] = [.min, .max, 0, .max, -1, .min, 1, 2_000_000_000, 5]
        for number in numbers { tickGuard.examine(try makeTrade(id: "i\(number)", sequence: number)) }
        #expect(tickGuard.missingTrades.allSatisfy { $0.upperBound - $0.lowerBound < SequenceTrack.holeLengthMax })
    }

    @Test("More holes than are remembered: the oldest are forgotten, and their trades kept when they come")
    func manyHoles() throws {
        let tickGuard = TestGuard(sequencing: Self.contiguous)
        for number in stride(from: Int64(0), through: 200, by: 2) {
            tickGuard.examine(try makeTrade(id: "\(number)", sequence: number))
        }
        #expect(tickGuard.missingTrades.count == SequenceTrack.holesMax)
        #expect(tickGuard.examine(try makeTrade(id: "1", sequence: 1)) == .accepted(.outOfOrder))
        #expect(tickGuard.examine(try makeTrade(id: "199", sequence: 199)) == .accepted(.outOfOrder))
        #expect(tickGuard.examine(try makeTrade(id: "199", sequence: 199)) == .duplicate)
    }

    @Test("A feed whose numbers promise something else now starts anew")
    func changedPromise() throws {
        let tickGuard = TestGuard(sequencing: FeedSequencing(trades: .increasing))
        tickGuard.examine(try makeTrade(id: "50", sequence: 50))
        tickGuard.change(to: Self.contiguous)
        #expect(tickGuard.examine(try makeTrade(id: "40", sequence: 40)) == .accepted([]))
        #expect(tickGuard.examine(try makeTrade(id: "41", sequence: 41)) == .accepted([]))
        #expect(tickGuard.missingTrades.isEmpty)
    }

    private static func ranges(_ numbers: Set<Int64>) -> [ClosedRange<Int64>] {
        numbers.sorted().reduce(into: []) { ranges, number in
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
    }
}
