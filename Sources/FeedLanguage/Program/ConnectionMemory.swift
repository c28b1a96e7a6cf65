import Market

/// What a decoder remembers of one connection, to read later frames by: channel ids, merged quotes, symbols that are live.
struct ConnectionMemory {
    /// A channel that the venue calls by an id.
    struct Channel {
        /// The number of its kind in ``Program/channelKinds``; −1 when no rule names it.
        let kind: Int
        let symbol: Symbol?
    }

    private let channelKinds: [String]
    private var channels: [String: Channel] = [:]
    /// The last channel asked for: most venues send several frames of a channel in a row.
    private var lastID: [UInt8] = []
    private var lastChannel: Channel?
    /// By symbol the quote that a merging rule last made.
    var quotes: [Symbol: Quote] = [:]
    /// Symbols that have had a trade young enough to be live.
    var liveSymbols: Set<Symbol> = []

    /// The most channel ids a connection may give out.
    static let channelsMax = 16_384

    init(channelKinds: [String]) { self.channelKinds = channelKinds }

    /// Forgets everything: a new connection begins.
    mutating func reset() { self = ConnectionMemory(channelKinds: self.channelKinds) }

    /// Remembers a channel; too many of them are not.
    mutating func register(_ channel: RegisteredChannel) {
        self.lastChannel = nil
        guard self.channels.count < Self.channelsMax || self.channels[channel.id] != nil else { return }
        let kind = channel.kind.flatMap { self.channelKinds.firstIndex(of: $0) } ?? -1
        self.channels[channel.id] = Channel(kind: kind, symbol: channel.symbol)
    }

    /// The channel that the venue calls so.
    mutating func channel(_ id: UnsafeBufferPointer<UInt8>) -> Channel? {
        if let last = self.lastChannel, self.lastID.elementsEqual(id) { return last }
        guard let found = self.channels[String(decoding: id, as: UTF8.self)] else { return nil }
        self.lastID.removeAll(keepingCapacity: true)
        self.lastID.append(contentsOf: id)
        self.lastChannel = found
        return found
    }
}
