import Foundation
import Market
import Postgres
import Testing

@testable import Store

/// What candles cost PostgreSQL; no test: run it with `TICKWIRE_BENCH=1`, the numbers go to standard output.
@Suite(
    "Candles, measured",
    .enabled(if: TestServer.isAvailable && ProcessInfo.processInfo.environment["TICKWIRE_BENCH"] != nil))
struct CandleBench {
    @Test("A second of 20 000 trades over 50 symbols, a flush each, 1 % late by up to a day")
    func flushes() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 1)
            let symbols = try (0..<50).map { try Symbol("SYM\($0)-USD") }
            let venue = try Venue("coinbase")
            let writer = rig.writer(CandleWriterSettings(flushInterval: .seconds(3600)))
            let start = try time("2026-11-27T12:00:00Z")
            try await rig.running(writer) {
                await writer.add([], through: 0)
                for lateShare in [0, 100] {
                    var (client, seconds) = (Duration.zero, 60)
                    let cpu = try await Self.serverSeconds(rig)
                    let rows = writer.counters.barsWritten
                    for second in 0..<seconds {
                        let trades = try (0..<20_000).map { index in
                            let isLate = lateShare > 0 && random.next(below: UInt64(lateShare)) == 0
                            let late = isLate ? Int64(random.next(below: 86_400)) : 0
                            let time = start.advanced(
                                byNanoseconds: (Int64(second) - late) * 1_000_000_000 + Int64(index) * 50_000)
                            return Trade(
                                symbol: symbols[index % 50], venue: venue,
                                price: try Decimal64(
                                    mantissa: Int64(6_400_000 + random.next(below: 9999)), exponent: -2),
                                size: try Decimal64(mantissa: Int64(1 + random.next(below: 999_999)), exponent: -8),
                                side: .buy, id: nil, eventTime: time, receivedTime: time, venueSequence: Int64(index))
                        }
                        let clock = ContinuousClock()
                        client += try await clock.measure {
                            await writer.add(trades, through: Int64(lateShare * 1_000_000 + second + 1))
                            try await writer.flush()
                        }
                    }
                    let used = try await Self.serverSeconds(rig) - cpu
                    print(
                        "late 1/\(lateShare): \((writer.counters.barsWritten - rows) / Int64(seconds)) rows a flush,",
                        "server CPU \(used / Double(seconds) * 1000) ms a flush, all \(client / seconds) a flush")
                    seconds = 0
                }
            }
        }
    }

    @Test("Rebuilding a day of a million trades of one symbol")
    func rebuild() async throws {
        try await CandleRig.with { rig in
            _ = try await rig.record([
                Trade(
                    symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), price: try decimal("1"), size: nil,
                    side: .buy, id: nil, eventTime: try time("2026-11-27T12:00:00Z"),
                    receivedTime: try time("2026-11-27T12:00:00Z"))
            ])
            try await rig.connection.execute(
                """
                INSERT INTO trades SELECT '2026-11-27 00:00+00'::timestamptz + n * interval '86 ms', now(), n, 1, 1, 0, 'b',
                    64000 + n % 1000 * 0.01, 0.00000001 * n, n::text FROM generate_series(1, 1000000) AS n;
                ANALYZE trades
                """)
            for round in ["all missing", "all there"] {
                let clock = ContinuousClock()
                var rebuild = CandleRebuild()
                let duration = try await clock.measure { rebuild = try await rig.builder.rebuild() }
                print("rebuild, \(round): \(rebuild.candles) candles, \(rebuild.changed) changed, \(duration)")
            }
        }
    }

    /// CPU seconds of the server process that writes candles.
    private static func serverSeconds(_ rig: CandleRig) async throws -> Double {
        let rows = try await rig.connection.query(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COMMIT%' AND pid <> pg_backend_pid()"
        )
        var ticks = 0
        for row in rows {
            let stat = try String(contentsOfFile: "/proc/\(try row.integer(0))/stat", encoding: .utf8)
            let fields = stat.split(separator: " ")
            ticks += (Int(fields[13]) ?? 0) + (Int(fields[14]) ?? 0)
        }
        return Double(ticks) / 100
    }
}
