/// Holds back what may be undone at once: a page that reloads is no news (protocol section 10).
///
/// A channel that is vacated and a member that is removed wait; when the subscriber is back before their time, neither
/// the going nor the coming is told. Everything else passes at once. A `cacheMiss` is told once in a while for a channel,
/// because everybody who joins in that moment misses the same event.
public struct ActivityDelay: Sendable {
    /// Times and bounds.
    public struct Limits: Sendable {
        /// How long a going waits, and how long a repeated `cacheMiss` is kept quiet.
        ///
        /// Default 3 s, as hosted.
        public var wait: Duration
        /// Goings, and quiet channels, at once; beyond it they pass without waiting.
        ///
        /// Default 100 000.
        public var pendingMax: Int

        /// Limits with their defaults.
        public init(wait: Duration = .seconds(3), pendingMax: Int = 100_000) {
            self.wait = wait
            self.pendingMax = pendingMax
        }
    }

    private enum Subject: Hashable {
        case channel(String)
        case member(channel: String, userID: String)
        case cacheMiss(channel: String)
    }

    private struct Entry {
        let number: UInt64
        let subject: Subject
        let activity: ChannelActivity?
        let deadline: ContinuousClock.Instant
    }

    private let limits: Limits
    private var numbers: [Subject: UInt64] = [:]
    /// In the order of their deadlines; what was undone stays until its turn.
    private var entries: [Entry] = []
    private var nextNumber: UInt64 = 0

    /// Nothing is held back yet.
    public init(limits: Limits = Limits()) { self.limits = limits }

    /// When ``timerFired(now:)`` is due next; `nil` when nothing waits.
    public var deadline: ContinuousClock.Instant? { self.entries.first?.deadline }

    /// Something happened.
    ///
    /// - Returns: What is to be told now.
    public mutating func happened(_ activity: ChannelActivity, now: ContinuousClock.Instant) -> [ChannelActivity] {
        switch activity {
        case .vacated(let channel): return self.hold(activity, .channel(channel), now)
        case .memberRemoved(let channel, let userID):
            return self.hold(activity, .member(channel: channel, userID: userID), now)
        case .occupied(let channel): return self.numbers.removeValue(forKey: .channel(channel)) == nil ? [activity] : []
        case .memberAdded(let channel, let userID):
            return self.numbers.removeValue(forKey: .member(channel: channel, userID: userID)) == nil ? [activity] : []
        case .cacheMiss(let channel):
            let subject = Subject.cacheMiss(channel: channel)
            if self.numbers[subject] != nil { return [] }
            self.insert(nil, subject, now)
            return [activity]
        case .clientEvent, .subscriptionCount: return [activity]
        }
    }

    /// The time has come.
    ///
    /// - Returns: What nothing has undone, in the order it happened.
    public mutating func timerFired(now: ContinuousClock.Instant) -> [ChannelActivity] {
        let due = self.entries.prefix { $0.deadline <= now }
        self.entries.removeFirst(due.count)
        return self.release(due)
    }

    /// The program ends: nothing waits any longer.
    ///
    /// - Returns: All that was held back, in the order it happened.
    public mutating func flush() -> [ChannelActivity] {
        let all = self.entries[...]
        self.entries = []
        return self.release(all)
    }

    private mutating func hold(
        _ activity: ChannelActivity, _ subject: Subject, _ now: ContinuousClock.Instant
    ) -> [ChannelActivity] {
        if self.numbers[subject] != nil { return [] }
        return self.insert(activity, subject, now) ? [] : [activity]
    }

    @discardableResult
    private mutating func insert(
        _ activity: ChannelActivity?, _ subject: Subject, _ now: ContinuousClock.Instant
    ) -> Bool {
        guard self.numbers.count < self.limits.pendingMax else { return false }
        // What was undone must not pile up when something comes and goes all the time.
        if self.entries.count > 64, self.entries.count > 2 * self.numbers.count {
            self.entries.removeAll { self.numbers[$0.subject] != $0.number }
        }
        self.nextNumber += 1
        self.numbers[subject] = self.nextNumber
        self.entries.append(
            Entry(number: self.nextNumber, subject: subject, activity: activity, deadline: now + self.limits.wait))
        return true
    }

    private mutating func release(_ entries: ArraySlice<Entry>) -> [ChannelActivity] {
        var released: [ChannelActivity] = []
        for entry in entries where self.numbers[entry.subject] == entry.number {
            self.numbers[entry.subject] = nil
            if let activity = entry.activity { released.append(activity) }
        }
        return released
    }
}
