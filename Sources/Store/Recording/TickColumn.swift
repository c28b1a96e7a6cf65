import Market

/// What trades and quotes have in common.
protocol RecordedTick: Sendable {
    var symbol: Symbol { get }
    var venue: Venue { get }
    var eventTime: Timestamp { get }
}

extension Trade: RecordedTick {}
extension Quote: RecordedTick {}

/// A batch's trades or quotes with the ids of their symbols and venues.
///
/// Ticks are not moved about: what is grouped and sorted are their places in the batch.
struct TickColumn<Element: RecordedTick>: Sendable {
    /// The places of the ticks of one UTC day, neighbours in the indexes next to each other.
    struct Day: Sendable {
        let day: CivilDay
        let rows: [Int]
    }

    private static var dayNanoseconds: Int64 { 86_400_000_000_000 }
    let ticks: [Element]
    private(set) var symbolIDs: [Int32] = []
    private(set) var venueIDs: [Int16] = []
    private(set) var days: [Day] = []

    /// Takes `ticks` in, and adds symbols and venues that have no id yet to `newSymbols` and `newVenues`.
    init(
        _ ticks: [Element], symbols: [Symbol: Int32], venues: [Venue: Int16], newSymbols: inout Set<Symbol>,
        newVenues: inout Set<Venue>
    ) {
        self.ticks = ticks
        if ticks.isEmpty { return }
        self.symbolIDs.reserveCapacity(ticks.count)
        self.venueIDs.reserveCapacity(ticks.count)
        var lastVenue = ticks[0].venue
        var lastVenueID = venues[lastVenue]
        for tick in ticks {
            let symbolID = symbols[tick.symbol]
            if symbolID == nil { newSymbols.insert(tick.symbol) }
            self.symbolIDs.append(symbolID ?? 0)
            if tick.venue != lastVenue {
                lastVenue = tick.venue
                lastVenueID = venues[lastVenue]
            }
            if lastVenueID == nil { newVenues.insert(lastVenue) }
            self.venueIDs.append(lastVenueID ?? 0)
        }
        self.days = self.makeDays()
    }

    /// Groups by UTC day, and sorts each day by symbol and venue; within those, the order of arrival stays.
    private func makeDays() -> [Day] {
        var keysByDay: [Int: [UInt64]] = [:]
        var keys: [UInt64] = []
        keys.reserveCapacity(self.ticks.count)
        var currentDay: Int?
        for row in self.ticks.indices {
            let nanoseconds = self.ticks[row].eventTime.nanoseconds
            let day = Int((nanoseconds - (nanoseconds < 0 ? Self.dayNanoseconds - 1 : 0)) / Self.dayNanoseconds)
            if let current = currentDay, day != current {
                keysByDay[current, default: []] += keys
                keys.removeAll(keepingCapacity: true)
            }
            currentDay = day
            // Symbol, then venue, then place in one number: a batch has far fewer than 2^24 ticks, and ids are
            // positive.
            keys.append(
                UInt64(UInt32(bitPattern: self.symbolIDs[row])) << 40
                    | UInt64(UInt16(bitPattern: self.venueIDs[row])) << 24 | UInt64(row)
            )
        }
        if let currentDay { keysByDay[currentDay, default: []] += keys }
        return keysByDay.sorted { $0.key < $1.key }.map { day, keys in
            Day(day: CivilDay(daysSinceEpoch: day), rows: keys.sorted().map { Int($0 & 0xFF_FFFF) })
        }
    }
}
