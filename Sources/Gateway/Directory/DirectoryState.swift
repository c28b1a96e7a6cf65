import Channels
import NIOCore

/// What the ``Directory`` knows and decides, without locks and clocks.
///
/// Every call changes the state at once and leaves behind what must be told: notices in an inbox for each event loop,
/// which loops have something new in theirs, and when time must be looked at.
struct DirectoryState {
    /// One channel over all loops.
    struct Channel {
        var count = 0
        var members: PresenceMembers?
        /// What its subscribers were last told, and when.
        var toldCount = 0
        var toldAt: NIODeadline?
    }

    /// What became of a subscription.
    enum Joining: Equatable {
        /// It holds; `members` of a presence channel include the newcomer. `count` is to be told to this loop's subscribers
        /// when the newcomer has had all that comes first; the other loops find it in their inboxes.
        case joined(members: PresenceMembers?, count: ArraySlice<UInt8>?)
        case refused(String)
    }

    let options: DirectoryOptions
    var channels: [ChannelKey: Channel] = [:]
    /// Channels whose number of subscribers will be told later.
    private var dueCounts: [ChannelKey: NIODeadline] = [:]
    /// When a cache channel was last found empty.
    private var cacheMisses: [ChannelKey: NIODeadline] = [:]
    /// How many connections are signed in as each user.
    var connections: [UserKey: Int] = [:]
    var watched: [UserKey: WatchedUser] = [:]
    var dueUsers: [UserKey: NIODeadline] = [:]
    /// Whether anybody wants to hear of ``ChannelActivity``.
    var isObserved = false
    /// What other nodes have said, and what is to be said to them; `nil` without others.
    var ledger: NodeLedger?
    private var inboxes: [[Notice]]
    private var wakes: [Int] = []
    private var timer: NIODeadline?
    private var isTimerNew = false

    /// A directory of nobody, for `loopCount` event loops.
    init(loopCount: Int, options: DirectoryOptions) {
        self.options = options
        self.inboxes = Array(repeating: [], count: loopCount)
    }

    // MARK: Channels

    /// A connection of `loop` joins a channel.
    mutating func join(
        _ key: ChannelKey,
        _ kind: ChannelName.Kind,
        member: PresenceMember?,
        loop: Int,
        now: NIODeadline
    ) -> Joining {
        if let member, let members = self.channels[key]?.members, !members.contains(member.userID),
            members.count >= self.options.presenceUsersMax
        {
            return .refused(
                "Cannot subscribe to \(key.name): the channel has \(members.count) users, which is the most allowed")
        }
        let isFirst = self.channels[key] == nil
        self.channels[key, default: Channel()].count += 1
        if isFirst { self.report(.occupied(channel: key.name), app: key.app) }
        if let member, self.addMember(member, key) {
            self.post(.frame(key, Self.frame(.memberAdded(channel: key.name, member))))
            self.report(.memberAdded(channel: key.name, userID: member.userID), app: key.app)
        }
        if self.ledger != nil {
            let held = member.map { member in
                let info = self.channels[key]?.members?.info(of: member.userID)
                return PresenceMember(userID: member.userID, userInfo: info ?? member.userInfo)
            }
            self.ledger?.joined(key, member: held)
        }
        var count: ArraySlice<UInt8>?
        if let frame = self.countFrame(key, kind, now: now) {
            self.post(.frame(key, frame), except: loop)
            count = frame
        }
        return .joined(members: self.channels[key]?.members, count: count)
    }

    /// A connection leaves a channel.
    mutating func leave(_ key: ChannelKey, _ kind: ChannelName.Kind, userID: String?, now: NIODeadline) {
        guard let count = self.channels[key]?.count else { return }
        self.ledger?.left(key, userID: userID)
        self.channels[key]?.count = count - 1
        if let userID, self.channels[key]?.members?.remove(userID) == true {
            if count > 1 { self.post(.frame(key, Self.frame(.memberRemoved(channel: key.name, userID: userID)))) }
            self.report(.memberRemoved(channel: key.name, userID: userID), app: key.app)
        }
        if count > 1 {
            if let frame = self.countFrame(key, kind, now: now) { self.post(.frame(key, frame)) }
        } else {
            self.vacate(key, kind)
        }
    }

    /// The last connection of all has left.
    mutating func vacate(_ key: ChannelKey, _ kind: ChannelName.Kind) {
        self.channels[key] = nil
        if self.dueCounts.removeValue(forKey: key) != nil || self.hasCounts(key, kind) {
            self.report(.subscriptionCount(channel: key.name, count: 0), app: key.app)
        }
        self.report(.vacated(channel: key.name), app: key.app)
    }

    /// A subscriber, of this node or another, found a cache channel empty; a burst of them is reported once.
    mutating func missedCache(_ key: ChannelKey, now: NIODeadline, isOwn: Bool = true) {
        guard self.isObserved else { return }
        if let last = self.cacheMisses[key], now - last < self.options.cacheMissInterval { return }
        if self.cacheMisses.count >= self.options.cacheMissesMax {
            self.cacheMisses = self.cacheMisses.filter { now - $0.value < self.options.cacheMissInterval }
        }
        // As many bursts at once as that are not told apart any more.
        if self.cacheMisses.count < self.options.cacheMissesMax { self.cacheMisses[key] = now }
        if isOwn { self.ledger?.say(.cacheMiss(key)) }
        self.report(.cacheMiss(channel: key.name), app: key.app)
    }

