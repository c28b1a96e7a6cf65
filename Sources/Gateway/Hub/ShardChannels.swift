import NIOCore

/// A channel's name within one app, as a key.
struct ChannelKey: Hashable {
    var app: Int32
    var name: String
}

/// One channel on one event loop.
struct ShardChannel {
    var key: ChannelKey
    /// The slots of its subscribers, in no order.
    var members: ContiguousArray<Int32> = []
    /// The escaped data of the newest retained event; empty when there is none.
    var snapshot: [UInt8] = []
    /// What ``snapshot`` is on a cache channel, where it may also be empty; `nil` when there is none.
    var cached: CachedEvent?
    /// Whether it came from another node: it is current only while its events come.
    var isRemote = false

    /// Whether something is kept for those who come later.
    var holdsEvent: Bool { !self.snapshot.isEmpty || self.cached != nil }
    /// What derived channels are made of it; `nil` mostly.
    var source: QuoteSource?
    /// What it is derived from; `nil` mostly.
    var derived: DerivedChannel?
}

/// One subscription, seen from the connection: the channel, and where in its member list the connection stands.
struct Membership {
    var channel: Int32
    var position: Int32
}

/// The channels of one event loop and who is on them; joining and leaving cost the same in a channel of any size.
struct ShardChannels {
    private(set) var index: [ChannelKey: Int32] = [:]
    private(set) var channels: ContiguousArray<ShardChannel> = []
    private var memberships: ContiguousArray<ContiguousArray<Membership>> = []
    private var free: [Int32] = []
    private(set) var snapshotCount = 0
    private(set) var cachedCount = 0
    private let snapshotsMax: Int
    /// Derived channels that have lost their last subscriber.
    private var vacated: [Int32] = []

    init(snapshotsMax: Int) {
        self.snapshotsMax = snapshotsMax
    }

    /// The channel's number, if it has a subscriber or a snapshot.
    @inline(__always)
    func find(_ key: ChannelKey) -> Int32? { self.index[key] }

    /// Adds a slot to a channel; it must not be on it yet.
    mutating func join(_ slot: Int32, _ key: ChannelKey) -> Int32 {
        let channel = self.findOrMake(key)
        while self.memberships.count <= Int(slot) { self.memberships.append([]) }
        let position = Int32(self.channels[Int(channel)].members.count)
        self.channels[Int(channel)].members.append(slot)
        self.memberships[Int(slot)].append(Membership(channel: channel, position: position))
        return channel
    }

    /// Takes a slot off a channel.
    ///
    /// - Returns: The channel's number until now; `nil` when the slot was not on it.
    mutating func leave(_ slot: Int32, _ key: ChannelKey) -> Int32? {
        guard let channel = self.index[key], Int(slot) < self.memberships.count,
            let place = self.memberships[Int(slot)].firstIndex(where: { $0.channel == channel })
        else { return nil }
        let membership = self.memberships[Int(slot)].remove(at: place)
        self.remove(membership, slot)
        return channel
    }

    /// Takes a slot off all its channels.
    ///
    /// - Returns: Which they were, with their numbers until now.
    mutating func leaveAll(_ slot: Int32) -> [(ChannelKey, Int32)] {
        guard Int(slot) < self.memberships.count, !self.memberships[Int(slot)].isEmpty else { return [] }
        let memberships = self.memberships[Int(slot)]
        self.memberships[Int(slot)] = []
        return memberships.map { membership in
            let key = self.channels[Int(membership.channel)].key
            self.remove(membership, slot)
            return (key, membership.channel)
        }
    }

    /// The names of the channels that a slot is on.
    func names(of slot: Int32) -> [String] {
        guard Int(slot) < self.memberships.count else { return [] }
        return self.memberships[Int(slot)].map { self.channels[Int($0.channel)].key.name }
    }

