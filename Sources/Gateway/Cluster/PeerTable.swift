import Backplane
import NIOCore

/// The other nodes, as far as they have been heard: who lives, and whether what is known of each has no hole.
///
/// A node numbers what it says. Whoever misses a number asks for everything and believes nothing in between. A node that
/// is silent for the lease is gone; whether that is news depends on whose connection was lost.
struct PeerTable {
    /// What is to be done.
    enum Action: Equatable {
        /// Ask the node for its full state.
        case requestState(UInt64)
        /// Take in changes.
        case apply(UInt64, [DirectoryRecord])
        /// Take in a full state in place of what was known.
        case replace(UInt64, [DirectoryRecord], isNews: Bool)
        /// Forget the node; nothing was heard since `tick`.
        case remove(UInt64, isNews: Bool, since: Int)
        /// Say that we live.
        case greetBack
        /// A node came that market data comes from.
        case feederCame
        /// The last of those is gone.
        case feedersGone
    }

    /// Times and bounds.
    struct Limits {
        /// A node that is silent for so long is gone: four heartbeats.
        var lease = TimeAmount.seconds(4)
        /// How long a request for a full state may take before it is repeated.
        var requestTimeout = TimeAmount.milliseconds(1000)
        /// Nodes beyond this number are not heard.
        var peersMax = 1000
        /// Records of a full state, over all its parts.
        var recordsMax = 2_000_000
    }

    private struct Peer {
        var epoch: UInt64
        var sequence: UInt64 = 0
        var isSynced = false
        /// Whether it has been, at least once.
        var isKnown = false
        var isReady = false
        var isFeeding = false
        var hasClients = false
        var lastHeard: NIODeadline
        var heardTick: Int
        var requestedAt: NIODeadline?
        /// Whether its first full state is news.
        var isNews: Bool
        var parts: [DirectoryRecord] = []
        var nextPart = 0
    }

    private let limits: Limits
    private var peers: [UInt64: Peer] = [:]
    /// Nodes that others were told to be gone, with their epochs: should they return, that is news.
    private var mourned: [UInt64: UInt64] = [:]
    private var isConnected = false
    private var tickNumber = 0

    init(limits: Limits = Limits()) { self.limits = limits }

    /// Nodes heard of within the lease.
    var nodes: [UInt64] { self.peers.keys.sorted() }
    /// Those with clients that know what the others have said, and of whom we know what they have.
    var tellers: [UInt64] {
        self.peers.filter { $0.value.isReady && $0.value.isKnown && $0.value.hasClients }.keys.sorted()
    }
    /// Whether everything is known of everybody.
    var isSettled: Bool { self.peers.values.allSatisfy { $0.isSynced } }
    /// Whether market data comes from one of them.
    var hasFeeders: Bool { self.peers.values.contains { $0.isFeeding } }

    // MARK: What comes

    /// A heartbeat.
    mutating func heard(_ node: UInt64, _ pulse: NodeMessage.Pulse, now: NIODeadline) -> [Action] {
        var actions: [Action] = []
        if self.peers[node] == nil {
            guard self.peers.count < self.limits.peersMax else { return [] }
            // A newcomer has told nobody yet; of a node that was here before us the others have heard long ago.
            let isBack = self.mourned.removeValue(forKey: node) == pulse.epoch
            self.peers[node] = Peer(
                epoch: pulse.epoch, lastHeard: now, heardTick: self.tickNumber, isNews: isBack || !pulse.isReady)
            if !pulse.isGreeting { actions.append(.greetBack) }
            if pulse.isFeeding { actions.append(.feederCame) }
        } else if self.peers[node]?.epoch != pulse.epoch {
            self.peers[node]?.epoch = pulse.epoch
            self.peers[node]?.isSynced = false
            self.peers[node]?.requestedAt = nil
            self.peers[node]?.isNews = true
        } else if self.peers[node]?.isSynced == true, self.peers[node]?.sequence != pulse.sequence {
            // Changes come before the heartbeat that counts them.
            self.peers[node]?.isSynced = false
        }
        if pulse.isGreeting { actions.append(.greetBack) }
        self.touch(node, now)
        self.peers[node]?.isReady = pulse.isReady
        self.peers[node]?.isFeeding = pulse.isFeeding
        self.peers[node]?.hasClients = pulse.hasClients
        // Who has no clients has nothing to tell.
        if !pulse.hasClients { self.peers[node]?.isSynced = true }
        return actions + self.requestIfNeeded(node, now)
    }

