import Alerts
import Market
import Testing

/// Alerts evaluated the plain way, straight from docs/alerts.md: every alert at every tick, from the list of all ticks.
///
/// Prices are whole hundredths and sizes whole thousandths, so that all of it is plain integer arithmetic.
struct PlainEvaluator {
    struct StreamKey: Hashable {
        var symbol: Symbol
        var venue: Venue?
    }

    struct Tick {
        var time: Int64
        var price: Int
        var size: Int
    }

    /// Windows are known from the first alert that has their length on.
    struct WindowKey: Hashable {
        enum Kind { case prices, day, volume, usual }
        var stream: StreamKey
        var kind: Kind
        var length: Int64
    }

    struct Pair: Hashable {
        var symbol: Symbol
        var first: Venue
        var second: Venue
    }

    struct Stream {
        var trades: [Tick] = []
        var lastCause: FiredAlert.Cause?
        var heard: Int64?
        var bid: Int?
        var ask: Int?
        var tradeLateness: AlertLateness?
        var quoteLateness: AlertLateness?
    }

    var alerts: [PlainAlert] = []
    var streams: [StreamKey: Stream] = [:]
    var windows: [WindowKey: Int] = [:]
    var pairs: [Pair: [Venue: (price: Int, time: Int64)]] = [:]
    var newestOfPair: [Pair: Venue] = [:]
    var newest: [Symbol: Int64] = [:]
    var primary: [Symbol: Venue] = [:]
    var calendars: [Symbol: TradingCalendar] = [:]
    var storm = StormGuard()
    /// Why what turns true now is late.
    var lateness: AlertLateness?
    var hasSeen: [StreamKey: Bool] = [:]

    static func scaled(_ value: Decimal64, _ digits: Int) -> Int {
        var exponent = Int(value.exponent) + digits
        var mantissa = Int(value.mantissa)
        while exponent > 0 {
            mantissa *= 10
            exponent -= 1
        }
        while exponent < 0 {
            precondition(mantissa % 10 == 0, "\(value) is finer than the plain evaluation is")
            mantissa /= 10
            exponent += 1
        }
        return mantissa
    }

    static func decimal(_ value: Int, _ digits: Int) -> Decimal64 {
        (try? Decimal64(mantissa: Int64(value), exponent: -digits)) ?? .zero
    }

    // MARK: Alerts come and go

    mutating func insert(_ alert: Alert, now: Int64) {
        if let index = self.alerts.firstIndex(where: { $0.alert.id == alert.id }) {
            self.alerts[index].alert.snoozedUntil = alert.snoozedUntil
            return
        }
        var plain = PlainAlert(alert, armedAt: now)
        if let stream = self.streams[plain.stream], let last = stream.trades.last {
            plain.judge(last.price, stream.trades.map(\.price))
        }
        self.alerts.append(plain)
        self.keepWindows()
    }

    mutating func remove(_ id: Int64) {
        self.alerts.removeAll { $0.alert.id == id }
        self.keepWindows()
    }

    /// Windows begin with the first alert that needs them and end with the last.
    private mutating func keepWindows() {
        let needed = Set(self.alerts.flatMap(\.windows))
        for key in self.windows.keys where !needed.contains(key) { self.windows[key] = nil }
        for key in needed where self.windows[key] == nil {
            self.windows[key] = self.streams[key.stream]?.trades.count ?? 0
        }
        let pairs = Set(self.alerts.compactMap(\.pair))
        for pair in self.pairs.keys where !pairs.contains(pair) { self.pairs[pair] = nil }
        for pair in pairs where self.pairs[pair] == nil { self.pairs[pair] = [:] }
        let followed = Set(self.alerts.map(\.stream))
        for key in self.streams.keys where !followed.contains(key) { self.streams[key]?.lastCause = nil }
    }

    // MARK: Ticks

