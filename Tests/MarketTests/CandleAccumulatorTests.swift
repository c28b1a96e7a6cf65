import Testing

@testable import Market

@Suite("Adding trades up to candles")
struct CandleAccumulatorTests {
    @Test(
        "A bucket starts at a multiple of its length, before 1970 too",
        arguments: [
            ("2026-11-23T12:34:56.999999Z", 1, "2026-11-23T12:34:56Z"),
            ("2026-11-23T12:34:56.999999Z", 300, "2026-11-23T12:30:00Z"),
            ("1969-12-31T23:59:59.999999Z", 60, "1969-12-31T23:59:00Z"),
            ("1969-12-31T23:59:00Z", 60, "1969-12-31T23:59:00Z"),
            ("1969-12-31T00:00:00Z", 86_400, "1969-12-31T00:00:00Z"),
            ("2261-12-31T23:59:59Z", 86_400, "2261-12-31T00:00:00Z"),
        ])
    func start(time: String, seconds: Int, expected: String) throws {
        let interval = try #require(CandleInterval(seconds: seconds))
        let time = try #require(Timestamp(iso8601: time))
        #expect(interval.start(of: time.microseconds) == Timestamp(iso8601: expected)?.microseconds)
    }

    @Test("The first and the last instant of all have buckets", arguments: [Int64.min, -1, 0, Int64.max])
    func extremes(nanoseconds: Int64) throws {
        var accumulator = CandleAccumulator()
        accumulator.add(try trade("AAPL", Timestamp(nanoseconds: nanoseconds), "1"))
        accumulator.add(try trade("BTC-USD", Timestamp(nanoseconds: nanoseconds), "1"))
        for series in accumulator.deltas {
            let bar = try #require(series.bars.first)
            let length = Int64(series.interval.seconds) * 1_000_000
            #expect(bar.start <= bar.open.microseconds && bar.open.microseconds < bar.start + length)
        }
    }

    @Test(
        "A stock's day is the regular session, its start the opening",
        arguments: [
            ("2026-11-23T14:29:59.999999Z", nil),
            ("2026-11-23T14:30:00Z", "2026-11-23T14:30:00Z"),
            ("2026-11-23T20:59:59.999999Z", "2026-11-23T14:30:00Z"),
            ("2026-11-23T21:00:00Z", nil),
            // The day after Thanksgiving ends at one.
            ("2026-11-27T17:59:59Z", "2026-11-27T14:30:00Z"),
            ("2026-11-27T18:00:00Z", nil),
            ("2026-11-26T16:00:00Z", nil),
            ("2026-07-01T13:30:00Z", "2026-07-01T13:30:00Z"),
        ])
    func stockDay(time: String, start: String?) throws {
        var accumulator = CandleAccumulator()
        accumulator.add(try trade("AAPL", try #require(Timestamp(iso8601: time)), "10"))
        let day = accumulator.deltas.first { $0.interval == .day }
        #expect(day?.bars.first?.start == start.flatMap { Timestamp(iso8601: $0)?.microseconds })
        #expect(accumulator.deltas.filter { $0.interval != .day }.count == 5)
    }

    @Test("Open and close go by time, sequence, length of id, id and price, not by arrival")
    func order() throws {
        let time = try #require(Timestamp(iso8601: "2026-11-23T12:00:00Z"))
        // In order.
        let trades = [
            try trade("BTC-USD", time, "1", id: "9"), try trade("BTC-USD", time, "2", id: "10"),
            try trade("BTC-USD", time, "3", id: "zz"), try trade("BTC-USD", time, "4", id: "éa"),
            try trade("BTC-USD", time, "5", sequence: 0), try trade("BTC-USD", time, "6", id: "1", sequence: 7),
            try trade("BTC-USD", time, "7", id: "0", sequence: 7),
            try trade("BTC-USD", time.advanced(byNanoseconds: 1000), "3.5", id: "2"),
        ]
        for first in trades.indices {
            for last in trades.indices where first < last {
                var accumulator = CandleAccumulator()
                accumulator.add(trades[first...last].reversed())
                let bar = try #require(accumulator.deltas.first?.bars.first)
                #expect(bar.open.price == trades[first].price)
                #expect(bar.close.price == trades[last].price)
            }
        }
    }

    @Test("A trade without a size counts, and adds nothing")
    func noSize() throws {
        let time = try #require(Timestamp(iso8601: "2026-11-23T12:00:00Z"))
        var accumulator = CandleAccumulator()
        accumulator.add(try trade("BTC-USD", time, "2", size: nil))
        accumulator.add(try trade("BTC-USD", time, "3", size: "0.5"))
        let bar = try #require(accumulator.deltas.first?.bars.first)
        #expect(bar.tradeCount == 2)
        #expect(bar.volume.description == "0.5")
        #expect(bar.turnover.description == "1.5")
    }

    @Test("Any order of the same trades gives the same bars", arguments: UInt64(0)..<50)
    func anyOrder(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let start = try #require(Timestamp(iso8601: "2026-11-23T14:00:00Z"))
        let trades = try (0..<300).map { index in
            let time = start.advanced(byNanoseconds: Int64.random(in: 0...40, using: &random) * 250_000_000_000)
            return try trade(
                ["AAPL", "BTC-USD"].randomElement(using: &random) ?? "AAPL", time,
                "\(Int.random(in: 1...99, using: &random))", size: "0.\(index + 1)", id: "\(index / 2)",
                sequence: Bool.random(using: &random) ? Int64(index / 3) : nil)
        }
        var straight = CandleAccumulator()
        straight.add(trades)
        var shuffled = CandleAccumulator()
        shuffled.add(trades.shuffled(using: &random))
        #expect(self.text(straight) == self.text(shuffled))
    }

    private func text(_ accumulator: CandleAccumulator) -> [String] {
        accumulator.deltas.flatMap { series in
            series.bars.map { bar in
                "\(series.symbol) \(series.interval) \(bar.start) \(bar.open) \(bar.high) \(bar.low) \(bar.close) "
                    + "\(bar.volume) \(bar.turnover) \(bar.tradeCount)"
            }
        }.sorted()
    }

    private func trade(
        _ symbol: String, _ time: Timestamp, _ price: String, size: String? = "1", id: String? = nil,
        sequence: Int64? = nil
    ) throws -> Trade {
        Trade(
            symbol: try Symbol(symbol), venue: try Venue("coinbase"), price: try #require(Decimal64(price)),
            size: try size.map { try #require(Decimal64($0)) }, side: .buy, id: id, eventTime: time,
            receivedTime: time, venueSequence: sequence
        )
    }
}