    /// Changes.
    mutating func changed(
        _ node: UInt64, epoch: UInt64, sequence: UInt64, _ records: [DirectoryRecord], now: NIODeadline
    ) -> [Action] {
        guard let peer = self.peers[node], peer.epoch == epoch else { return [] }
        self.touch(node, now)
        guard peer.isSynced else { return self.requestIfNeeded(node, now) }
        if sequence <= peer.sequence { return [] }
        guard sequence == peer.sequence + 1 else {
            self.peers[node]?.isSynced = false
            return self.requestIfNeeded(node, now)
        }
        self.peers[node]?.sequence = sequence
        return [.apply(node, records)]
    }

    /// A part of a full state; complete with the last part, provided none was missed.
    mutating func stated(
        _ node: UInt64, epoch: UInt64, sequence: UInt64, part: Int, isLast: Bool, _ records: [DirectoryRecord],
        now: NIODeadline
    ) -> [Action] {
        guard let peer = self.peers[node], peer.epoch == epoch else { return [] }
        self.touch(node, now)
        if part == 0 {
            self.peers[node]?.parts = []
            self.peers[node]?.nextPart = 0
        }
        guard self.peers[node]?.nextPart == part, peer.parts.count + records.count <= self.limits.recordsMax else {
            self.peers[node]?.nextPart = -1
            return []
        }
        self.peers[node]?.nextPart = part + 1
        self.peers[node]?.parts += records
        guard isLast else { return [] }
        let parts = self.peers[node]?.parts ?? []
        self.peers[node]?.parts = []
        self.peers[node]?.sequence = sequence
        self.peers[node]?.isSynced = true
        self.peers[node]?.isKnown = true
        self.peers[node]?.requestedAt = nil
        self.peers[node]?.isNews = true
        return [.replace(node, parts, isNews: peer.isNews)]
    }

    /// The node ended, and said so.
    mutating func left(_ node: UInt64) -> [Action] {
        guard let peer = self.peers.removeValue(forKey: node) else { return [] }
        return [.remove(node, isNews: true, since: self.tickNumber)] + self.feedersGone(after: peer)
    }

    // MARK: Our own connection

    /// It is there: whatever was said meanwhile was not heard.
    mutating func connected(now: NIODeadline) -> [Action] {
        self.isConnected = true
        // Nobody could be heard: nobody may be blamed for that.
        for node in self.peers.keys { self.peers[node]?.lastHeard = now }
        return self.lost(now: now)
    }

    /// It is gone.
    mutating func disconnected() { self.isConnected = false }

    /// Some messages were lost, nobody knows whose.
    mutating func lost(now: NIODeadline) -> [Action] {
        self.peers.keys.sorted().flatMap { node -> [Action] in
            guard self.peers[node]?.hasClients == true else { return [] }
            self.peers[node]?.isSynced = false
            self.peers[node]?.requestedAt = nil
            return self.requestIfNeeded(node, now)
        }
    }

    // MARK: Time

    /// Removes who is silent for too long, asks again where there was no answer.
    mutating func tick(now: NIODeadline) -> [Action] {
        self.tickNumber += 1
        var actions: [Action] = []
        for node in self.peers.keys.sorted() {
            guard let peer = self.peers[node] else { continue }
            if now - peer.lastHeard > self.limits.lease {
                self.peers[node] = nil
                if self.isConnected {
                    if self.mourned.count >= self.limits.peersMax { self.mourned = [:] }
                    self.mourned[node] = peer.epoch
                }
                actions.append(.remove(node, isNews: self.isConnected, since: peer.heardTick))
                actions += self.feedersGone(after: peer)
            } else {
                actions += self.requestIfNeeded(node, now)
            }
        }
        return actions
    }

    private mutating func touch(_ node: UInt64, _ now: NIODeadline) {
        self.peers[node]?.lastHeard = now
        self.peers[node]?.heardTick = self.tickNumber
    }

    private mutating func requestIfNeeded(_ node: UInt64, _ now: NIODeadline) -> [Action] {
        guard let peer = self.peers[node], !peer.isSynced, self.isConnected else { return [] }
        if let requestedAt = peer.requestedAt, now - requestedAt < self.limits.requestTimeout { return [] }
        self.peers[node]?.requestedAt = now
        return [.requestState(node)]
    }

    private func feedersGone(after peer: Peer) -> [Action] {
        peer.isFeeding && !self.hasFeeders ? [.feedersGone] : []
    }
}