    mutating func evaluate(_ trade: Trade, isPrimary: Bool, now: Int64) -> [FiredAlert] {
        guard trade.flags.isDisjoint(with: [.snapshot, .replayed, .backfilled]) else { return [] }
        let now = max(now, self.newest[trade.symbol] ?? .min)
        self.newest[trade.symbol] = now
        var fired = self.runTimers(trade.symbol, through: now)
        var own: [FiredAlert] = []
        let late = self.streams[StreamKey(symbol: trade.symbol, venue: trade.venue)]?.tradeLateness
        if isPrimary { self.primary[trade.symbol] = trade.venue }
        let keys = (isPrimary ? [nil] : []) + [trade.venue]
        for venue in keys { self.take(trade, StreamKey(symbol: trade.symbol, venue: venue), now, &own) }
        self.comparePairs(trade, now, late, &own)
        fired += own.sorted { $0.alert.id < $1.alert.id }
        return fired
    }

    private mutating func take(_ trade: Trade, _ key: StreamKey, _ now: Int64, _ fired: inout [FiredAlert]) {
        let price = Self.scaled(trade.price, 2)
        if self.streams[key]?.trades.isEmpty == false {
            self.look(key, now, .time, &fired) { $0.isMeasuredOverTime }
        }
        let tick = Tick(time: now, price: price, size: trade.size.map { Self.scaled($0, 3) } ?? 0)
        self.streams[key, default: Stream()].trades.append(tick)
        if self.alerts.contains(where: { $0.stream == key }) {
            self.streams[key]?.lastCause = FiredAlert.Cause(trade)
        }
        self.hear(key, now)
        self.lateness = self.streams[key]?.tradeLateness
        self.look(key, now, .tick, &fired) { $0.isTradeDriven }
        self.lateness = nil
        self.streams[key]?.tradeLateness = nil
    }

    mutating func evaluate(_ quote: Quote, isPrimary: Bool, now: Int64) -> [FiredAlert] {
        let now = max(now, self.newest[quote.symbol] ?? .min)
        self.newest[quote.symbol] = now
        var fired = self.runTimers(quote.symbol, through: now)
        var own: [FiredAlert] = []
        for venue in (isPrimary ? [nil] : []) + [quote.venue] {
            let key = StreamKey(symbol: quote.symbol, venue: venue)
            var stream = self.streams[key] ?? Stream()
            if let bid = quote.bid { stream.bid = Self.scaled(bid, 2) }
            if let ask = quote.ask { stream.ask = Self.scaled(ask, 2) }
            if self.alerts.contains(where: { $0.stream == key }) {
                stream.lastCause = FiredAlert.Cause(
                    venue: quote.venue, price: stream.trades.last.map { Self.decimal($0.price, 2) },
                    eventTime: quote.eventTime, receivedTime: quote.receivedTime)
            }
            self.streams[key] = stream
            self.hear(key, now)
            self.lateness = self.streams[key]?.quoteLateness
            self.look(key, now, .tick, &own) { $0.isQuoteDriven }
            self.lateness = nil
            self.streams[key]?.quoteLateness = nil
        }
        fired += own.sorted { $0.alert.id < $1.alert.id }
        return fired
    }

    private mutating func hear(_ key: StreamKey, _ now: Int64) {
        self.streams[key]?.heard = now
        for index in self.alerts.indices where self.alerts[index].stream == key && self.alerts[index].isSilence {
            self.alerts[index].isArmed = true
        }
    }

    private mutating func comparePairs(
        _ trade: Trade, _ now: Int64, _ late: AlertLateness?, _ fired: inout [FiredAlert]
    ) {
        for pair in self.pairs.keys where pair.symbol == trade.symbol {
            guard pair.first == trade.venue || pair.second == trade.venue else { continue }
            self.lookAtPair(pair, trade, now, .time, &fired)
            self.pairs[pair]?[trade.venue] = (Self.scaled(trade.price, 2), now)
            self.newestOfPair[pair] = trade.venue
            self.lateness = late
            self.lookAtPair(pair, trade, now, .tick, &fired)
            self.lateness = nil
        }
    }

    private mutating func lookAtPair(
        _ pair: Pair, _ trade: Trade, _ now: Int64, _ phase: Phase, _ fired: inout [FiredAlert]
    ) {
        for id in self.alerts.map(\.alert.id) {
            guard let index = self.alerts.firstIndex(where: { $0.alert.id == id }), self.alerts[index].pair == pair
            else { continue }
            let trades = self.streams[StreamKey(symbol: pair.symbol, venue: trade.venue)]?.trades ?? []
            let previous = trades.dropLast().last.map { Self.decimal($0.price, 2) }
            self.look(index, now, phase, &fired, cause: FiredAlert.Cause(trade), previous: previous)
        }
    }

