import Market

/// A trade that waits for its price to be confirmed.
struct HeldTrade: Sendable, Equatable {
    /// What is held back.
    let trade: Trade
    /// Its number in quarantine.
    let number: UInt64
}

/// Holds back trades whose price nobody else has seen, until a second one confirms the level.
struct PriceGuard: Sendable {
    /// What is to be done with a trade.
    enum Judgement: Equatable {
        /// The price is in the band, or the quote says so too.
        case inside
        /// It is not: another venue may still be its witness.
        case outside
    }

    /// Trades held back at most; the oldest goes and stays in quarantine.
    static let heldMax = 16
    /// How long a trade waits to be confirmed.
    private static let heldNanoseconds: Int64 = 600_000_000_000
    /// How old a witness may be.
    private static let witnessNanoseconds: Int64 = 60_000_000_000

    private let band: GuardBand
    private var reference: Decimal64?
    private var referenceTime = Timestamp(nanoseconds: 0)
    private var quickBounds: ClosedRange<Decimal64>?
    private var bid: Decimal64?
    private var ask: Decimal64?
    private var quoteTime = Timestamp(nanoseconds: 0)
    /// What is held back, oldest first.
    private(set) var held: [HeldTrade] = []

    init(band: GuardBand) { self.band = band }

    /// The last accepted price, for example from before a restart.
    mutating func seed(_ price: Decimal64, at time: Timestamp) { self.accept(price, at: time) }

    /// Remembers the best offers, which may witness a price.
    @inline(__always)
    mutating func noticed(_ quote: Quote) {
        if let bid = quote.bid { self.bid = bid }
        if let ask = quote.ask { self.ask = ask }
        self.quoteTime = quote.receivedTime
    }

    /// Judges a trade's price against the last accepted one and the quote.
    @inline(__always)
    func judge(_ trade: Trade) -> Judgement {
        if let quickBounds, quickBounds.contains(trade.price) { return .inside }
        return self.judgeExactly(trade)
    }

    @inline(never)
    private func judgeExactly(_ trade: Trade) -> Judgement {
        guard let reference else { return .inside }
        let silence = trade.receivedTime.nanoseconds &- self.referenceTime.nanoseconds
        if self.band.contains(trade.price, around: reference, silence: silence) { return .inside }
        if let mid = self.quoteMid(at: trade.receivedTime), self.band.contains(trade.price, around: mid) {
            return .inside
        }
        return .outside
    }

    /// Makes `price` the reference.
    @inline(__always)
    mutating func accept(_ price: Decimal64, at time: Timestamp) {
        self.reference = price
        self.referenceTime = time
        if let quickBounds, quickBounds.contains(price) { return }
        self.quickBounds = self.band.quickBounds(around: price)
    }

    /// Holds a trade back.
    mutating func hold(_ trade: Trade, number: UInt64) {
        if self.held.count == Self.heldMax { self.held.removeFirst() }
        self.held.append(HeldTrade(trade: trade, number: number))
    }

    /// Takes out what `price` confirms: held trades in whose band it lies, oldest first.
    ///
    /// - Parameters:
    ///   - price: Of a second trade, here or at another venue.
    ///   - time: When it was received.
    /// - Returns: The confirmed trades, which are no longer held.
    mutating func release(confirmedBy price: Decimal64, at time: Timestamp) -> [HeldTrade] {
        if self.held.isEmpty { return [] }
        let band = self.band
        let isConfirmed = { (held: HeldTrade) in
            band.contains(price, around: held.trade.price)
                && time.nanoseconds &- held.trade.receivedTime.nanoseconds <= Self.heldNanoseconds
        }
        let released = self.held.filter(isConfirmed)
        if !released.isEmpty { self.held.removeAll(where: isConfirmed) }
        return released
    }

    /// Forgets what an accepted trade contradicts: held trades that happened before it and did not become the level.
    mutating func refute(by trade: Trade) { self.held.removeAll { $0.trade.eventTime <= trade.eventTime } }

    /// Whether this venue has lately seen a price in whose band `price` lies, be it held back here: two venues that agree
    /// are no error of one.
    func witnesses(_ price: Decimal64, at time: Timestamp) -> Bool {
        if let reference, self.isRecent(self.referenceTime, at: time), self.band.contains(price, around: reference) {
            return true
        }
        return self.held.contains {
            self.isRecent($0.trade.receivedTime, at: time) && self.band.contains(price, around: $0.trade.price)
        }
    }

    private func isRecent(_ witness: Timestamp, at time: Timestamp) -> Bool {
        time.nanoseconds &- witness.nanoseconds <= Self.witnessNanoseconds
    }

    /// The middle of a recent quote that is not crossed.
    private func quoteMid(at time: Timestamp) -> Decimal64? {
        guard let bid, let ask, bid <= ask, !bid.isNegative, !bid.isZero, self.isRecent(self.quoteTime, at: time)
        else { return nil }
        // A sum of more than 18 digits has no exact middle: then the quote is no witness.
        return try? bid.adding(ask).multiplied(by: Decimal64(mantissa: 5, exponent: -1))
    }
}
