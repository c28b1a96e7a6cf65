import Market
import Postgres
import RecordingRig
import Store

/// Measures how fast trades go through the journal and the recorder into PostgreSQL: one connection, batches of at most 5 000,
/// candles over another connection as in the service, unless `without-candles` is said.
///
/// Usage: `record-benchmark MIGRATIONS [ROWS [without-candles]]`, with `DATABASE_URL` naming a database that may be
/// filled. Prints rows per second. The table is left filled, so that `record.sh` can give the same rows to psql.
@main
struct RecordBenchmark {
    static func main() async throws {
        let usage = "record-benchmark MIGRATIONS [ROWS [without-candles]]"
        let (migrations, rowCount) = RecordingRig.arguments(usage, otherwise: 300_000)
        let rig = try await RecordingRig(
            "record-benchmark", migrations: migrations,
            settings: RecorderSettings(batchTicksMax: 5_000, catchUpTicksMax: 5_000),
            hasCandles: !CommandLine.arguments.dropFirst(3).contains("without-candles"))
        let (client, recorder) = (rig.client, rig.recorder)
        let ticks = try Self.trades(count: rowCount).map { Tick.trade($0) }

        // Connecting and making partitions is no part of the measurement.
        try await client.query("TRUNCATE trades")
        recorder.record([ticks[0]])
        try await recorder.flush()
        try await client.query("TRUNCATE trades")
        try await client.query("CHECKPOINT")
        let begin = ContinuousClock.now
        for start in stride(from: 0, to: ticks.count, by: 1_000) {
            recorder.record(Array(ticks[start..<min(start + 1_000, ticks.count)]))
        }
        try await recorder.flush()
        let elapsed = begin.duration(to: .now)
        try await rig.finish()

        let stored = try await client.query("SELECT count(*) FROM trades")[0].integer(0)
        let counters = recorder.counters
        guard stored == Int64(rowCount), counters.duplicates == 0, counters.lost == 0 else {
            fatalError("stored \(stored) of \(rowCount) rows: \(counters)")
        }
        print(Int(Double(rowCount) / (elapsed / .seconds(1))))
    }

    /// Trades of 50 symbols in a fixed pseudo-random order, all of one day.
    private static func trades(count: Int) throws -> [Trade] {
        var state: UInt64 = 42
        func random(_ bound: UInt64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64((state >> 33) % bound)
        }
        let venue = try Venue("benchmark")
        let symbols = try (0..<50).map { try Symbol("COIN\($0)-USD") }
        var prices = (0..<50).map { Int64(1_000_000 + $0 * 137_000) }
        let start: Int64 = 1_700_006_400_000_000_000
        return try (0..<count).map { index in
            let symbol = Int(random(50))
            prices[symbol] += random(201) - 100
            let time = Timestamp(nanoseconds: start + Int64(index) * 2_000_000)
            return Trade(
                symbol: symbols[symbol], venue: venue, price: try Decimal64(mantissa: prices[symbol], exponent: -2),
                size: try Decimal64(mantissa: 1 + random(100_000_000), exponent: -8),
                side: random(2) == 0 ? .buy : .sell,
                id: String(100_000_000 + index), eventTime: time,
                receivedTime: time.advanced(byNanoseconds: 20_000_000 + random(1_000) * 1_000),
                venueSequence: Int64(index)
            )
        }
    }
}
