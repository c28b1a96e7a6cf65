import Market
import Testing

@testable import Store

@Suite("When a candle is closed")
struct CandleWatchTests {
    private func candle(_ minute: Int64, trades: Int64 = 1) throws -> RecordedCandle {
        let price = try decimal("5")
        return RecordedCandle(
            start: Timestamp(nanoseconds: minute * 60_000_000_000), open: price, high: price, low: price, close: price,
            volume: WideDecimal(price), turnover: WideDecimal(price), tradeCount: trades, hasGap: false)
    }

    private func now(_ minute: Double) -> Timestamp { Timestamp(nanoseconds: Int64(minute * 60_000_000_000)) }

    private func text(_ events: [CandleFollower.Event]) -> [String] {
        events.map { event in
            switch event {
            case .closed(let candles): "closed \(candles.map { $0.start.nanoseconds / 60_000_000_000 })"
            case .open(let candle): "open \(candle.tradeCount)"
            case .changed(_, let candle): "changed \(candle.tradeCount)"
            case .interrupted, .resumed: "other"
            }
        }
    }

    @Test("It has ended, and two looks find it alike; later ones wait for it; a change afterwards is told")
    func story() throws {
        var watch = CandleWatch(
            CandleGrid(try Symbol("BTC-USD"), .minute), watchedMax: 3)
        #expect(
            self.text(watch.past(try [self.candle(1), self.candle(2), self.candle(3)], now: self.now(3.5))) == [
                "closed [1, 2]", "open 1",
            ])
        // Still open, and unchanged: nothing to tell.
        #expect(
            self.text(watch.look(try [self.candle(1), self.candle(2), self.candle(3)], now: self.now(3.6))).isEmpty)
        #expect(
            self.text(watch.look(try [self.candle(2), self.candle(3, trades: 2)], now: self.now(3.9))) == ["open 2"])
        // Ended: seen once, changed since, seen alike; the next one is ready and waits.
        #expect(self.text(watch.look(try [self.candle(3, trades: 2)], now: self.now(4))).isEmpty)
        #expect(self.text(watch.look(try [self.candle(3, trades: 3), self.candle(4)], now: self.now(5))).isEmpty)
        #expect(
            self.text(watch.look(try [self.candle(3, trades: 3), self.candle(4), self.candle(5)], now: self.now(5.1)))
                == ["closed [3, 4]", "open 1"])
        #expect(self.text(watch.look(try [self.candle(4, trades: 9)], now: self.now(5.2))) == ["changed 9"])
        // Three are watched: the oldest is not looked at any more.
        #expect(watch.since == Timestamp(nanoseconds: 2 * 60_000_000_000))
    }
}
