import Channels
import NIOCore

/// What the clients of this node have joined, as far as other nodes may have events for it.
///
/// Interest outlives the last subscriber by a moment: a page that reloads costs no subscription. What is asked of other
/// nodes (the last value of a cache or market channel) is asked once, when interest begins.
struct InterestTable {
    /// What is subscribed to.
    enum Interest: Hashable {
        case channel(ChannelKey)
        /// All primary tickers of an app, for its `market` channels.
        case tickers(Int32)

        /// What the channel `name` needs.
        init(app: Int32, name: String) {
            switch QuoteChannel(name) {
            case .ticker(let base, _, _): self = .channel(ChannelKey(app: app, name: base))
            case .market: self = .tickers(app)
            case nil: self = .channel(ChannelKey(app: app, name: name))
            }
        }

        /// Whether somebody else may know what a newcomer gets first.
        var hasLastValue: Bool {
            guard case .channel(let key) = self else { return true }
            if ChannelName.Kind(of: key.name).isCache { return true }
            var name = key.name[...]
            for prefix in ["private-encrypted-", "private-", "presence-"] where name.hasPrefix(prefix) {
                name = name.dropFirst(prefix.count)
                break
            }
            return name.hasPrefix("ticker-") || name.hasPrefix("candles-")
        }
    }

    /// What to do when interest begins on an event loop.
    struct Beginning: Equatable {
        /// Whether to subscribe.
        var isNew = false
        /// Whether the last value must be asked for.
        var mustAsk = false
        /// Whether what this node holds may be out of date until the answer.
        var isAwaiting = false
    }

    private struct Entry {
        var holders = 0
        var isLive: Bool
        var endsAt: NIODeadline?
        /// The newest message of each node: the same may come by way of `tickers`, too.
        var numbers: [UInt64: UInt64] = [:]
    }

    private let linger: TimeAmount
    private var entries: [Interest: Entry] = [:]
    /// Whether there is somebody to ask.
    var isConnected = false

    init(linger: TimeAmount = .seconds(2)) { self.linger = linger }

    /// How many there are.
    var count: Int { self.entries.count }
    /// All of them.
    var all: [Interest] { Array(self.entries.keys) }

    /// An event loop has its first subscriber.
    mutating func begin(_ interest: Interest) -> Beginning {
        var beginning = Beginning()
        if self.entries[interest] == nil {
            let mustAsk = interest.hasLastValue && self.isConnected
            self.entries[interest] = Entry(isLive: !mustAsk)
            beginning.isNew = true
            beginning.mustAsk = mustAsk
        }
        self.entries[interest]?.holders += 1
        self.entries[interest]?.endsAt = nil
        beginning.isAwaiting = self.entries[interest]?.isLive == false
        return beginning
    }

    /// An event loop has lost its last subscriber.
    mutating func end(_ interest: Interest, now: NIODeadline) {
        guard let holders = self.entries[interest]?.holders else { return }
        self.entries[interest]?.holders = holders - 1
        if holders == 1 { self.entries[interest]?.endsAt = now + self.linger }
    }

    /// What nobody has wanted for a moment: its subscriptions end.
    mutating func expire(now: NIODeadline) -> [Interest] {
        let ended = self.entries.filter { entry in entry.value.endsAt.map { $0 <= now } ?? false }.map(\.key)
        for interest in ended { self.entries[interest] = nil }
        return ended
    }

    /// Every loop knows the last value now.
    mutating func settled(_ interest: Interest) { self.entries[interest]?.isLive = true }

    /// Whether events for it are kept up to date.
    func isHeld(_ interest: Interest) -> Bool { self.entries[interest] != nil }

    /// Whether a loop may rely on what it holds.
    func isLive(_ interest: Interest) -> Bool { self.entries[interest]?.isLive ?? false }

    /// A message with events for a channel came.
    ///
    /// - Returns: Whether it is wanted, and has not come before.
    mutating func accepts(_ key: ChannelKey, node: UInt64, number: UInt64) -> Bool {
        let interest = Interest.channel(key)
        guard let last = self.entries[interest]?.numbers[node] else {
            if self.entries[interest] != nil {
                self.entries[interest]?.numbers[node] = number
                return true
            }
            return QuoteChannel.source(key.name) == .primary && self.entries[.tickers(key.app)] != nil
        }
        guard number > last else { return false }
        self.entries[interest]?.numbers[node] = number
        return true
    }

    /// A node is gone, and its numbers with it.
    mutating func forget(_ node: UInt64) {
        for interest in self.entries.keys { self.entries[interest]?.numbers[node] = nil }
    }
}
