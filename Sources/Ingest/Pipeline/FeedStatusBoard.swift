import Channels
import Market
import Synchronization

/// Every feed's state, and the `feed` events that tell its changes on the channel `status`.
///
/// A feed of several connections is stale as long as one of them is lost. Any thread.
final class FeedStatusBoard: Sendable {
    private static let channel = "status"

    private struct Entry {
        var status: FeedStatus
        /// What the connections do, apart from gaps.
        var connection = FeedState.connecting
        var lost: Set<Symbol> = []
        var openGaps: Set<UInt64> = []
        var reason = ""
    }

    private let entries = Mutex<[Venue: Entry]>([:])
    private let publisher: any EventPublisher

    init(publisher: any EventPublisher) { self.publisher = publisher }

    /// All states, by feed.
    var statuses: [FeedStatus] {
        self.entries.withLock { entries in entries.values.map(\.status).sorted { $0.feed < $1.feed } }
    }

    /// A feed says itself what it does.
    func changed(_ venue: Venue, to state: FeedState, reason: String, at time: Timestamp) {
        self.update(venue, at: time) { entry in
            entry.connection = state
            entry.reason = reason
            if state == .live { entry.lost = [] }
        }
    }

    /// Ticks come from `symbols`, or their connection stands again.
    func returned(_ venue: Venue, _ symbols: some Sequence<Symbol>, at time: Timestamp) {
        self.update(venue, at: time) { entry in
            entry.lost.subtract(symbols)
            if entry.lost.isEmpty {
                entry.connection = .live
                entry.reason = ""
            }
        }
    }

    /// `symbols` are asked for no more; where only they were lost, the rest of the feed is well.
    func left(_ venue: Venue, _ symbols: some Sequence<Symbol>, isAskedForOthers: Bool, at time: Timestamp) {
        // What has said nothing yet has lost nothing.
        guard self.entries.withLock({ $0[venue]?.lost.isEmpty }) == false else { return }
        self.update(venue, at: time) { entry in
            guard !entry.lost.isEmpty else { return }
            entry.lost.subtract(symbols)
            if entry.lost.isEmpty, isAskedForOthers, entry.connection == .stale {
                entry.connection = .live
                entry.reason = ""
            }
        }
    }

    func lost(_ venue: Venue, _ symbols: some Sequence<Symbol>, reason: String, at time: Timestamp) {
        self.update(venue, at: time) { entry in
            entry.lost.formUnion(symbols)
            entry.connection = .stale
            entry.reason = reason
        }
    }

    func opened(_ gap: FeedGap) {
        self.update(gap.venue, at: gap.openedAt) { $0.openGaps.insert(gap.id) }
    }

    func closed(_ venue: Venue, gap: UInt64, at time: Timestamp) {
        self.update(venue, at: time) { $0.openGaps.remove(gap) }
    }

    /// Changes an entry, and publishes when its state is another one; under the lock, so that events keep their order.
    private func update(_ venue: Venue, at time: Timestamp, _ body: (inout Entry) -> Void) {
        self.entries.withLock { entries in
            let initial = FeedStatus(
                feed: venue, state: .connecting, reason: "", since: time, lostSymbols: 0, openGaps: 0)
            var entry = entries[venue] ?? Entry(status: initial)
            let isNew = entries[venue] == nil
            body(&entry)
            let state = entry.connection == .live && !entry.openGaps.isEmpty ? .gap : entry.connection
            let hasChanged = isNew || state != entry.status.state
            if hasChanged { entry.status.since = time }
            entry.status.state = state
            entry.status.reason = entry.reason
            entry.status.lostSymbols = entry.lost.count
            entry.status.openGaps = entry.openGaps.count
            entries[venue] = entry
            guard hasChanged else { return }
            var data: [UInt8] = []
            entry.status.writeJSON(to: &data)
            let all = entries.values.map(\.status).sorted { $0.feed < $1.feed }
            self.publisher.publish([
                ChannelEvent(channel: Self.channel, name: "feed", data: data),
                ChannelEvent(channel: Self.channel, name: "feeds", data: Self.json(all), retention: .keepOnly),
            ])
        }
    }

    /// What a new subscriber gets as `snapshot`.
    private static func json(_ statuses: [FeedStatus]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(literal: "{\"feeds\":[")
        for (index, status) in statuses.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            status.writeJSON(to: &bytes)
        }
        bytes.append(literal: "]}")
        return bytes
    }
}
