import Backplane
import Channels
import Logging
import NIOCore
import Synchronization

/// This node's place among several: sends what happens here to the others, and what they say into the hub and its directory.
///
/// Everything but ``InterestTable`` is used on one event loop, the first of the hub's; what comes from the bus is read there
/// in its order. Loops that publish only encode and hand over.
///
/// SAFETY: `@unchecked Sendable` because the machines are used on `loop` only, which the entry points assert; `interests`
/// and the counter are behind mutexes, `hub` is set once before anything is shared.
final class Cluster: @unchecked Sendable {
    /// Times of the cluster.
    struct Times {
        var heartbeat = TimeAmount.seconds(1)
        /// How often time is looked at.
        var tick = TimeAmount.milliseconds(250)
        /// How long changes are gathered.
        var flush = TimeAmount.milliseconds(2)
        /// How long nodes may take to answer a greeting.
        var greeting = TimeAmount.milliseconds(300)
        /// When nobody waits any longer for the others at the start.
        var joining = TimeAmount.seconds(3)
        /// How long the connection may be away before prices are called stale.
        var grace = TimeAmount.seconds(1)
    }

    let bus: any MessageBus
    let loop: any EventLoop
    let appIDs: [String]
    let directory: Directory
    let times: Times
    let clock: @Sendable () -> NIODeadline
    let isFeeding: Bool
    let logger: Logger
    let interests = Mutex(InterestTable())
    let malformedCount = Mutex(0)
    let knownNodes = Mutex<[UInt64]>([])
    private(set) var shards: [HubShard] = []
    private(set) var hub: Hub?
    var peers: PeerTable
    var asks = AskTable()
    /// Questions that wait to be asked, and who waits for their answers.
    var questions: [NodeMessage.Question] = []
    var waiting: [NodeMessage.Question: [@Sendable (NodeMessage.Value?) -> Void]] = [:]
    var epoch = UInt64(WallTime.microseconds())
    var startedAt = NIODeadline.distantPast
    var connectedAt: NIODeadline?
    var lostAt: NIODeadline?
    var isStaleTold = false
    var resyncedAt = NIODeadline.distantPast
    private var beatAt = NIODeadline.distantPast
    private let ready = Mutex(false)
    private var ticker: RepeatedTask?

    init(
        bus: any MessageBus, loop: any EventLoop, appIDs: [String], directory: Directory, isFeeding: Bool,
        times: Times = Times(), limits: PeerTable.Limits = .init(), logger: Logger,
        clock: @escaping @Sendable () -> NIODeadline
    ) {
        self.bus = bus
        self.loop = loop
        self.appIDs = appIDs
        self.directory = directory
        self.isFeeding = isFeeding
        self.times = times
        self.peers = PeerTable(limits: limits)
        self.logger = logger
        self.clock = clock
    }

    /// Says where events and notices go; called once, before anything is shared.
    func attach(_ hub: Hub, _ shards: [HubShard]) {
        self.hub = hub
        self.shards = shards
    }

    /// Whether this node knows what the others have said, or has waited long enough for them.
    var isReady: Bool { self.ready.withLock { $0 } }

    // MARK: Life

    /// Connects and goes on until ``stop()``.
    func start() {
        self.loop.execute {
            self.startedAt = self.clock()
            self.bus.subscribe(Subject.directory)
            self.bus.subscribe(Subject.ask)
            self.bus.subscribe(Subject.node(self.bus.node))
            self.bus.start { [weak self] in
                guard let self else { return }
                self.loop.execute { self.takeItems() }
            }
            self.ticker = self.loop.scheduleRepeatedTask(initialDelay: self.times.tick, delay: self.times.tick) {
                [weak self] _ in
                self?.tick()
            }
        }
    }

    /// Says goodbye and disconnects.
    func stop() async {
        // Fails only when the loop has ended, and everything with it.
        try? await self.loop.submit {
            self.ticker?.cancel()
            self.ticker = nil
            self.flush()
            self.bus.publish(Subject.directory, NodeMessage.bye.bytes(from: self.bus.node))
        }.get()
        await self.bus.stop()
    }

    private func tick() {
        let now = self.clock()
        self.perform(self.peers.tick(now: now))
        self.setTellers()
        self.follow(self.directory.perform(on: self.shards[0].index) { $0.tick(keeping: 40) })
        self.finish(self.asks.expire(now: now))
        self.endInterests(now)
        self.becomeReady(now)
        self.askNext(now)
        if let lostAt = self.lostAt, now - lostAt > self.times.grace { self.tellStale() }
        if now - self.beatAt >= self.times.heartbeat { self.beat() }
    }

    /// Shows that this node lives, and how far it has come.
    func beat(isGreeting: Bool = false) {
        self.flush()
        self.beatAt = self.clock()
        var pulse = NodeMessage.Pulse(
            epoch: self.epoch, sequence: self.directory.read { $0.ledger?.sequence ?? 0 })
        pulse.isReady = self.isReady
        pulse.isFeeding = self.isFeeding
        pulse.hasClients = true
        pulse.isGreeting = isGreeting
        self.bus.publish(Subject.directory, NodeMessage.heartbeat(pulse).bytes(from: self.bus.node))
    }

    /// Whether the others have had time to show themselves since the connection was made.
    func hasJoined(_ now: NIODeadline) -> Bool {
        guard let connectedAt = self.connectedAt else { return false }
        return now - connectedAt >= self.times.greeting && self.peers.isSettled
            || now - connectedAt >= self.times.joining
    }

