import Market
import Synchronization

/// The newest prices of this process, read on a timer: a table that the pipeline writes about four times a second.
///
/// Holds a few words a symbol and venue, never a market state: that would make its owner copy it before the next tick.
final class LatestPrices: Sendable {
    private struct Entry {
        var byVenue: [Venue: LatestPrice] = [:]
        /// Decimals that were seen: of the prices and offers when states came, and of the window's extremes.
        var decimals = 0

        mutating func take(_ price: LatestPrice, decimals: Int) {
            self.byVenue[price.venue] = price
            self.decimals = max(self.decimals, decimals)
        }
    }

    /// A venue that has been silent for so much longer than another gives way, as in the pipeline.
    private static let failoverNanoseconds: Int64 = 30_000_000_000
    /// Prices with more decimals are averages, not steps of an order book.
    private static let decimalsMax = 12

    private let priority: [Venue: Int]
    private let entries = Mutex<[Symbol: Entry]>([:])

    /// Makes an empty table.
    ///
    /// - Parameter venues: The first one that has a symbol and is not silent tells its price.
    init(venues: [Venue]) {
        self.priority = Dictionary(venues.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    }

    /// Takes states that have changed.
    func take(_ states: some Sequence<MarketState>) {
        let prices = states.compactMap { state in
            LatestPrice(state).map { ($0, decimals: Self.decimals(state)) }
        }
        self.entries.withLock { entries in
            for (price, decimals) in prices {
                entries[price.symbol, default: Entry()].take(price, decimals: decimals)
            }
        }
    }

    /// The price of a symbol at the venue that leads; `nil` before the first.
    func latest(_ symbol: Symbol) -> (price: LatestPrice, decimals: Int)? {
        guard let entry = self.entries.withLock({ $0[symbol] }) else { return nil }
        let newest = entry.byVenue.values.map(\.receivedTime.nanoseconds).max() ?? 0
        let alive = entry.byVenue.values.filter { newest - $0.receivedTime.nanoseconds < Self.failoverNanoseconds }
        let leader = alive.min { self.rank($0.venue) < self.rank($1.venue) }
        return leader.map { ($0, entry.decimals) }
    }

    /// The decimals of a symbol's prices, as far as was seen: its tick size; `nil` before the first price.
    func decimals(_ symbol: Symbol) -> Int? { self.entries.withLock { $0[symbol]?.decimals } }

    private func rank(_ venue: Venue) -> (Int, Venue) { (self.priority[venue] ?? .max, venue) }

    private static func decimals(_ state: MarketState) -> Int {
        let seen = [state.lastPrice, state.bid, state.ask, state.high, state.low].compactMap(\.self)
        return min(seen.map { max(0, -Int($0.exponent)) }.max() ?? 0, Self.decimalsMax)
    }
}
