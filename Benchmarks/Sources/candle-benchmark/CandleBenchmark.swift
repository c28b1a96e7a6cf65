import Market
import RecordingRig
import Store

/// Records trades of which some come late and some twice, with their candles; `candles.sh` compares those with what SQL computes.
///
/// Usage: `candle-benchmark MIGRATIONS [TRADES]`, with `DATABASE_URL` naming a database that may be filled. Prints trades per second.
@main
struct CandleBenchmark {
    static func main() async throws {
        let (migrations, count) = RecordingRig.arguments("candle-benchmark MIGRATIONS [TRADES]", otherwise: 10_000_000)
        let rig = try await RecordingRig("candle-benchmark", migrations: migrations)
        let recorder = rig.recorder

        var tape = try Tape()
        let begin = ContinuousClock.now
        var given = 0
        while given < count {
            let trades = try tape.next(min(2_000, count - given))
            recorder.record(trades)
            given += trades.count
            // The whole of it need not lie in the journal.
            while recorder.counters.pending > 200_000 { try await Task.sleep(for: .milliseconds(5)) }
        }
        try await recorder.flush()
        try await rig.candles.flush()
        let elapsed = begin.duration(to: .now)
        try await rig.finish()
        let counters = recorder.counters
        guard counters.recorded + counters.duplicates == Int64(given), counters.duplicates > 0 else {
            fatalError("given \(given), \(counters)")
        }
        print(Int(Double(given) / (elapsed / .seconds(1))))
    }
}

/// Trades in a fixed pseudo-random order: 1 % late by up to two hours, some of those by a day; 0.1 % twice.
struct Tape {
    private var random = SplitMix64(seed: 42)
    private let symbols: [Symbol]
    private let venues: [Venue]
    private var prices: [Int64]
    private var time: Int64 = 1_700_596_800_000_000_000  // 2023-11-21T20:00:00Z
    private var number = 0
    private var earlier: [Trade] = []

    init() throws {
        self.symbols = try (0..<18).map { try Symbol("COIN\($0)-USD") } + [try Symbol("AAPL"), try Symbol("MSFT")]
        self.venues = try ["benchmark-a", "benchmark-b"].map { try Venue($0) }
        self.prices = (0..<20).map { Int64(1_000_000 + $0 * 137_000) }
    }

    mutating func next(_ count: Int) throws -> [Tick] {
        var ticks: [Tick] = []
        ticks.reserveCapacity(count)
        while ticks.count < count {
            if !self.earlier.isEmpty, Int.random(in: 0..<1_000, using: &self.random) == 0 {
                ticks.append(.trade(self.earlier[Int.random(in: 0..<self.earlier.count, using: &self.random)]))
                continue
            }
            let trade = try self.trade()
            if self.number % 97 == 0 {
                if self.earlier.count < 10_000 {
                    self.earlier.append(trade)
                } else {
                    self.earlier[Int.random(in: 0..<10_000, using: &self.random)] = trade
                }
            }
            ticks.append(.trade(trade))
        }
        return ticks
    }

    private mutating func trade() throws -> Trade {
        let symbol = Int.random(in: 0..<self.symbols.count, using: &self.random)
        self.prices[symbol] += Int64.random(in: -100...100, using: &self.random)
        self.number += 1
        // Several trades of a microsecond are usual at venues that count in milliseconds.
        self.time += 1_000_000 * Int64.random(in: 0...5, using: &self.random)
        var eventTime = self.time
        if Int.random(in: 0..<100, using: &self.random) == 0 {
            let isFar = Int.random(in: 0..<50, using: &self.random) == 0
            eventTime -= Int64.random(in: 1...(isFar ? 86_400_000 : 7_200_000), using: &self.random) * 1_000_000
        }
        return Trade(
            symbol: self.symbols[symbol], venue: self.venues[self.number % 3 == 0 ? 1 : 0],
            price: try Decimal64(mantissa: self.prices[symbol], exponent: -2),
            size: self.number % 50 == 0
                ? nil
                : try Decimal64(
                    mantissa: Int64.random(in: 1...100_000_000, using: &self.random),
                    exponent: -Int.random(in: 4...12, using: &self.random)),
            side: Bool.random(using: &self.random) ? .buy : .sell, id: String(self.number),
            eventTime: Timestamp(nanoseconds: eventTime), receivedTime: Timestamp(nanoseconds: self.time + 20_000_000),
            venueSequence: self.number % 3 == 0 ? nil : Int64(self.number)
        )
    }
}
