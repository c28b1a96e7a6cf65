/// Adds trades up to candles of all kept intervals.
///
/// A trade touches one bar, that of its second; the longer ones are made of those when they are asked for. Exact: nothing is
/// rounded, and any order of the same trades gives the same bars.
public struct CandleAccumulator: Sendable {
    /// The seconds of one symbol at one venue.
    fileprivate struct Seconds {
        let venueSymbol: VenueSymbol
        var bars: [CandleBar] = []
        /// Where in `bars` the newest trade went: mostly the next one goes there too.
        var current = 0
        var places: [Int64: Int] = [:]
    }

    private var series: [Seconds] = []
    private var places: [VenueSymbol: Int] = [:]
    /// How many bars of a second there are.
    public private(set) var secondCount = 0

    /// Nothing yet.
    public init() {}

    /// Adds a trade, in constant time.
    public mutating func add(_ trade: Trade) {
        let place = TradePlace(trade)
        let start = CandleInterval.second.start(of: place.microseconds)
        let venueSymbol = VenueSymbol(trade.symbol, trade.venue)
        let index: Int
        if let known = self.places[venueSymbol] {
            index = known
        } else {
            index = self.series.count
            self.series.append(Seconds(venueSymbol: venueSymbol))
            self.places[venueSymbol] = index
        }
        if self.series[index].add(place, size: trade.size, start: start) { self.secondCount += 1 }
    }

    /// Adds trades, in any order.
    public mutating func add(_ trades: [Trade]) {
        for trade in trades { self.add(trade) }
    }

    /// What the trades add to the candles of ``CandleInterval/kept``, in no order of symbols.
    public var deltas: [CandleSeries] {
        var deltas: [CandleSeries] = []
        deltas.reserveCapacity(self.series.count * CandleInterval.kept.count)
        for seconds in self.series {
            let isStock = seconds.venueSymbol.symbol.quoteCurrency == nil
            var made: [CandleInterval: [CandleBar]] = [
                .second: seconds.bars.sorted { $0.start < $1.start }
            ]
            for interval in CandleInterval.kept {
                if interval != .second, let parts = made[interval.part] {
                    made[interval] = Self.rolledUp(parts, to: interval, isStock: isStock)
                }
                let bars = made[interval] ?? []
                if bars.isEmpty { continue }
                deltas.append(
                    CandleSeries(
                        symbol: seconds.venueSymbol.symbol, venue: seconds.venueSymbol.venue, interval: interval,
                        bars: bars
                    )
                )
            }
        }
        return deltas
    }

    /// The bars that bars of a part of `interval` make.
    private static func rolledUp(_ parts: [CandleBar], to interval: CandleInterval, isStock: Bool) -> [CandleBar] {
        var bars: [CandleBar] = []
        for part in parts {
            let start: Int64
            if interval == .day, isStock {
                guard let open = CandleInterval.stockDayStart(of: part.start) else { continue }
                start = open
            } else {
                start = interval.start(of: part.start)
            }
            if let last = bars.indices.last, bars[last].start == start {
                bars[last].merge(part)
            } else {
                bars.append(part)
                bars[bars.count - 1].start = start
            }
        }
        return bars
    }
}

extension CandleAccumulator.Seconds {
    /// Adds a trade, and says whether that made a bar.
    @inline(__always)
    fileprivate mutating func add(_ place: TradePlace, size: Decimal64?, start: Int64) -> Bool {
        if self.current < self.bars.count, self.bars[self.current].start == start {
            self.bars[self.current].add(place, size: size)
            return false
        }
        if let known = self.places[start] {
            self.current = known
            self.bars[known].add(place, size: size)
            return false
        }
        self.current = self.bars.count
        self.places[start] = self.current
        self.bars.append(CandleBar(start: start, place: place, size: size))
        return true
    }
}

extension CandleInterval {
    /// The start of the bucket that an instant falls into: a multiple of the interval since 1970.
    ///
    /// - Parameter microseconds: Since the Unix epoch, 1677 to 2262.
    /// - Returns: Microseconds since the Unix epoch. Not for the day of a stock: see ``stockDayStart(of:)``.
    @inline(__always)
    public func start(of microseconds: Int64) -> Int64 {
        let length = Int64(self.seconds) * 1_000_000
        let remainder = microseconds % length
        return microseconds - (remainder < 0 ? remainder + length : remainder)
    }

    /// The opening of the regular session that an instant falls into; `nil` outside of regular sessions, and before 1678 and
    /// after 2261, where no calendar reaches.
    ///
    /// - Parameter microseconds: Since the Unix epoch, 1677 to 2262.
    /// - Returns: Microseconds since the Unix epoch: the start of the candle of the day.
    public static func stockDayStart(of microseconds: Int64) -> Int64? {
        guard Self.calendarRange.contains(microseconds) else { return nil }
        let time = Timestamp(microseconds: microseconds)
        let calendar = TradingCalendar.xnys
        guard let session = calendar.session(on: CivilDay(time, in: calendar.zone)), session.isRegular(time) else {
            return nil
        }
        return session.open.microseconds
    }

    /// 1678 to 2261 in whole years.
    private static let calendarRange =
        Int64(CivilDate.daysSinceEpoch(year: 1678, month: 1, day: 2)) * 86_400_000_000..<Int64(
            CivilDate.daysSinceEpoch(year: 2261, month: 12, day: 31)) * 86_400_000_000

    /// The kept interval whose bars make up this one.
    ///
    /// A day is made of quarters of an hour: regular sessions begin and end with one, but not with an hour.
    var part: CandleInterval {
        let isWhole = { (part: CandleInterval) in
            part < self && self.seconds % part.seconds == 0 && (self != .day || part.seconds <= 900)
        }
        return Self.kept.last(where: isWhole) ?? .second
    }
}
