import Market

/// What a decoder remembers of one connection, to read later frames by: channel ids, merged quotes, symbols that are live.
///
/// The owner calls ``deallocate()`` at its end.
struct ConnectionMemory {
    /// A channel that the venue calls by an id.
    struct Channel {
        /// The number of its kind in ``Program/channelKinds``; −1 when no rule names it.
        let kind: Int
        let symbol: Symbol?
    }

    private let channelKinds: [String]
    private(set) var channels: [Channel] = []
    /// From ids to indexes in `channels`.
    private var table = KeyTable(minimumCapacity: 16)
    /// By symbol the quote that a merging rule last made.
    var quotes: [Symbol: Quote] = [:]
    /// Symbols that have had a trade young enough to be live.
    var liveSymbols: Set<Symbol> = []

    /// The most channel ids a connection may give out.
    static let channelsMax = 16_384

    init(channelKinds: [String]) { self.channelKinds = channelKinds }

    /// Forgets everything: a new connection begins.
    mutating func reset() {
        self.table.deallocate()
        self = ConnectionMemory(channelKinds: self.channelKinds)
    }

    func deallocate() { self.table.deallocate() }

    /// Remembers a channel; too many of them are not.
    mutating func register(_ channel: RegisteredChannel) {
        let kind = channel.kind.flatMap { self.channelKinds.firstIndex(of: $0) } ?? -1
        let entry = Channel(kind: kind, symbol: channel.symbol)
        let id = Array(channel.id.utf8)
        let known = id.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.map { self.table.find(KeyBytes($0, length: bytes.count, end: $0 + bytes.count)) } ?? -1
        }
        if known >= 0 {
            self.channels[Int(known)] = entry
        } else if self.channels.count < Self.channelsMax {
            self.table.insert(id, value: Int32(self.channels.count))
            self.channels.append(entry)
        }
    }

    /// The index of the channel that the venue calls so, or −1.
    @inline(__always)
    func channel(_ id: KeyBytes) -> Int { Int(self.table.find(id)) }
}
