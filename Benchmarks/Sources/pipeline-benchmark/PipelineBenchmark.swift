import Channels
import NIOCore
import Foundation
import Ingest
import Market
import NIOPosix

/// Measures how many ticks a second one shard of the market pipeline takes: guard, state, alerts and event encoding.
///
/// Usage: `pipeline-benchmark [ROUNDS]`. Each round is a million ticks of 50 symbols, three trades to one quote, in reads of
/// 20; prints ticks per second of every round. What comes out is thrown away.
@main
struct PipelineBenchmark {
    static func main() async throws {
        let rounds = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 5 : 5
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let venue = try Venue("benchmark")
        let pipeline = MarketPipeline(
            eventLoops: [group.next()], venuePriority: [venue], sequenceStart: 0,
            outputs: PipelineOutputs(
                record: { _ in }, saveStates: { _ in }, alertsFired: { _ in }, publisher: Nowhere()
            )
        )
        for round in 0..<rounds {
            let reads = try Self.reads(round: round, venue: venue)
            let count = reads.reduce(0) { $0 + $1.count }
            let begin = ContinuousClock.now
            for read in reads { pipeline.ingest(read) }
            try await pipeline.flush()
            let elapsed = begin.duration(to: .now)
            guard pipeline.counters.ticks == count * (round + 1) else { fatalError("\(pipeline.counters)") }
            print(Int(Double(count) / (elapsed / .seconds(1))))
        }
        try await group.shutdownGracefully()
    }

    /// A million ticks in reads of 20, prices walking at random.
    private static func reads(round: Int, venue: Venue) throws -> [[Tick]] {
        var state = UInt64(42 + round)
        func random(_ bound: UInt64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64((state >> 33) % bound)
        }
        let symbols = try (0..<50).map { try Symbol("COIN\($0)-USD") }
        var prices = (0..<50).map { Int64(10_000_000 + $0 * 1_370_000) }
        var ids = [Int64](repeating: Int64(100_000_000 + round * 1_000_000), count: 50)
        let start: Int64 = 1_700_006_400_000_000_000 + Int64(round) * 400_000_000_000
        return try (0..<50_000).map { read in
            try (0..<20).map { item in
                let index = Int(random(50))
                let time = Timestamp(nanoseconds: start + Int64(read * 20 + item) * 400_000)
                let received = time.advanced(byNanoseconds: 20_000_000)
                if item % 4 == 3 {
                    return .quote(
                        Quote(
                            symbol: symbols[index], venue: venue,
                            bid: try Decimal64(mantissa: prices[index] - 1, exponent: -2),
                            ask: try Decimal64(mantissa: prices[index] + 1, exponent: -2), eventTime: time,
                            receivedTime: received
                        )
                    )
                }
                prices[index] += random(201) - 100
                ids[index] += 1
                return .trade(
                    Trade(
                        symbol: symbols[index], venue: venue,
                        price: try Decimal64(mantissa: prices[index], exponent: -2),
                        size: try Decimal64(mantissa: 1 + random(100_000_000), exponent: -8), side: .buy,
                        id: String(ids[index]), eventTime: time, receivedTime: received, venueSequence: ids[index]
                    )
                )
            }
        }
    }
}

/// Takes events and forgets them.
private struct Nowhere: EventPublisher {
    func publish(_ events: [Channels.ChannelEvent]) {}
}
