import Market
import Postgres
import Testing

@testable import Store

@Suite(
    "Rebuilding candles", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(5)))
struct CandleBuilderTests {
    @Test("Candles that are missing, wrong or of no trade are mended, the others are not touched")
    func mends() async throws {
        try await CandleRig.with { rig in
            try await Self.write(rig, count: 300, seed: 1)
            try await rig.connection.execute(
                """
                DELETE FROM candles WHERE ctid = (SELECT ctid FROM candles WHERE interval_seconds = 60 LIMIT 1)
                    AND interval_seconds = 60;
                UPDATE candles SET close = close + 1 WHERE interval_seconds = 86400;
                INSERT INTO candles SELECT start + interval '7 minutes', open_time, close_time, open_sequence, close_sequence,
                    trade_count, symbol_id, 1, venue_id, open, high, low, close, volume, turnover, open_id, close_id
                    FROM candles WHERE interval_seconds = 1 AND start BETWEEN '2026-11-27 14:20+00' AND '2026-11-27 18:10+00' LIMIT 1
                """)
            let wrong = try await rig.differences().filter { $0.hasPrefix("only") }.count
            let rebuild = try await rig.builder.rebuild()
            #expect(try await rig.differences() == [])
            #expect(rebuild.changed == Int64(wrong + 1))
            #expect(rebuild.days == rebuild.daysDone)
            #expect(rebuild.candles == (try await rig.store.number("SELECT count(*) FROM candles")))
            #expect(try await rig.builder.rebuild().changed == 0)
        }
    }

    @Test("A range that cuts buckets recomputes them whole, and leaves other days, symbols and venues alone")
    func range() async throws {
        try await CandleRig.with { rig in
            try await Self.write(rig, count: 300, seed: 2)
            try await rig.connection.execute("DELETE FROM candles")
            _ = try await rig.builder.rebuild(
                symbol: try Symbol("AAPL"), venue: try Venue("kraken"), since: try time("2026-11-27T15:07:31Z"),
                until: try time("2026-11-27T15:07:32Z"))
            let left = try await rig.differences()
            #expect(left.allSatisfy { $0.hasPrefix("missing") })
            let wanted = """
                symbol_id = (SELECT id FROM symbols WHERE name = 'AAPL')
                AND venue_id = (SELECT id FROM venues WHERE name = 'kraken')
                """
            let all = try await rig.store.number("SELECT count(*) FROM candles")
            #expect(all > 0)
            #expect(
                try await rig.store.number(
                    """
                    SELECT count(*) FROM candles WHERE \(wanted)
                    AND start >= '2026-11-27 00:00+00' AND start < '2026-11-28 00:00+00'
                    """) == all)
            _ = try await rig.builder.rebuild()
            #expect(try await rig.differences() == [])
        }
    }

    @Test("Trades that a writer has yet to add are left to it")
    func leavesOutWaiting() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 3)
            let writer = rig.writer(CandleWriterSettings(flushInterval: .seconds(3600)))
            try await rig.running(writer) {
                await writer.add([], through: 0)
                let batch = try await rig.record(try Trade.awkward(count: 100, firstID: 1, seed: &random))
                #expect(try await rig.builder.rebuild().candles == 0)
                await writer.add(batch.inserted, through: batch.position)
                #expect(try await rig.builder.rebuild().candles == 0)
                try await writer.flush()
                #expect(try await rig.differences() == [])
                #expect(try await rig.builder.rebuild().changed == 0)
            }
        }
    }

    @Test("Trades of frozen rows are still known by their transaction")
    func frozen() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 4)
            _ = try await rig.record(try Trade.awkward(count: 100, firstID: 1, seed: &random))
            try await rig.connection.execute("VACUUM (FREEZE) trades")
            #expect(try await rig.builder.rebuild().candles == 0)
            #expect(try await rig.builder.mend(olderThan: .zero) == 100)
            #expect(try await rig.differences() == [])
        }
    }

    @Test("A journal without a process is mended in time, and its old batches are forgotten after that")
    func goneProcess() async throws {
        try await CandleRig.with { rig in
            var random = SplitMix64(seed: 5)
            _ = try await rig.record(try Trade.awkward(count: 50, firstID: 1, seed: &random))
            _ = try await rig.record(try Trade.awkward(count: 50, firstID: 51, seed: &random))
            try await rig.connection.execute(
                "UPDATE recorded_batches SET recorded_at = now() - interval '2 days' WHERE trades_from = 0")
            #expect(try await rig.builder.forgetBatches() == 0)
            #expect(try await rig.builder.mend() == 50)
            #expect(try await rig.builder.mend() == 0)
            #expect(try await rig.builder.forgetBatches() == 1)
            #expect(try await rig.builder.mend(olderThan: .zero) == 50)
            #expect(try await rig.differences() == [])
        }
    }

    @Test("Days whose trades were dropped keep their candles")
    func droppedDay() async throws {
        try await CandleRig.with { rig in
            try await Self.write(rig, count: 200, seed: 6)
            try await rig.connection.execute(
                """
                INSERT INTO dropped_days (stream, day) VALUES ('trades', '2026-11-27');
                DELETE FROM trades WHERE event_time >= '2026-11-27 00:00+00' AND event_time < '2026-11-28 00:00+00'
                """)
            let before = try await rig.store.number("SELECT count(*) FROM candles")
            let rebuild = try await rig.builder.rebuild()
            #expect(rebuild.daysSkipped == [CivilDay(year: 2026, month: 11, day: 27)])
            #expect(try await rig.store.number("SELECT count(*) FROM candles") == before)
        }
    }

    @Test("Unknown names and a reversed range are refused before anything is done")
    func refuses() async throws {
        try await CandleRig.with { rig in
            try await Self.write(rig, count: 10, seed: 7)
            await #expect(throws: StoreError.unknownSymbol("APPL", nearest: ["AAPL"])) {
                try await rig.builder.rebuild(symbol: try Symbol("APPL"))
            }
            await #expect(throws: StoreError.unknownVenue("krakn", known: ["coinbase", "kraken"])) {
                try await rig.builder.rebuild(venue: try Venue("krakn"))
            }
            await #expect(throws: StoreError.self) {
                try await rig.builder.rebuild(
                    since: try time("2026-11-27T00:00:00Z"), until: try time("2026-11-26T00:00:00Z"))
            }
        }
    }

    private static func write(_ rig: CandleRig, count: Int, seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let writer = rig.writer()
        try await rig.running(writer) {
            let batch = try await rig.record(try Trade.awkward(count: count, firstID: 1, seed: &random))
            await writer.add(batch.inserted, through: batch.position)
            try await writer.flush()
        }
        #expect(try await rig.differences() == [])
    }
}
