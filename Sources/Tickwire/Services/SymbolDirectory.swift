import Channels
import Market
import Synchronization

/// The symbols and venues that channels exist for.
///
/// Grows as ticks come in or as another process stores them.
final class SymbolDirectory: Sendable {
    private let venues = Mutex<[Symbol: Set<Venue>]>([:])

    func insert(_ pairs: some Sequence<(Symbol, Venue)>) {
        self.venues.withLock { venues in
            for (symbol, venue) in pairs { venues[symbol, default: []].insert(venue) }
        }
    }

    /// Every symbol with its venues, sorted.
    var all: [(symbol: Symbol, venues: [Venue])] {
        self.venues.withLock { venues in
            venues.map { (symbol: $0.key, venues: $0.value.sorted()) }.sorted { $0.symbol < $1.symbol }
        }
    }

    /// `[{"symbol":"BTC-USD","venues":["kraken"]}, …]`.
    var json: String {
        let items = self.all.map { item in
            let venues = item.venues.map { "\"\($0)\"" }.joined(separator: ",")
            return "{\"symbol\":\"\(item.symbol)\",\"venues\":[\(venues)]}"
        }
        return "[" + items.joined(separator: ",") + "]"
    }

    /// Why a market channel means nothing here; `nil` when it is fine, or an application's own.
    func problem(with channel: ChannelName) -> String? {
        for prefix in ["ticker-", "trades-"] where channel.text.hasPrefix(prefix) {
            return self.problem(withSuffix: String(channel.text.dropFirst(prefix.count)), of: channel.text)
        }
        return nil
    }

    private func problem(withSuffix name: String, of channel: String) -> String? {
        if let option = name.firstIndex(of: ";") {
            return
                "Channel \(channel): the variant '\(name[option...])' is not available. Subscribe to the name before it."
        }
        let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let symbol = try? Symbol(parts[0]) else {
            return "Channel \(channel): '\(parts[0])' is not a symbol. Write it like BTC-USD or AAPL."
        }
        let known = self.venues.withLock { $0 }
        guard let venues = known[symbol] else {
            let hint = Spelling.nearest(to: symbol.name, among: known.keys.map(\.name)).first
            return "Channel \(channel): unknown symbol '\(symbol)'." + (hint.map { " Did you mean \($0)?" } ?? "")
        }
        guard parts.count == 2 else { return nil }
        guard let venue = try? Venue(parts[1]), venues.contains(venue) else {
            let names = venues.sorted().map(\.name).joined(separator: ", ")
            return "Channel \(channel): \(symbol) is not known at venue '\(parts[1])'. Venues: \(names)."
        }
        return nil
    }
}