    enum Phase { case tick, time, confirmation }

    private mutating func look(
        _ key: StreamKey, _ now: Int64, _ phase: Phase, _ fired: inout [FiredAlert], _ isWanted: (PlainAlert) -> Bool
    ) {
        for id in self.alerts.filter({ $0.stream == key && isWanted($0) }).map(\.alert.id) {
            guard let index = self.alerts.firstIndex(where: { $0.alert.id == id }) else { continue }
            self.look(index, now, phase, &fired)
        }
    }

    // MARK: Time

    mutating func advance(to now: Int64) -> [FiredAlert] {
        var fired: [FiredAlert] = []
        for symbol in Set(self.alerts.map(\.alert.symbol)) { fired += self.runTimers(symbol, through: now) }
        return fired.sorted { ($0.firedAt, $0.alert.id) < ($1.firedAt, $1.alert.id) }
    }

    private mutating func runTimers(_ symbol: Symbol, through now: Int64) -> [FiredAlert] {
        var fired: [FiredAlert] = []
        while true {
            let due = self.alerts.filter { $0.alert.symbol == symbol }.compactMap { self.due($0) }.min()
            guard let due, due <= now else { break }
            for id in self.alerts.filter({ $0.alert.symbol == symbol }).map(\.alert.id).sorted() {
                guard let index = self.alerts.firstIndex(where: { $0.alert.id == id }),
                    self.due(self.alerts[index]) == due
                else { continue }
                let alert = self.alerts[index]
                if alert.alert.expression.options.until?.nanoseconds == due {
                    self.remove(id)
                } else if alert.isSilence {
                    let price = self.streams[alert.stream]?.trades.last?.price
                    _ = self.decide(index, isEdge: true, price, due, &fired, nil, nil)
                } else {
                    self.look(index, due, .confirmation, &fired)
                }
            }
        }
        return fired.sorted { ($0.firedAt, $0.alert.id) < ($1.firedAt, $1.alert.id) }
    }

    /// When something becomes due for an alert next.
    private func due(_ alert: PlainAlert) -> Int64? {
        var dues: [Int64] = []
        if let until = alert.alert.expression.options.until { dues.append(until.nanoseconds) }
        if let since = alert.confirming?.since, case .time(let duration) = alert.alert.expression.options.confirmation {
            dues.append(since + PlainAlert.nanoseconds(duration))
        }
        if alert.isArmed, case .silence(let duration) = alert.condition {
            let start = max(self.streams[alert.stream]?.heard ?? .min, alert.armedAt)
            dues.append(self.silenceEnd(start, PlainAlert.nanoseconds(duration), alert))
        }
        return dues.min()
    }

    /// Counts the silence second by second, so to say: in pieces that end where a session begins or ends.
    private func silenceEnd(_ start: Int64, _ duration: Int64, _ alert: PlainAlert) -> Int64 {
        guard let calendar = self.calendars[alert.alert.symbol] else { return start + duration }
        var time = start
        var left = duration
        while true {
            let session = calendar.session(of: Timestamp(nanoseconds: time))
            let edges = [session.preOpen, session.open, session.close, session.postClose].map(\.nanoseconds)
            let phase = calendar.phase(at: Timestamp(nanoseconds: time))
            let isOpen =
                alert.alert.expression.options.hours == .extended ? phase != .closed : phase == .regular
            guard let next = edges.first(where: { $0 > time }) else { preconditionFailure("no edge after \(time)") }
            if isOpen {
                if left <= next - time { return time + left }
                left -= next - time
            }
            time = next
        }
    }

    mutating func noteHole(_ symbol: Symbol, _ venue: Venue, _ lateness: AlertLateness) {
        let isPrimary = self.primary[symbol] == nil || self.primary[symbol] == venue
        for key in (isPrimary ? [nil] : []) + [venue] {
            self.streams[StreamKey(symbol: symbol, venue: key), default: Stream()].tradeLateness = lateness
            self.streams[StreamKey(symbol: symbol, venue: key), default: Stream()].quoteLateness = lateness
        }
    }
}
