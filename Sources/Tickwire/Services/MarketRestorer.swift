import Market
import Postgres
import Store

/// Builds the pipeline's states out of what was stored before a restart.
struct MarketRestorer: Sendable {
    let client: PostgresClient
    let catalog: SymbolCatalog

    /// The state of every symbol and venue that has a last tick.
    ///
    /// Its window is made of the recorded trades: those of the last day, and for stocks those of the last three sessions, because
    /// on a weekend the newest session is over and its previous close is one more back.
    func states(now: Timestamp) async throws -> [MarketState] {
        let day: Int64 = 86400 * 1_000_000_000
        let ticks = try await LastTicks(client: self.client, catalog: self.catalog).load()
        let history = History(client: self.client, catalog: self.catalog)
        let calendar = TradingCalendar.xnys
        let newest = calendar.session(of: now)
        let first = calendar.session(before: calendar.session(before: newest.day).day)
        let buckets =
            try await history.minuteBuckets(since: now.advanced(byNanoseconds: -day), of: [.crypto, .fx])
            + history.minuteBuckets(since: first.open, of: [.stock])
        let bySource = Dictionary(grouping: buckets) { VenueSymbol($0.symbol, $0.venue) }
        return ticks.map { tick in
            var state = MarketState(
                symbol: tick.symbol, venue: tick.venue, asset: tick.symbol.quoteCurrency == nil ? .stock : .crypto
            )
            let minutes = bySource[VenueSymbol(tick.symbol, tick.venue)] ?? []
            state.restore(
                buckets: minutes.map(Self.bucket), trade: Self.trade(of: tick), quote: Self.quote(of: tick)
            )
            return state
        }
    }

    private static func bucket(_ minute: MinuteBucket) -> RollingWindow.Bucket {
        var volume = DecimalSum()
        volume.add(minute.candle.volume)
        return RollingWindow.Bucket(
            minute: minute.candle.start.nanoseconds / 60_000_000_000, open: minute.candle.open,
            high: minute.candle.high,
            low: minute.candle.low, close: minute.candle.close, volume: volume
        )
    }

    private static func trade(of tick: LastTick) -> Trade? {
        tick.lastPrice.map { price in
            Trade(
                symbol: tick.symbol, venue: tick.venue, price: price, size: tick.size, side: tick.side, id: nil,
                eventTime: tick.eventTime, receivedTime: tick.receivedTime
            )
        }
    }

    private static func quote(of tick: LastTick) -> Quote? {
        guard tick.bid != nil || tick.ask != nil else { return nil }
        return Quote(
            symbol: tick.symbol, venue: tick.venue, bid: tick.bid, ask: tick.ask, bidSize: tick.bidSize,
            askSize: tick.askSize, eventTime: tick.eventTime, receivedTime: tick.receivedTime
        )
    }
}

extension LastTick {
    /// What is stored of a state; `nil` before its first tick.
    init?(_ published: MarketState, sequence: UInt64) {
        guard let eventTime = published.eventTime, let receivedTime = published.receivedTime else { return nil }
        self.init(
            symbol: published.symbol, venue: published.venue, lastPrice: published.lastPrice, size: published.lastSize,
            side: published.lastSide, bid: published.bid, ask: published.ask, bidSize: published.bidSize,
            askSize: published.askSize, open: published.open, high: published.high, low: published.low,
            volume: published.volume, reference: published.referencePrice, eventTime: eventTime,
            receivedTime: receivedTime,
            sequence: Int64(sequence)
        )
    }
}
