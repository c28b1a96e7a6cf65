/// Which of several connections takes a request, who waits, and which connection is opened or closed.
struct MultiplexPool: Sendable {
    /// Where a request goes.
    enum Placement: Hashable, Sendable {
        /// On this connection.
        case connection(Int)
        /// On this connection, which is to be opened.
        case newConnection(Int)
        /// It waits for its turn.
        case wait
        /// Too many wait.
        case refuse
    }

    /// What the owner of the connections does next.
    enum Action: Hashable, Sendable {
        /// A waiting request goes on this connection.
        case start(UInt64, Placement)
        /// The time of a waiting request is over.
        case expire(UInt64)
        /// Nothing is on its way there: close it.
        case close(Int)
        /// End what is on its way there, and close it.
        case abort(Int)
    }

    private struct Waiter {
        let request: UInt64
        let deadline: ContinuousClock.Instant
    }

    private let connectionsMax: Int
    private let waitersMax: Int
    private let limits: MultiplexLimits
    /// A connection with so many requests on their way gets company, while there are fewer than the most.
    private static let spreadAt = 50
    /// So many wait for a connection that is being warmed before another is opened.
    private static let patience = 16
    private static let renewalSpacing = Duration.seconds(5)
    private var renewedAt: ContinuousClock.Instant?
    private(set) var connections: [Int: MultiplexedConnection] = [:]
    private var nextConnection = 0
    /// Oldest first; those served or gone before their turn are skipped.
    private var waiters: [Waiter] = []
    private var waitersStart = 0
    private var waiting: Set<UInt64> = []

    init(connectionsMax: Int, waitersMax: Int, limits: MultiplexLimits) {
        self.connectionsMax = max(1, connectionsMax)
        self.waitersMax = max(0, waitersMax)
        self.limits = limits
    }

    /// How many requests wait.
    var waitingCount: Int { self.waiting.count }

    /// A request comes in.
    mutating func request(
        _ request: UInt64, deadline: ContinuousClock.Instant, now: ContinuousClock.Instant
    ) -> Placement {
        if self.waiting.isEmpty, let placement = self.place(now: now, waiting: 1) { return placement }
        guard self.waiting.count < self.waitersMax else { return .refuse }
        self.waiters.append(Waiter(request: request, deadline: deadline))
        self.waiting.insert(request)
        // Its coming may be what another connection is opened for; that one then takes whoever waits longest.
        return .wait
    }

    /// What waiting requests can start now.
    mutating func startWaiting(now: ContinuousClock.Instant) -> [Action] {
        var actions: [Action] = []
        while let waiter = self.firstWaiter(), let placement = self.place(now: now, waiting: self.waiting.count) {
            self.removeFirstWaiter()
            actions.append(.start(waiter.request, placement))
        }
        return actions
    }

    /// The caller of a request gave up.
    ///
    /// - Returns: Whether it still waited.
    mutating func cancelled(_ request: UInt64) -> Bool { self.waiting.remove(request) != nil }

    /// A request on a connection has ended.
    mutating func ended(
        on connection: Int, _ ending: MultiplexedConnection.Ending, now: ContinuousClock.Instant
    ) -> [Action] {
        guard let action = self.connections[connection]?.ended(ending, now: now) else { return [] }
        return self.carryOut(action, connection) + self.startWaiting(now: now)
    }

    /// Time has passed.
    mutating func ticked(now: ContinuousClock.Instant) -> [Action] {
        var actions: [Action] = []
        for connection in self.connections.keys.sorted() {
            guard let action = self.connections[connection]?.ticked(now: now) else { continue }
            actions += self.carryOut(action, connection)
        }
        while let waiter = self.firstWaiter(), waiter.deadline <= now {
            self.removeFirstWaiter()
            actions.append(.expire(waiter.request))
        }
        return actions + self.startWaiting(now: now)
    }

    /// Every connection takes nothing new: what comes next gets new ones.
    ///
    /// Does nothing for some seconds after the last time: of hundreds of requests that ask for it, all were sent before.
    mutating func renew(now: ContinuousClock.Instant) -> [Action] {
        if let renewedAt, renewedAt.duration(to: now) < Self.renewalSpacing { return [] }
        self.renewedAt = now
        var actions: [Action] = []
        for connection in self.connections.keys.sorted() {
            guard let action = self.connections[connection]?.drain() else { continue }
            actions += self.carryOut(action, connection)
        }
        return actions + self.startWaiting(now: now)
    }

    /// Nothing more is taken; whoever waits is told.
    mutating func shutDown() -> [UInt64] {
        defer {
            self.waiting = []
            self.waiters = []
            self.waitersStart = 0
        }
        return self.waiters[self.waitersStart...].map(\.request).filter { self.waiting.contains($0) }
    }

    // MARK: The parts

    private mutating func carryOut(_ action: MultiplexedConnection.Action, _ connection: Int) -> [Action] {
        switch action {
        case .doNothing, .useRoom: return []
        case .close:
            self.connections[connection] = nil
            return [.close(connection)]
        case .abort:
            self.connections[connection] = nil
            return [.abort(connection)]
        }
    }

    /// The connection with the fewest requests that has room, or a new one.
    private mutating func place(now: ContinuousClock.Instant, waiting: Int) -> Placement? {
        let best = self.connections.filter { $0.value.room > 0 }.min {
            ($0.value.inFlight, $0.key) < ($1.value.inFlight, $1.key)
        }
        // One that drains is on its way out and does not count.
        let usable = self.connections.values.filter { $0.phase != .draining }
        let mayOpen = usable.count < self.connectionsMax
        if let best, best.value.inFlight < Self.spreadAt || !mayOpen {
            self.connections[best.key]?.began(now: now)
            return .connection(best.key)
        }
        let isWarming = usable.contains { $0.phase == .warming }
        guard mayOpen, !isWarming || waiting > Self.patience else {
            guard let best else { return nil }
            self.connections[best.key]?.began(now: now)
            return .connection(best.key)
        }
        let id = self.nextConnection
        self.nextConnection += 1
        var connection = MultiplexedConnection(limits: self.limits, now: now)
        connection.began(now: now)
        self.connections[id] = connection
        return .newConnection(id)
    }

    private mutating func firstWaiter() -> Waiter? {
        while self.waitersStart < self.waiters.count {
            let waiter = self.waiters[self.waitersStart]
            if self.waiting.contains(waiter.request) { return waiter }
            self.waitersStart += 1
        }
        self.waiters.removeAll(keepingCapacity: true)
        self.waitersStart = 0
        return nil
    }

    private mutating func removeFirstWaiter() {
        self.waiting.remove(self.waiters[self.waitersStart].request)
        self.waitersStart += 1
        if self.waitersStart > 1_024, self.waitersStart * 2 > self.waiters.count {
            self.waiters.removeFirst(self.waitersStart)
            self.waitersStart = 0
        }
    }
}
