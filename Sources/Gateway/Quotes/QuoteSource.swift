/// A ticker channel that others are made of on one event loop.
///
/// Exists while one of them has subscribers there, and is touched on that loop only.
final class QuoteSource {
    /// The ticker's number on the loop.
    let channel: Int32
    /// Its newest tick, escaped for a JSON string; empty before the first one.
    var newest: [UInt8]
    /// The channels made of this ticker alone.
    var derived: [DerivedChannel] = []
    /// The channels that list it among others, and its number there.
    var markets: [(channel: DerivedChannel, symbol: Int32)] = []

    init(channel: Int32, newest: [UInt8]) {
        self.channel = channel
        self.newest = newest
    }

    /// Whether nothing is made of it any more.
    var isIdle: Bool { self.derived.isEmpty && self.markets.isEmpty }
}