    mutating func addMember(_ member: PresenceMember, _ key: ChannelKey) -> Bool {
        if self.channels[key]?.members == nil { self.channels[key]?.members = PresenceMembers() }
        return self.channels[key]?.members?.add(member) ?? false
    }

    // MARK: Numbers of subscribers

    private func hasCounts(_ key: ChannelKey, _ kind: ChannelName.Kind) -> Bool {
        kind.hasSubscriptionCounts && self.options.appsWithCounts.contains(key.app)
    }

    /// The frame that tells the number now; `nil` when it is not told, or later.
    mutating func countFrame(
        _ key: ChannelKey,
        _ kind: ChannelName.Kind,
        now: NIODeadline
    ) -> ArraySlice<UInt8>? {
        guard self.hasCounts(key, kind), let channel = self.channels[key] else { return nil }
        if channel.count > self.options.countsAtOnceMax, let told = channel.toldAt,
            now < told + self.options.countInterval
        {
            if self.dueCounts[key] == nil {
                self.dueCounts[key] = told + self.options.countInterval
                self.look(at: told + self.options.countInterval)
            }
            return nil
        }
        return self.tellCount(key, channel.count, now: now)
    }

    private mutating func tellCount(_ key: ChannelKey, _ count: Int, now: NIODeadline) -> ArraySlice<UInt8> {
        self.dueCounts[key] = nil
        self.channels[key]?.toldCount = count
        self.channels[key]?.toldAt = now
        self.report(.subscriptionCount(channel: key.name, count: count), app: key.app)
        return Self.frame(.subscriptionCount(channel: key.name, count))
    }

    // MARK: Time

    /// Does what has become due.
    ///
    /// A timer that an earlier one has made superfluous does nothing.
    mutating func timerFired(now: NIODeadline) {
        if let timer, timer > now { return }
        self.timer = nil
        for (key, due) in self.dueCounts where due <= now {
            self.dueCounts[key] = nil
            guard let channel = self.channels[key], channel.count != channel.toldCount else { continue }
            self.post(.frame(key, self.tellCount(key, channel.count, now: now)))
        }
        self.tellUsers(now: now)
        if let next = [self.dueCounts.values.min(), self.dueUsers.values.min()].compactMap({ $0 }).min() {
            self.look(at: next)
        }
    }

    /// Has ``timerFired(now:)`` called at `deadline`, or before.
    mutating func look(at deadline: NIODeadline) {
        if let timer, timer <= deadline { return }
        self.timer = deadline
        self.isTimerNew = true
    }

    // MARK: What must be told

    /// Puts a notice into the inbox of every loop but one.
    mutating func post(_ notice: Notice, except loop: Int? = nil) {
        for index in self.inboxes.indices where index != loop { self.put(notice, index) }
    }

    /// Has an activity told, if anybody listens.
    mutating func report(_ activity: ChannelActivity, app: Int32) {
        guard self.isObserved else { return }
        let isOurs = self.ledger?.isOurs(activity, app: app) ?? true
        self.put(.activity(app: app, activity, isOurs: isOurs), 0)
    }

    /// Has an activity told that another node should have told; it was reported when it happened.
    mutating func reportOurs(_ activity: ChannelActivity, app: Int32) {
        if self.isObserved { self.put(.lateActivity(app: app, activity), 0) }
    }

    /// Whether somebody must take what is to be said to other nodes, and nobody has that in mind yet.
    mutating func takeFlushWish() -> Bool {
        self.ledger?.planFlush() ?? false
    }

    private mutating func put(_ notice: Notice, _ loop: Int) {
        if self.inboxes[loop].isEmpty { self.wakes.append(loop) }
        self.inboxes[loop].append(notice)
    }

    /// Empties a loop's inbox.
    mutating func take(_ loop: Int) -> [Notice] {
        guard !self.inboxes[loop].isEmpty else { return [] }
        let notices = self.inboxes[loop]
        self.inboxes[loop] = []
        return notices
    }

    /// The loops whose inbox was empty and is no longer.
    mutating func takeWakes(except loop: Int?) -> [Int] {
        guard !self.wakes.isEmpty else { return [] }
        let wakes = self.wakes.filter { $0 != loop }
        self.wakes.removeAll(keepingCapacity: true)
        return wakes
    }

    /// When somebody must call ``timerFired(now:)``, if that is earlier than anybody knows.
    mutating func takeTimer() -> NIODeadline? {
        guard self.isTimerNew else { return nil }
        self.isTimerNew = false
        return self.timer
    }

    static func frame(_ frame: ServerFrame) -> ArraySlice<UInt8> {
        WebSocketHeader.textFrame { frame.write(to: &$0) }
    }
}
