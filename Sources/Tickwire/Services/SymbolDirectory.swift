import Channels
import Market
import Synchronization

/// The symbols and venues that channels exist for.
///
/// Grows as ticks come in or as another process stores them.
final class SymbolDirectory: Sendable {
    private struct State {
        var venues: [Symbol: Set<Venue>] = [:]
        /// The spellings of the symbols, kept so that a refusal makes none.
        var names: [String] = []
    }

    private let state = Mutex(State())
    /// Whether candles are told on channels.
    private let hasCandles: Bool

    init(hasCandles: Bool = true) {
        self.hasCandles = hasCandles
    }

    func insert(_ pairs: some Sequence<(Symbol, Venue)>) {
        self.state.withLock { state in
            for (symbol, venue) in pairs {
                let count = state.venues.count
                state.venues[symbol, default: []].insert(venue)
                if state.venues.count > count { state.names.append(symbol.name) }
            }
        }
    }

    /// Whether a symbol has a venue.
    func has(_ symbol: Symbol) -> Bool { self.state.withLock { $0.venues[symbol] != nil } }

    /// Every symbol with its venues, sorted.
    var all: [(symbol: Symbol, venues: [Venue])] {
        self.state.withLock { state in
            state.venues.map { (symbol: $0.key, venues: $0.value.sorted()) }.sorted { $0.symbol < $1.symbol }
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
        let text = channel.text
        if text == "market" || text.hasPrefix("market;") { return QuoteChannel.problem(with: text) }
        guard let prefix = ["ticker-", "trades-", "candles-"].first(where: { text.hasPrefix($0) }) else { return nil }
        if prefix == "candles-", !self.hasCandles {
            return
                "Channel \(text): candles have no channels here (candleChannels: false). Ask `tickwire history` for them."
        }
        let name = text.dropFirst(prefix.count).prefix { $0 != ";" }
        return self.problem(withSuffix: String(name), of: text) ?? Self.problem(withVariant: text, prefix)
    }

    /// What stands behind the `;` must be something that the channel has.
    private static func problem(withVariant channel: String, _ prefix: String) -> String? {
        switch prefix {
        case "ticker-": return QuoteChannel.problem(with: channel)
        case "candles-":
            let intervals = CandleInterval.kept.map(\.description)
            let variant = channel.drop { $0 != ";" }.dropFirst()
            if intervals.contains(String(variant)), channel.contains(";") { return nil }
            let given = channel.contains(";") ? "'\(variant)' is no interval" : "an interval is missing"
            return "Channel \(channel): \(given). Write one of \(intervals.joined(separator: ", ")), as in ;1m."
        default:
            guard let option = channel.firstIndex(of: ";") else { return nil }
            return
                "Channel \(channel): trades have no variant '\(channel[option...])'. Subscribe to \(channel[..<option])."
        }
    }

    private func problem(withSuffix name: String, of channel: String) -> String? {
        let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let symbol = try? Symbol(parts[0]) else {
            return "Channel \(channel): '\(parts[0])' is not a symbol. Write it like BTC-USD or AAPL."
        }
        guard let venues = self.state.withLock({ $0.venues[symbol] }) else {
            let hint = Spelling.nearest(to: symbol.name, among: self.state.withLock { $0.names }).first
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
