import Atomics
import FeedLanguage
public import Market
import Synchronization

/// What the guard has counted of one feed since start.
///
/// Any thread.
final class GuardTally: Sendable {
    private static let gapReasons = GapReason.allCases

    private let ticks = GuardReason.allCases.map { _ in ManagedAtomic(0) }
    private let gaps = GapReason.allCases.map { _ in ManagedAtomic(0) }
    private let missing = GapReason.allCases.map { _ in ManagedAtomic(0) }

    func count(_ reason: GuardReason, by count: Int = 1) {
        guard let index = GuardReason.allCases.firstIndex(of: reason) else { return }
        self.ticks[index].wrappingIncrement(by: count, ordering: .relaxed)
    }

    func count(_ reasons: ReasonSet) {
        for (reason, name) in ReasonSet.names where reasons.contains(reason) { self.count(name) }
    }

    func countGap(_ reason: GapReason, missing: Int64?) {
        guard let index = Self.gapReasons.firstIndex(of: reason) else { return }
        self.gaps[index].wrappingIncrement(ordering: .relaxed)
        self.missing[index].wrappingIncrement(by: Int(missing ?? 0), ordering: .relaxed)
    }

    func values(of feed: Venue) -> GuardCounters {
        let load = { (counts: [ManagedAtomic<Int>]) in counts.map { $0.load(ordering: .relaxed) } }
        return GuardCounters(
            feed: feed, ticks: Array(zip(GuardReason.allCases, load(self.ticks))),
            gaps: Array(zip(GapReason.allCases, load(self.gaps))),
            missing: Array(zip(GapReason.allCases, load(self.missing)))
        )
    }
}

/// The guard's counts of one feed since start.
public struct GuardCounters: Sendable {
    /// The feed.
    public let feed: Venue
    /// Ticks by what was noticed of them.
    public let ticks: [(reason: GuardReason, count: Int)]
    /// Gaps found, by cause.
    public let gaps: [(reason: GapReason, count: Int)]
    /// Numbers missing when a gap was found, by cause.
    public let missing: [(reason: GapReason, count: Int)]

    /// How often a reason was noticed.
    public func count(_ reason: GuardReason) -> Int { self.ticks.first { $0.reason == reason }?.count ?? 0 }
}

/// The tallies of all feeds, and what each feed's numbers promise.
final class GuardRegistry: Sendable {
    private struct State {
        var tallies: [Venue: GuardTally] = [:]
        var sequencing: [Venue: FeedSequencing]
    }

    private let state: Mutex<State>

    init(sequencing: [Venue: FeedSequencing]) { self.state = Mutex(State(sequencing: sequencing)) }

    func tally(of venue: Venue) -> GuardTally {
        self.state.withLock { state in
            if let tally = state.tallies[venue] { return tally }
            let tally = GuardTally()
            state.tallies[venue] = tally
            return tally
        }
    }

    func sequencing(of venue: Venue) -> FeedSequencing {
        self.state.withLock { $0.sequencing[venue] } ?? FeedSequencing()
    }

    func update(_ sequencing: FeedSequencing, of venue: Venue) {
        self.state.withLock { $0.sequencing[venue] = sequencing }
    }

    var counters: [GuardCounters] {
        self.state.withLock { $0.tallies }.sorted { $0.key < $1.key }.map { $0.value.values(of: $0.key) }
    }
}