    private func becomeReady(_ now: NIODeadline) {
        guard !self.isReady, self.hasJoined(now) || now - self.startedAt >= self.times.joining else { return }
        self.ready.withLock { $0 = true }
        self.setTellers()
        self.beat()
    }

    /// Tells the directory who may tell apps' servers.
    func setTellers() {
        let tellers = self.peers.tellers + (self.isReady ? [self.bus.node] : [])
        self.follow(self.directory.perform(on: self.shards[0].index) { $0.setTellers(tellers.sorted()) })
    }

    // MARK: The directory

    /// Has changes sent in a moment; any thread.
    func scheduleFlush() {
        self.loop.execute { self.loop.scheduleTask(in: self.times.flush) { self.flush() } }
    }

    private func flush() {
        let epoch = self.epoch
        let apps = self.appIDs
        let outcome = self.directory.perform(on: self.shards[0].index) { state -> [NodeMessage] in
            guard let changes = state.ledger?.takeChanges(), !changes.isEmpty else { return [] }
            var messages: [NodeMessage] = []
            for piece in NodeMessage.changes(changes.map { DirectoryRecord($0, apps: apps) }) {
                if !messages.isEmpty { state.ledger?.countMessage() }
                messages.append(.changes(epoch: epoch, sequence: state.ledger?.sequence ?? 0, piece))
            }
            return messages
        }
        self.follow(outcome)
        for message in outcome.value { self.bus.publish(Subject.directory, message.bytes(from: self.bus.node)) }
    }

    /// Does what a change in the directory asks for.
    func follow<Value>(_ outcome: Directory.Outcome<Value>) { self.shards[0].follow(outcome) }

    /// Does what the table of nodes asks for.
    func perform(_ actions: [PeerTable.Action]) {
        let now = self.clock()
        for action in actions {
            switch action {
            case .requestState(let node): self.send(.stateRequest, to: node)
            case .greetBack: self.beat()
            case .apply(let node, let records):
                let changes = records.compactMap { DirectoryChange($0, apps: self.appIDs) }
                self.follow(
                    self.directory.perform(on: self.shards[0].index) { $0.apply(changes, of: node, now: now) })
            case .replace(let node, let records, let isNews):
                let changes = records.compactMap { DirectoryChange($0, apps: self.appIDs) }
                self.follow(
                    self.directory.perform(on: self.shards[0].index) {
                        $0.replace(changes, of: node, isNews: isNews, now: now)
                    })
            case .remove(let node, let isNews, let tick):
                self.logger.info("Node gone", metadata: ["node": "\(String(node, radix: 16))"])
                self.setTellers()
                self.follow(
                    self.directory.perform(on: self.shards[0].index) {
                        $0.remove(node, isNews: isNews, since: tick, now: now)
                    })
                self.interests.withLock { $0.forget(node) }
                self.finish(self.asks.forget(node))
            case .feederCame:
                self.isStaleTold = false
                self.refresh(marketOnly: true)
            case .feedersGone: self.tellStale()
            }
        }
        guard !actions.isEmpty else { return }
        let nodes = self.peers.nodes
        self.knownNodes.withLock { $0 = nodes }
    }

    /// Sends a message to one node.
    func send(_ message: NodeMessage, to node: UInt64) {
        self.bus.publish(Subject.node(node), message.bytes(from: self.bus.node))
    }

    /// Counts a message that made no sense; the first is logged.
    func malformed(_ error: BackplaneError) {
        let count = self.malformedCount.withLock { count in
            count += 1
            return count
        }
        if count == 1 { self.logger.warning("Message from another node dropped", metadata: ["error": "\(error)"]) }
    }
}

extension DirectoryRecord {
    /// What the others are told, with the apps' ids.
    init(_ change: DirectoryChange, apps: [String]) {
        switch change {
        case .channel(let key, let count, let members):
            self = .channel(
                app: apps[Int(key.app)], name: key.name, count: count,
                members: members.map { Member(id: $0.id, info: $0.info) })
        case .user(let user, let isOnline): self = .user(app: apps[Int(user.app)], id: user.id, isOnline: isOnline)
        case .cacheMiss(let key): self = .cacheMiss(app: apps[Int(key.app)], channel: key.name)
        case .terminate(let user): self = .terminate(app: apps[Int(user.app)], id: user.id)
        }
    }
}

extension DirectoryChange {
    /// What another node said; `nil` when it is about an app that this one does not have.
    init?(_ record: DirectoryRecord, apps: [String]) {
        func number(_ id: String) -> Int32? { apps.firstIndex(of: id).map { Int32($0) } }
        switch record {
        case .channel(let app, let name, let count, let members):
            guard let app = number(app) else { return nil }
            self = .channel(
                ChannelKey(app: app, name: name), count: count,
                members: members.map { Member(id: $0.id, info: $0.info) })
        case .user(let app, let id, let isOnline):
            guard let app = number(app) else { return nil }
            self = .user(UserKey(app: app, id: id), isOnline: isOnline)
        case .cacheMiss(let app, let channel):
            guard let app = number(app) else { return nil }
            self = .cacheMiss(ChannelKey(app: app, name: channel))
        case .terminate(let app, let id):
            guard let app = number(app) else { return nil }
            self = .terminate(UserKey(app: app, id: id))
        }
    }
}
