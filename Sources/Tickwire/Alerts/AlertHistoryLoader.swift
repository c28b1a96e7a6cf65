import Alerts
import Ingest
import Market
import Store

/// Reads what the windows of alerts are filled with: candles, the finer the newer, and the trades of the last second.
struct AlertHistoryLoader: Sendable {
    /// Windows are exact to 1/600 of their length, so older bars may be longer: up to which age, in seconds, which candles do.
    private static let tiers: [(interval: Int64, reach: Int64)] = [
        (1, 600), (60, 36_000), (300, 180_000), (900, 540_000), (3_600, .max),
    ]
    private static let second: Int64 = 1_000_000_000

    let history: History

    /// Reads the history of a stream up to `end`, excluded.
    ///
    /// Without anything recorded it is empty. Holes of a feed do not count as missing here: candles are all there is.
    func load(_ need: AlertHistoryNeed, before end: Timestamp) async throws -> AlertHistory {
        var history = AlertHistory(symbol: need.symbol, venue: need.venue, isPrimary: need.isPrimary)
        let length = need.length.components.seconds
        let endSecond = Self.floor(end.nanoseconds / Self.second, to: 1)
        // From the oldest tier on; each begins where its own candles begin, and ends where the finer one's do.
        var tierEnd = endSecond
        var parts: [(interval: Int64, since: Int64, until: Int64)] = []
        for (interval, reach) in Self.tiers {
            let next = Self.tiers.first { $0.interval > interval }?.interval ?? interval
            let start = Self.floor(endSecond - min(reach, length), to: reach < length ? next : interval)
            if start < tierEnd { parts.append((interval, start, tierEnd)) }
            tierEnd = min(tierEnd, start)
            if reach >= length { break }
        }
        do {
            for part in parts.reversed() { try await self.read(part.interval, part.since, part.until, &history) }
            try await self.readLastSecond(endSecond, end, &history)
            try await self.readDay(end, &history)
            let since = Timestamp(nanoseconds: (parts.last?.since ?? endSecond) * Self.second)
            history.completeSince = try await self.completeSince(need, since)
        } catch StoreError.unknownSymbol, StoreError.unknownVenue {
            // Nothing has been recorded yet.
        }
        return history
    }

    private static func floor(_ value: Int64, to step: Int64) -> Int64 { value - (value % step + step) % step }

    private func read(
        _ interval: Int64, _ since: Int64, _ until: Int64, _ history: inout AlertHistory
    ) async throws {
        guard let kind = CandleInterval(seconds: Int(interval)) else { return }
        let query = CandleQuery(
            symbol: history.symbol, venue: history.venue, interval: kind,
            since: Timestamp(nanoseconds: since * Self.second), until: Timestamp(nanoseconds: until * Self.second))
        var bars: [AlertHistory.Bar] = []
        try await self.history.candles(query) { candles in
            for candle in candles {
                bars.append(
                    AlertHistory.Bar(
                        start: candle.start, length: .seconds(interval), open: candle.open, high: candle.high,
                        low: candle.low, close: candle.close, volume: try candle.volume.rounded()))
            }
        }
        history.bars += bars
        if let last = bars.last { history.lastPrice = last.close }
    }

    /// The trades of the second that `end` lies in.
    private func readLastSecond(_ second: Int64, _ end: Timestamp, _ history: inout AlertHistory) async throws {
        let start = Timestamp(nanoseconds: second * Self.second)
        guard start < end else { return }
        let query = TickQuery(
            symbol: history.symbol, venue: history.venue, since: start, until: end, kinds: [.trades])
        var bar: AlertHistory.Bar?
        try await self.history.ticks(query) { ticks in
            for case .trade(let trade) in ticks where trade.receivedTime < end {
                let size = trade.size ?? .zero
                guard var known = bar else {
                    bar = AlertHistory.Bar(
                        start: start, length: .seconds(1), open: trade.price, high: trade.price, low: trade.price,
                        close: trade.price, volume: size)
                    continue
                }
                known.high = max(known.high, trade.price)
                known.low = min(known.low, trade.price)
                known.close = trade.price
                known.volume = try known.volume.adding(size)
                bar = known
            }
        }
        guard let bar else { return }
        history.bars.append(bar)
        history.lastPrice = bar.close
    }

    /// What moves of today are measured from.
    private func readDay(_ end: Timestamp, _ history: inout AlertHistory) async throws {
        let day: Int64 = 86_400
        var query = CandleQuery(
            symbol: history.symbol, venue: history.venue, interval: .minute, since: nil, until: nil, count: .first(1))
        let isStock = history.symbol.quoteCurrency == nil
        if isStock {
            let close = TradingCalendar.xnys.previousClose(before: end)
            query.since = close.advanced(byNanoseconds: -day * Self.second)
            query.until = close
            query.count = .newest(1)
        } else {
            let midnight = Self.floor(end.nanoseconds / Self.second, to: day)
            query.since = Timestamp(nanoseconds: midnight * Self.second)
            query.until = end
            guard query.since.map({ $0 < end }) ?? false else { return }
        }
        guard let candle = try await self.history.candles(query).first else { return }
        history.dayReference = isStock ? candle.close : candle.open
        history.dayReferenceTime = candle.start
    }

    /// Since when the stream has been recorded, if that is later than `since`.
    private func completeSince(_ need: AlertHistoryNeed, _ since: Timestamp) async throws -> Timestamp? {
        let first = try await self.history.candles(
            CandleQuery(symbol: need.symbol, venue: need.venue, interval: .minute, count: .first(1)))
        return first.first.map { max($0.start, since) }
    }
}
