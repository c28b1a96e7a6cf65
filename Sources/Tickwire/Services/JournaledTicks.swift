import Ingest
import Market
import Store

/// Reads ticks back from the journal, trades and quotes together, in the order in which they were received.
///
/// Among trades, and among quotes, it is the order in which they were recorded.
struct JournaledTicks {
    /// Ticks of a kind that are read at once.
    private static let batchTicksMax = 4_000

    private struct Stream {
        let reader: JournalReader
        var ticks: [NumberedTick] = []
        var next = 0
        /// The number of the next tick that has not been read.
        var position: Int64

        init(_ reader: JournalReader) {
            self.reader = reader
            self.position = reader.position
        }

        var first: NumberedTick? { self.next < self.ticks.count ? self.ticks[self.next] : nil }

        /// Reads on when nothing is left.
        ///
        /// - Returns: Whether ticks were lost.
        mutating func fill() throws(JournalError) -> Bool {
            guard self.next == self.ticks.count else { return false }
            self.ticks.removeAll(keepingCapacity: true)
            self.next = 0
            guard let batch = try self.reader.batch(ticksMax: JournaledTicks.batchTicksMax) else { return false }
            var number = batch.first
            var lost = batch.lost[...]
            for tick in batch.trades.map({ Tick.trade($0) }) + batch.quotes.map({ Tick.quote($0) }) {
                while let loss = lost.first, loss.first <= number {
                    number = max(number, loss.first + loss.count)
                    lost = lost.dropFirst()
                }
                self.ticks.append(NumberedTick(tick, number: number))
                number += 1
            }
            self.position = batch.end
            return !batch.lost.isEmpty
        }
    }

    private var trades: Stream
    private var quotes: Stream
    /// Whether ticks were lost since the last time it was asked.
    private var hasLost = false

    /// Begins at `place`.
    init(_ journal: Journal, from place: JournalPlace) {
        self.trades = Stream(journal.reader(of: .trades, from: place.trades, isSafe: false))
        self.quotes = Stream(journal.reader(of: .quotes, from: place.quotes, isSafe: false))
    }

    /// The next tick without taking it; `nil` when nothing that is synced lies before `end`.
    mutating func first(before end: JournalPlace) throws(JournalError) -> Tick? {
        if try self.trades.fill() { self.hasLost = true }
        if try self.quotes.fill() { self.hasLost = true }
        let trade = self.trades.first.flatMap { $0.number < end.trades ? $0 : nil }
        let quote = self.quotes.first.flatMap { $0.number < end.quotes ? $0 : nil }
        guard let trade else { return quote?.tick }
        guard let quote else { return trade.tick }
        return Self.comesFirst(trade, quote) ? trade.tick : quote.tick
    }

    /// Takes the next ticks.
    ///
    /// - Parameters:
    ///   - end: Only ticks before it.
    ///   - time: Only ticks that were received before it; `nil` for all.
    ///   - max: So many at most.
    /// - Returns: None when nothing that is synced is left before `end` and `time`.
    /// - Throws: `JournalError`.
    mutating func next(
        before end: JournalPlace, receivedBefore time: Timestamp? = nil, max: Int = 4_000
    ) throws(JournalError) -> [NumberedTick] {
        var taken: [NumberedTick] = []
        while taken.count < max {
            if try self.trades.fill() { self.hasLost = true }
            if try self.quotes.fill() { self.hasLost = true }
            let trade = self.trades.first.flatMap { $0.number < end.trades ? $0 : nil }
            let quote = self.quotes.first.flatMap { $0.number < end.quotes ? $0 : nil }
            let isTrade: Bool
            switch (trade, quote) {
            case (nil, nil): return taken
            case (_?, nil): isTrade = true
            case (nil, _?): isTrade = false
            case (let trade?, let quote?): isTrade = Self.comesFirst(trade, quote)
            }
            guard let tick = isTrade ? trade : quote else { return taken }
            if let time, tick.tick.receivedTime >= time { return taken }
            taken.append(tick)
            if isTrade { self.trades.next += 1 } else { self.quotes.next += 1 }
        }
        return taken
    }

    /// Whether ticks were given up or damaged since the last call.
    mutating func takeLoss() -> Bool {
        defer { self.hasLost = false }
        return self.hasLost
    }

    private static func comesFirst(_ trade: NumberedTick, _ quote: NumberedTick) -> Bool {
        trade.tick.receivedTime <= quote.tick.receivedTime
    }
}
