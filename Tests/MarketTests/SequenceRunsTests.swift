import Market
import Testing

@Suite("Runs of sequence numbers")
struct SequenceRunsTests {
    private func place(_ sequence: Int64) -> SequenceRuns.Place {
        SequenceRuns.Place(sequence: sequence, id: "t\(sequence)", time: Timestamp(nanoseconds: sequence * 1_000))
    }

    @Test("Whatever the order, the runs are those of the set of numbers", arguments: UInt64(0)..<100)
    func anyOrder(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var runs = SequenceRuns()
        var numbers: Set<Int64> = []
        var next: Int64 = 1
        for _ in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                runs.insert(place(next))
                numbers.insert(next)
                next += Int.random(in: 0..<5, using: &random) == 0 ? 4 : 1
            case 6..<9:
                let late = Int64.random(in: 1...next, using: &random)
                runs.insert(place(late))
                numbers.insert(late)
            default:
                let first = Int64.random(in: 1...next, using: &random)
                let last = first + Int64.random(in: 0...6, using: &random)
                runs.insert(SequenceRuns.Run(first: place(first), last: place(last)))
                numbers.formUnion(first...last)
            }
        }
        var expected: [ClosedRange<Int64>] = []
        for number in numbers.sorted() {
            if let last = expected.last, last.upperBound + 1 == number {
                expected[expected.count - 1] = last.lowerBound...number
            } else {
                expected.append(number...number)
            }
        }
        #expect(runs.runs.map { $0.first.sequence...$0.last.sequence } == expected)
        #expect(runs.runs.allSatisfy { $0.first == place($0.first.sequence) && $0.last == place($0.last.sequence) })
        #expect(runs.holes.count == max(0, expected.count - 1))
    }

    @Test("A hole is named by the trades around it")
    func holes() {
        var runs = SequenceRuns()
        for number in [10, 11, 15, 16] as [Int64] { runs.insert(place(number)) }
        #expect(
            runs.holes == [
                TickBounds(
                    fromID: "t11", toID: "t15", fromSequence: 11, toSequence: 15,
                    fromTime: Timestamp(nanoseconds: 11_000), toTime: Timestamp(nanoseconds: 15_000))
            ])
    }
}
