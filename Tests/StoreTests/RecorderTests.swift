import Logging
import Market
import Postgres
import Testing

@testable import Store

@Suite("The recorder", .enabled(if: TestServer.isAvailable, TestServer.needed), .timeLimit(.minutes(2)))
struct RecorderTests {
    private let start = Timestamp(nanoseconds: 1_795_000_000_000_000_000)

    @Test("Every tick is stored once, each value equal as text, on whatever day it happened")
    func storesTicks() async throws {
        try await TestStore.with { store in
            let symbol = try Symbol("BTC-USD")
            let venue = try Venue("coinbase")
            let old = try time("2021-03-04T23:59:59.999999Z")
            let trade = Trade(
                symbol: symbol, venue: venue, price: try decimal("64250.12"), size: try decimal("0.0000000000000001"),
                side: .sell, id: "918273", eventTime: old, receivedTime: start, venueSequence: 77, flags: [.snapshot]
            )
            let quote = Quote(
                symbol: symbol, venue: venue, bid: try decimal("64250.11"), ask: nil, bidSize: try decimal("1200"),
                last: try decimal("-0.5"), eventTime: start, receivedTime: start, flags: [.noEventTime]
            )
            try await store.recording { recorder in
                recorder.record([.trade(trade), .quote(quote)])
                try await recorder.flush()
                #expect(recorder.counters.recorded == 2)
                #expect(recorder.counters.pending == 0)
            }
            let row = try await store.client.query(
                """
                SELECT symbol, venue, price::text, size::text, side, id, event_time::text, venue_sequence, flags, snapshot
                FROM ticks WHERE kind = 'trade'
                """
            )[0]
            let texts = (0..<10).map { row.optionalText($0) }
            #expect(
                texts == [
                    "BTC-USD", "coinbase", "64250.12", "0.0000000000000001", "sell", "918273",
                    "2021-03-04 23:59:59.999999+00", "77", "1", "t",
                ]
            )
            let partition = try await store.number("SELECT count(*) FROM trades_20210304")
            #expect(partition == 1)
            var ticks: [Tick] = []
            try await store.history.ticks(
                TickQuery(symbol: symbol, since: old, until: start.advanced(byNanoseconds: 1_000))
            ) {
                ticks += $0
            }
            #expect(ticks == [.trade(trade), .quote(quote)])
        }
    }

    @Test("Any number arrives in PostgreSQL as the same number", arguments: UInt64(0)..<4)
    func numbers(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var numbers = try [
            "0", "1", "-1", "10000", "9999", "0.0001", "0.00001", "123456789012345678", "-98765432109876.5432",
        ]
        .map { try decimal($0) }
        for exponent in -64...40 { numbers.append(try Decimal64(mantissa: 1, exponent: exponent)) }
        for _ in 0..<2_000 {
            let digits = Int.random(in: 1...18, using: &random)
            var limit: Int64 = 1
            for _ in 0..<digits { limit *= 10 }
            let mantissa = Int64.random(in: -(limit - 1)...(limit - 1), using: &random)
            numbers.append(try Decimal64(mantissa: mantissa, exponent: Int.random(in: -40...20, using: &random)))
        }
        var copy = BinaryCopy(capacity: 10)
        for (index, number) in numbers.enumerated() {
            copy.beginRow(columns: 2, bytes: 8 + BinaryCopy.numericBytesMax)
            copy.append(Int32(index))
            copy.append(number)
        }
        let data = copy.finish()
        let rows = try await TestServer.withConnection { connection in
            try await connection.execute("CREATE TABLE numbers (i integer, n numeric)")
            try await connection.copyIn("COPY numbers FROM STDIN (FORMAT binary)", data)
            return try await connection.query("SELECT n::text FROM numbers ORDER BY i")
        }
        #expect(rows.map { $0.optionalText(0) ?? "" } == numbers.map(\.description))
    }

    @Test("Duplicates are stored once and counted, within a batch, across batches and across recorders")
    func duplicates() async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 1)
            let trades = try Trade.random(count: 500, from: start, using: &random).map { Tick.trade($0) }
            try await store.recording { recorder in
                recorder.record(trades + trades)
                try await recorder.flush()
                recorder.record(Array(trades.shuffled(using: &random).prefix(100)))
                try await recorder.flush()
                #expect(recorder.counters.recorded == 500)
                #expect(recorder.counters.duplicates == 600)
            }
            try await store.recording { recorder in
                recorder.record(trades)
                try await recorder.flush()
                #expect(recorder.counters.duplicates == 500)
            }
            let stored = try await store.number("SELECT count(*) FROM trades")
            #expect(stored == 500)
        }
    }

    @Test("Trades without an id are all stored: nothing tells equal ones apart")
    func withoutIDs() async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 2)
            var trade = try Trade.random(count: 1, from: start, using: &random)[0]
            trade.id = nil
            try await store.recording { [trade] recorder in
                recorder.record([.trade(trade), .trade(trade)])
                try await recorder.flush()
            }
            let stored = try await store.number("SELECT count(*) FROM trades")
            #expect(stored == 2)
        }
    }

    @Test(
        "A row that PostgreSQL refuses is parked with its reason, and the rest of the batch goes in",
        arguments: UInt64(0)..<3)
    func quarantine(seed: UInt64) async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: seed)
            var trades = try Trade.random(count: 300, from: start, using: &random)
            let bad = Array(trades.indices.shuffled(using: &random).prefix(3))
            trades[bad[0]].id = "nul\0character"
            // Too long for an index row, and not compressible.
            trades[bad[1]].id = String(
                (0..<9_000).map { _ in Character(UnicodeScalar(UInt8.random(in: 33...126, using: &random))) })
            trades[bad[2]].id = "\0"
            try await store.recording { [trades] recorder in
                recorder.record(trades.map { .trade($0) })
                try await recorder.flush()
                #expect(recorder.counters.recorded == 297)
                #expect(recorder.counters.quarantined == 3)
                #expect(recorder.counters.pending == 0)
            }
            let rows = try await store.client.query(
                "SELECT reason, tick FROM quarantined_ticks ORDER BY length(tick) DESC")
            #expect(rows.count == 3)
            #expect(rows[0].optionalText(0)?.contains("SQLSTATE 54000") == true)
            #expect(rows[1].optionalText(1)?.contains("nul\\u0000character") == true)
            let stored = try await store.number("SELECT count(*) FROM trades")
            #expect(stored == 297)
        }
    }

    @Test("Connections that break in the middle lose nothing and double nothing", arguments: UInt64(0)..<3)
    func outage(seed: UInt64) async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: seed)
            let rounds = 12
            let settings = RecorderSettings(batchTicksMax: 500, batchWait: .milliseconds(2))
            try await store.recording(settings) { recorder in
                for round in 0..<rounds {
                    var trades = try Trade.random(count: 1_000, firstID: round * 1_000 + 1, from: start, using: &random)
                    // Half of them have no id: only the recorder's position keeps those from being doubled.
                    for index in trades.indices where index % 2 == 0 { trades[index].id = nil }
                    let quotes = trades.prefix(300).map {
                        Tick.quote(
                            Quote(
                                symbol: $0.symbol, venue: $0.venue, bid: $0.price, ask: $0.price,
                                eventTime: $0.eventTime,
                                receivedTime: $0.receivedTime
                            )
                        )
                    }
                    recorder.record(trades.map { .trade($0) } + quotes)
                    if round % 3 == 1 { try await store.killConnections() }
                }
                try await recorder.flush()
                #expect(recorder.counters.received == Int64(rounds * 1_300))
                #expect(recorder.counters.recorded == Int64(rounds * 1_300))
                #expect(recorder.counters.lost == 0)
                #expect(recorder.counters.lastError == nil)
            }
            let counts = try await store.client.query(
                """
                SELECT (SELECT count(*) FROM trades), (SELECT count(*) FROM quotes), (SELECT count(DISTINCT trade_id) FROM trades),
                       (SELECT count(*) FROM trades WHERE trade_id IS NULL)
                """
            )[0]
            #expect(try counts.integer(0) == Int64(rounds * 1_000))
            #expect(try counts.integer(1) == Int64(rounds * 300))
            #expect(try counts.integer(2) == Int64(rounds * 500))
            #expect(try counts.integer(3) == Int64(rounds * 500))
        }
    }

    @Test("A batch whose commit was not answered is not written again")
    func unansweredCommit() async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 3)
            let writer = TickWriter(journal: "00000000000000000000000000000001", catalog: store.catalog)
            var trades = try Trade.random(count: 20, from: start, using: &random)
            for index in trades.indices { trades[index].id = nil }
            let batch = TickBatch(
                from: JournalPlace(trades: 0, quotes: 0), to: JournalPlace(trades: 20, quotes: 0), trades: trades,
                quotes: [], losses: [])
            let endings = try await store.client.withConnection { connection in
                try await connection.withSession { session in
                    let place = try writer.prepare(session)
                    #expect(place == batch.from)
                    return [
                        try writer.write(writer.prepare(batch), session),
                        try writer.write(writer.prepare(batch), session),
                    ]
                }
            }
            guard case .committed(let outcome) = endings[0], case .moved(let place) = endings[1] else {
                Issue.record("the second attempt did not see the first")
                return
            }
            #expect(outcome.recorded == 20)
            #expect(place == batch.to)
            let stored = try await store.number("SELECT count(*) FROM trades")
            #expect(stored == 20)
        }
    }

    @Test("What a recorder leaves in the journal the next one writes, and nothing else again", arguments: UInt64(0)..<3)
    func restart(seed: UInt64) async throws {
        try await TestStore.with { store in
            try await TemporaryFolder.with { folder in
                var random = SplitMix64(seed: seed)
                var given: Int64 = 0
                for round in 0..<6 {
                    var trades = try Trade.random(count: 700, firstID: round * 700 + 1, from: start, using: &random)
                    for index in trades.indices { trades[index].id = nil }
                    given += 700
                    let isStopped = round % 2 == 0
                    // With no time to write anything a recorder leaves it all.
                    let settings = RecorderSettings(
                        batchTicksMax: 100, batchWait: isStopped ? .seconds(3600) : .milliseconds(2),
                        stopTimeout: isStopped ? .zero : .seconds(3))
                    try await store.recording(settings, journal: folder) { [trades] recorder in
                        recorder.record(trades.map { .trade($0) })
                        if !isStopped { try await recorder.flush() }
                    }
                    let stored = try await store.number("SELECT count(*) FROM trades")
                    if isStopped { #expect(stored <= given) } else { #expect(stored == given) }
                }
            }
        }
    }

    @Test("Every tick carries the transaction of its batch, whichever way it went in")
    func batches() async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 9)
            var trades = try Trade.random(count: 400, from: start, using: &random)
            let quotes = trades.prefix(50).map {
                Tick.quote(
                    Quote(
                        symbol: $0.symbol, venue: $0.venue, bid: $0.price, ask: nil, eventTime: $0.eventTime,
                        receivedTime: $0.receivedTime))
            }
            trades[77].id = "\0"
            try await store.recording { [trades] recorder in
                recorder.record(Array(quotes))
                recorder.record(trades.prefix(10).map { .trade($0) })
                try await recorder.flush()
                // With duplicates, then with a refused row.
                recorder.record(trades.prefix(70).map { .trade($0) })
                try await recorder.flush()
                recorder.record(trades.suffix(350).map { .trade($0) })
                try await recorder.flush()
                #expect(recorder.counters.recorded == 449)
                #expect(recorder.counters.duplicates == 30)
                #expect(recorder.counters.quarantined == 1)
            }
            for table in ["trades", "quotes"] {
                let strays = try await store.number(
                    """
                    SELECT count(*) FROM \(table) AS tick WHERE NOT EXISTS (
                        SELECT FROM recorded_batches
                        WHERE tick.xmin = ANY (xmins) AND event_time BETWEEN from_time AND to_time
                          AND received_time BETWEEN received_from AND received_to
                    )
                    """)
                #expect(strays == 0)
            }
            let moved = try await store.number(
                "SELECT count(*) FROM recorded_batches WHERE trades_to > trades_from OR trades_from = trades_to")
            let batches = try await store.number("SELECT count(*) FROM recorded_batches")
            #expect(moved == batches && batches >= 3)
        }
    }

    @Test("A partition that was dropped is made again")
    func droppedPartition() async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 4)
            let day = try time("2022-02-02T10:00:00Z")
            let trades = try Trade.random(count: 20, from: day, using: &random).map { Tick.trade($0) }
            try await store.recording { recorder in
                recorder.record(Array(trades.prefix(10)))
                try await recorder.flush()
                try await store.client.query("DROP TABLE trades_20220202")
                recorder.record(Array(trades.suffix(10)))
                try await recorder.flush()
                #expect(recorder.counters.recorded == 20)
            }
            let stored = try await store.number("SELECT count(*) FROM trades_20220202")
            #expect(stored == 10)
        }
    }

    @Test("The partitions of yesterday to the day after tomorrow are there as soon as it runs")
    func comingDays() async throws {
        try await TestStore.with { store in
            try await store.recording { recorder in
                var random = SplitMix64(seed: 5)
                recorder.record([.trade(try Trade.random(count: 1, from: start, using: &random)[0])])
                try await recorder.flush()
            }
            let missing = try await store.number(
                """
                SELECT count(*) FROM generate_series(-1, 2) AS day
                WHERE to_regclass('trades_' || to_char((now() AT TIME ZONE 'UTC')::date + day, 'YYYYMMDD')) IS NULL
                   OR to_regclass('quotes_' || to_char((now() AT TIME ZONE 'UTC')::date + day, 'YYYYMMDD')) IS NULL
                """
            )
            #expect(missing == 0)
        }
    }

    @Test("The newest state of each symbol and venue is kept with the ticks")
    func lastTicks() async throws {
        try await TestStore.with { store in
            let table = LastTicks(client: store.client, catalog: store.catalog)
            let first = LastTick(
                symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), lastPrice: try decimal("64250.12"),
                size: try decimal("0.5"), side: .buy, bid: try decimal("64250.11"), ask: nil, open: try decimal("1"),
                high: try decimal("2"), low: try decimal("0.1"), volume: try decimal("8123.44"),
                reference: try decimal("64262.42"), eventTime: start, receivedTime: start, sequence: 7
            )
            var second = first
            second.venue = try Venue("kraken")
            second.lastPrice = nil
            var newer = first
            newer.receivedTime = start.advanced(byNanoseconds: 1_000)
            newer.sequence = 8
            try await store.recording { [first, second, newer] recorder in
                recorder.record([], states: [first, second])
                try await recorder.flush()
                let loaded = try await table.load()
                #expect(loaded == [first, second])
                recorder.record([], states: [newer])
                try await recorder.flush()
            }
            // An older one, say of a replay, does not undo it.
            try await table.upsert([first])
            let loaded = try await table.load()
            #expect(loaded == [newer, second])
        }
    }

    @Test("A recorder that is cancelled writes what it has")
    func stop() async throws {
        try await TestStore.with { store in
            var random = SplitMix64(seed: 6)
            let trades = try Trade.random(count: 12_345, from: start, using: &random)
            let recorder = try await store.recording(RecorderSettings(batchWait: .seconds(3600))) { recorder in
                recorder.record(trades.map { .trade($0) })
                return recorder
            }
            #expect(recorder.counters.recorded == 12_345)
            let stored = try await store.number("SELECT count(*) FROM trades")
            #expect(stored == 12_345)
        }
    }

    @Test("Without a database ticks wait in the journal, and stay there when the recorder has to stop")
    func absentDatabase() async throws {
        try await TemporaryFolder.with { folder in
            let client = PostgresClient(
                PostgresSettings("host=127.0.0.1 port=1 dbname=none"), logger: TestServer.logger)
            let journal = try Journal(JournalSettings(directory: folder), logger: TestServer.logger)
            defer { journal.close() }
            let recorder = Recorder(
                client: client, catalog: SymbolCatalog(client: client), journal: journal,
                settings: RecorderSettings(batchTicksMax: 10, stopTimeout: .milliseconds(1)), logger: TestServer.logger
            )
            var random = SplitMix64(seed: 7)
            let trades = try Trade.random(count: 90, from: start, using: &random)
            recorder.record(trades.map { .trade($0) })
            #expect(recorder.counters.pending == 90)
            let running = Task { try await recorder.run() }
            while recorder.counters.lastError == nil { await Task.yield() }
            running.cancel()
            // Its last words are an error it was interrupted in, or none.
            _ = await running.result
            await #expect(throws: StoreError.self) { try await recorder.flush() }
            await #expect(throws: StoreError.self) { try await recorder.run() }
            let waiting = try journal.reader(of: .trades, from: 0).batch(ticksMax: 1_000)
            #expect(waiting?.trades == trades)
        }
    }

    @Test("A malformed connection string ends the recorder at once")
    func malformed() async throws {
        let client = PostgresClient(PostgresSettings("nonsense"), logger: TestServer.logger)
        try await TemporaryFolder.with { folder in
            let journal = try Journal(JournalSettings(directory: folder), logger: TestServer.logger)
            defer { journal.close() }
            let recorder = Recorder(
                client: client, catalog: SymbolCatalog(client: client), journal: journal, logger: TestServer.logger)
            var random = SplitMix64(seed: 8)
            recorder.record([.trade(try Trade.random(count: 1, from: start, using: &random)[0])])
            await #expect(throws: PostgresError.malformedConnectionString) { try await recorder.run() }
        }
    }
}
