import Market
import NIOCore

/// One venue of one symbol: its guard, its state and its channels.
///
/// Belongs to one shard and is touched on its event loop only.
final class VenueEntry {
    /// A gap that was found here and is not closed.
    struct OpenGap {
        let gap: FeedGap
        /// The guard's number of it; `nil` when no late tick can close it.
        let number: Int?
        /// When it is told: a reordered tick may close it before.
        let announceAt: NIODeadline
        var isAnnounced = false
        var repaired: Int64 = 0
    }

    /// Whether the feed is asked for the symbol.
    enum Presence {
        case asked
        /// Not any more: what is still under way may come.
        case left
        /// Again, and nothing has come yet.
        case awaited
    }

    /// Gaps remembered at most; older ones stay in the database.
    static let gapsMax = 64
    /// How many times its usual pause a symbol must be silent to count as stale, and how many pauses make it usual.
    private static let pausesUntilSilent: Int64 = 20
    private static let pausesUntilKnown = 8

    let venue: Venue
    let rank: Int
    let tally: GuardTally
    var state: MarketState
    var candles: CandleSheet
    var tickGuard: TickGuard
    var sequence: UInt64
    var tradeSequence: UInt64
    var lastSeen: NIODeadline
    var isDirty = false
    /// Whether how far it was evaluated is to be stored.
    var isEvaluated = false
    /// Whether the connection stands, as far as anyone has said.
    var isConnected = true
    var presence = Presence.asked
    /// Subscribers of the venue's own channel were told that it is stale.
    var isStale = false
    /// When the connection was lost while the symbol was halted: a trade that happened later tells that the halt is over.
    var haltDoubtedSince: Timestamp?
    var gaps: [OpenGap] = []
    /// Until then another venue is preferred, because trades are missing here.
    var gappedUntil = NIODeadline.distantPast
    /// The usual nanoseconds between reads that bring a tick: an average that forgets.
    private var usualPause: Int64 = 0
    private var pauseCount = 0
    let tickerChannel: String
    let tradesChannel: String

    init(
        symbol: Symbol, venue: Venue, rank: Int, sequenceStart: UInt64, tickGuard: TickGuard, tally: GuardTally,
        now: NIODeadline
    ) {
        self.venue = venue
        self.rank = rank
        self.state = MarketState(symbol: symbol, venue: venue, asset: symbol.quoteCurrency == nil ? .stock : .crypto)
        self.candles = CandleSheet(isStock: symbol.quoteCurrency == nil)
        self.tickGuard = tickGuard
        self.tally = tally
        self.sequence = sequenceStart
        self.tradeSequence = sequenceStart
        self.lastSeen = now
        self.tickerChannel = "ticker-\(symbol)@\(venue)"
        self.tradesChannel = "trades-\(symbol)@\(venue)"
    }

    /// Whether ticks may be expected of it.
    var isUp: Bool { self.isConnected && self.presence == .asked }

    /// A tick came.
    @inline(__always)
    func saw(now: NIODeadline) {
        if self.presence == .awaited {
            // The absence is no pause of the venue's.
            self.presence = .asked
            self.lastSeen = now
        }
        if now == self.lastSeen { return }
        let pause = (now - self.lastSeen).nanoseconds
        self.lastSeen = now
        if self.pauseCount < Self.pausesUntilKnown { self.pauseCount += 1 }
        self.usualPause += (pause - self.usualPause) / Int64(self.pauseCount)
    }

    /// Whether it may drive the symbol's plain channels.
    func isHealthy(now: NIODeadline, failoverAfter: TimeAmount) -> Bool {
        self.isUp && now >= self.gappedUntil && now - self.lastSeen <= failoverAfter
    }

    /// Whether nothing came for so long that something must be wrong: longer than `limit`, and much longer than usual.
    func isSilent(now: NIODeadline, limit: TimeAmount) -> Bool {
        let silence = (now - self.lastSeen).nanoseconds
        return self.pauseCount == Self.pausesUntilKnown
            && silence > max(limit.nanoseconds, self.usualPause * Self.pausesUntilSilent)
    }

    /// Forgets a gap that is closed; `nil` when it is not known here.
    func removeGap(_ id: UInt64) -> OpenGap? {
        guard let index = self.gaps.firstIndex(where: { $0.gap.id == id }) else { return nil }
        let gap = self.gaps.remove(at: index)
        if !self.gaps.contains(where: { $0.isAnnounced && $0.gap.stream == .trades }) {
            self.gappedUntil = .distantPast
        }
        return gap
    }
}