    /// Keeps `data` as what the channel holds; `cached` says what it is on a cache channel.
    ///
    /// Of two events of a cache channel the later one is kept, in whichever order loops hear of them. Without data and
    /// without `cached` the channel forgets what it holds.
    ///
    /// - Returns: `false` when the limit of channels that hold something is reached.
    mutating func retain(
        _ data: UnsafeRawBufferPointer, _ key: ChannelKey, cached: CachedEvent?, isRemote: Bool = false
    ) -> Bool {
        if data.isEmpty, cached == nil {
            if let channel = self.index[key] { self.forget(channel) }
            return true
        }
        if let channel = self.index[key], self.channels[Int(channel)].holdsEvent {
            if let cached {
                if let older = self.channels[Int(channel)].cached, cached.isOlder(than: older) { return true }
                self.channels[Int(channel)].cached = cached
            }
            self.channels[Int(channel)].isRemote = isRemote
            self.channels[Int(channel)].snapshot.removeAll(keepingCapacity: true)
            self.channels[Int(channel)].snapshot.append(contentsOf: data)
            return true
        }
        guard self.snapshotCount < self.snapshotsMax else { return false }
        self.snapshotCount += 1
        if cached != nil { self.cachedCount += 1 }
        let channel = self.findOrMake(key)
        self.channels[Int(channel)].snapshot = Array(data)
        self.channels[Int(channel)].cached = cached
        self.channels[Int(channel)].isRemote = isRemote
        return true
    }

    /// Forgets what a channel holds.
    mutating func forget(_ number: Int32) {
        guard self.channels[Int(number)].holdsEvent else { return }
        if self.channels[Int(number)].cached != nil { self.cachedCount -= 1 }
        self.snapshotCount -= 1
        self.channels[Int(number)].snapshot = []
        self.channels[Int(number)].cached = nil
        self.freeIfUnused(number)
    }

    /// What a cache channel holds, however old.
    func cached(_ channel: Int32) -> CachedEvent? { self.channels[Int(channel)].cached }

    /// Forgets what cache channels hold from before `time`.
    mutating func expire(before time: NIODeadline) {
        for channel in self.channels.indices {
            guard let cached = self.channels[channel].cached, cached.time <= time else { continue }
            self.channels[channel].cached = nil
            self.channels[channel].snapshot = []
            self.snapshotCount -= 1
            self.cachedCount -= 1
            self.freeIfUnused(Int32(channel))
        }
    }

    /// The channel's number, which it gets now if it had none.
    mutating func findOrMake(_ key: ChannelKey) -> Int32 {
        if let channel = self.index[key] { return channel }
        let channel: Int32
        if let reused = self.free.popLast() {
            channel = reused
            self.channels[Int(channel)].key = key
        } else {
            channel = Int32(self.channels.count)
            self.channels.append(ShardChannel(key: key))
        }
        self.index[key] = channel
        return channel
    }

    private mutating func remove(_ membership: Membership, _ slot: Int32) {
        let channel = Int(membership.channel)
        let last = self.channels[channel].members.removeLast()
        if last != slot {
            self.channels[channel].members[Int(membership.position)] = last
            if let place = self.memberships[Int(last)].firstIndex(where: { $0.channel == membership.channel }) {
                self.memberships[Int(last)][place].position = membership.position
            }
        }
        if self.channels[channel].members.isEmpty {
            if self.channels[channel].derived != nil { self.vacated.append(membership.channel) }
            self.freeIfUnused(membership.channel)
        }
    }

    private mutating func freeIfUnused(_ number: Int32) {
        let channel = self.channels[Int(number)]
        guard channel.members.isEmpty, !channel.holdsEvent, channel.source == nil, channel.derived == nil else {
            return
        }
        self.index[channel.key] = nil
        self.free.append(number)
    }

    // MARK: Derived channels

    /// Whether derived channels wait to be ended.
    var hasVacated: Bool { !self.vacated.isEmpty }

    /// The derived channels that have lost their last subscriber since the last call; they may have new ones.
    mutating func takeVacated() -> [Int32] {
        defer { self.vacated.removeAll(keepingCapacity: true) }
        return self.vacated
    }

    /// Says what is made of a channel, which keeps its number meanwhile.
    mutating func setSource(_ number: Int32, _ source: QuoteSource?) {
        self.channels[Int(number)].source = source
        self.freeIfUnused(number)
    }

    /// Says what a channel is made of, which keeps its number meanwhile.
    mutating func setDerived(_ number: Int32, _ derived: DerivedChannel?) {
        self.channels[Int(number)].derived = derived
        self.freeIfUnused(number)
    }
}
