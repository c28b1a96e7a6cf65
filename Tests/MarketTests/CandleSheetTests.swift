import Testing

@testable import Market

@Suite("Candles while they happen")
struct CandleSheetTests {
    private static let second: Int64 = 1_000_000

    private static func trade(_ price: String, at microseconds: Int64, id: Int = 0) throws -> Trade {
        let time = Timestamp(microseconds: microseconds)
        return try Trade(
            symbol: Symbol("BTC-USD"), venue: Venue("a"), price: #require(Decimal64(price)), size: Decimal64(2),
            side: .buy, id: "\(id)", eventTime: time, receivedTime: time)
    }

    private static func minutes(_ changes: [CandleSheet.Change]) -> [CandleSheet.Change] {
        changes.filter { $0.interval == .minute }
    }

    @Test("A candle is told open, with what comes, and closed once when its time and the grace are over")
    func life() throws {
        var sheet = CandleSheet(isStock: false)
        sheet.add(try Self.trade("10", at: 0))
        sheet.add(try Self.trade("12", at: 1 * Self.second, id: 1))
        var changes = Self.minutes(sheet.changes(now: 2 * Self.second, grace: Self.second))
        #expect(changes.map(\.isClosed) == [false])
        let bar = try #require(sheet.bar(.minute, start: 0))
        #expect([bar.open.price, bar.close.price].map(\.description) == ["10", "12"])
        #expect(bar.tradeCount == 2)
        #expect(bar.volume.description == "4")
        changes = Self.minutes(sheet.changes(now: 60 * Self.second, grace: Self.second))
        #expect(changes.isEmpty)
        changes = Self.minutes(sheet.changes(now: 61 * Self.second, grace: Self.second))
        #expect(changes.map(\.isClosed) == [true])
        changes = Self.minutes(sheet.changes(now: 62 * Self.second, grace: Self.second))
        #expect(changes.isEmpty)
    }

    @Test("A late trade corrects the closed candle before the newest one; what is older is left to the database")
    func late() throws {
        var sheet = CandleSheet(isStock: false)
        for minute: Int64 in 0..<3 { sheet.add(try Self.trade("10", at: minute * 60 * Self.second)) }
        _ = sheet.changes(now: 121 * Self.second, grace: Self.second)
        sheet.add(try Self.trade("99", at: 61 * Self.second, id: 1))
        sheet.add(try Self.trade("99", at: 1 * Self.second, id: 1))
        let changes = Self.minutes(sheet.changes(now: 122 * Self.second, grace: Self.second))
        #expect(changes.map(\.start) == [60 * Self.second])
        #expect(changes.map(\.isClosed) == [true])
        #expect(sheet.bar(.minute, start: 60 * Self.second)?.high.description == "99")
        #expect(sheet.bar(.minute, start: 0) == nil)
        #expect(!sheet.knows(.minute, start: 0))
        #expect(sheet.knows(.minute, start: 60 * Self.second))
    }

    @Test("What is put back goes on with the trades that come")
    func restore() throws {
        var before = CandleSheet(isStock: false)
        before.add(try Self.trade("10", at: 0))
        _ = before.changes(now: 0, grace: 0)
        var after = CandleSheet(isStock: false)
        for interval in CandleInterval.kept {
            after.restore(try #require(before.bar(interval, start: 0)), interval)
        }
        after.add(try Self.trade("11", at: 2 * Self.second, id: 1))
        _ = after.changes(now: 3 * Self.second, grace: Self.second)
        let bar = try #require(after.bar(.day, start: 0))
        #expect([bar.open.price, bar.close.price].map(\.description) == ["10", "11"])
        #expect(bar.tradeCount == 2)
    }

    @Test("A quiet sheet has nothing to do once its longest candle has ended")
    func quiet() throws {
        var sheet = CandleSheet(isStock: false)
        #expect(!sheet.isActive)
        sheet.add(try Self.trade("10", at: 0))
        #expect(sheet.isActive)
        _ = sheet.changes(now: 86_399 * Self.second, grace: Self.second)
        #expect(sheet.isActive)
        _ = sheet.changes(now: 86_401 * Self.second, grace: Self.second)
        #expect(!sheet.isActive)
    }

    @Test(
        "Whatever the order and the looks in between, the newest candles are those of the accumulator",
        arguments: UInt64(0)..<60)
    func equality(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var sheet = CandleSheet(isStock: false)
        var accumulator = CandleAccumulator()
        let base: Int64 = 1_795_435_200 * Self.second
        var time = base
        for id in 0..<400 {
            time += Int64.random(in: 0..<3 * Self.second, using: &random)
            let late =
                Int.random(in: 0..<5, using: &random) == 0 ? Int64.random(in: 0..<3 * Self.second, using: &random) : 0
            let trade = try Self.trade(
                "\(Int.random(in: 90..<110, using: &random))", at: max(base, time - late), id: id)
            sheet.add(trade)
            accumulator.add(trade)
            if Bool.random(using: &random) { _ = sheet.changes(now: time, grace: Self.second) }
        }
        _ = sheet.changes(now: time, grace: Self.second)
        for series in accumulator.deltas {
            let expected = try #require(series.bars.last)
            let bar = try #require(sheet.bar(series.interval, start: expected.start))
            #expect(bar.open == expected.open && bar.close == expected.close, "\(series.interval)")
            #expect(bar.high == expected.high && bar.low == expected.low && bar.tradeCount == expected.tradeCount)
            #expect(bar.volume.description == expected.volume.description)
            #expect(bar.turnover.description == expected.turnover.description)
        }
    }
}
