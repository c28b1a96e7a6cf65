import Alerts
import Market
import Store

/// The evaluator of a backtest, and what it has found.
struct AlertBacktestRun {
    /// Nothing more can be found.
    struct Ended: Error {}

    let alert: Alert
    var evaluator = AlertEvaluator(stormGuard: StormGuard(firingsMax: .max, window: .seconds(1)))
    var report = AlertBacktest.Report()
    private var suppressedCount: Int64 = 0

    init(alert: Alert, since: Timestamp) {
        self.alert = alert
        if alert.symbol.quoteCurrency == nil { self.evaluator.setCalendar(.xnys, of: alert.symbol) }
        self.evaluator.insert(alert, now: since)
    }

    /// Evaluates ticks of the history: all of them are taken as they would have come, whatever marks they carry.
    mutating func take(_ ticks: [Tick]) throws {
        try Task.checkCancellation()
        for tick in ticks {
            switch tick {
            case .trade(var trade):
                trade.flags = []
                try self.take(trade)
            case .quote(var quote):
                quote.flags = []
                self.began(at: quote.eventTime)
                let isPrimary = quote.venue == self.report.venue
                self.evaluator.evaluate(
                    quote, isPrimary: isPrimary, now: quote.eventTime, into: &self.report.firings)
                try self.noteOutcome()
            }
        }
    }

    /// Lets four trades stand for a candle.
    mutating func take(_ candle: RecordedCandle, _ symbol: Symbol, _ venue: Venue) throws {
        self.report.isApproximate = true
        let isRising = candle.close >= candle.open
        let prices = [
            candle.open, isRising ? candle.low : candle.high, isRising ? candle.high : candle.low, candle.close,
        ]
        for (index, price) in prices.enumerated() {
            let time = candle.start.advanced(byNanoseconds: Int64(index) * 15_000_000_000)
            let size = index == 3 ? try candle.volume.rounded() : nil
            try self.take(
                Trade(
                    symbol: symbol, venue: venue, price: price, size: size, side: .unknown, id: nil, eventTime: time,
                    receivedTime: time))
        }
    }

    /// Lets the time pass until the end.
    mutating func finish(at end: Timestamp) {
        self.evaluator.advance(to: end, into: &self.report.firings)
    }

    private mutating func take(_ trade: Trade) throws {
        self.began(at: trade.eventTime)
        let isPrimary = trade.venue == self.report.venue
        self.evaluator.evaluate(trade, isPrimary: isPrimary, now: trade.eventTime, into: &self.report.firings)
        try self.noteOutcome()
    }

    private mutating func began(at time: Timestamp) {
        if self.report.from == nil { self.report.from = time }
        self.report.through = time
        self.report.ticks += 1
    }

    private mutating func noteOutcome() throws {
        if self.evaluator.suppressedCount != self.suppressedCount {
            let new = Int(self.evaluator.suppressedCount - self.suppressedCount)
            self.suppressedCount = self.evaluator.suppressedCount
            let evaluations = self.evaluator.state(of: self.alert.id)?.evaluations ?? []
            if self.report.suppressed.count < AlertBacktest.firingsMax {
                self.report.suppressed += evaluations.filter { $0.outcome != .fired }.suffix(new)
            }
        }
        if self.report.firings.count >= AlertBacktest.firingsMax {
            self.report.isCutOff = true
            throw Ended()
        }
        if self.evaluator.count == 0 { throw Ended() }
    }
}
