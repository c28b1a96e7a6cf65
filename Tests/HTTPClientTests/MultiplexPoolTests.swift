import Testing

@testable import HTTPClient

@Suite("Requests over several HTTP/2 connections")
struct MultiplexPoolTests {
    private static let start = ContinuousClock.now
    private static let later = start.advanced(by: .seconds(10))

    private static func pool(connections: Int = 2, waiters: Int = 100, streams: Int = 500) -> MultiplexPool {
        MultiplexPool(connectionsMax: connections, waitersMax: waiters, limits: MultiplexLimits(streamsMax: streams))
    }

    private static func take(_ pool: inout MultiplexPool, _ request: UInt64) -> MultiplexPool.Placement {
        pool.request(request, deadline: Self.later, now: Self.start)
    }

    @Test("The first request opens a connection, the next ones wait until that is hot")
    func firstWaits() {
        var pool = Self.pool()
        #expect(Self.take(&pool, 1) == .newConnection(0))
        for request in UInt64(2)...5 { #expect(Self.take(&pool, request) == .wait) }
        #expect(pool.startWaiting(now: Self.start).isEmpty)
        let actions = pool.ended(on: 0, .accepted, now: Self.start)
        #expect(actions == (2...5).map { .start($0, .connection(0)) })
    }

    @Test("When many wait for a connection that warms, another is opened")
    func spread() {
        var pool = Self.pool()
        _ = Self.take(&pool, 0)
        var opened: [MultiplexPool.Action] = []
        for request in UInt64(1)...40 {
            #expect(Self.take(&pool, request) == .wait)
            opened += pool.startWaiting(now: Self.start)
        }
        #expect(opened == [.start(1, .newConnection(1))])
    }

    @Test("A rejected first request is followed by one other alone")
    func rejectedFirst() {
        var pool = Self.pool()
        for request in UInt64(0)...3 { _ = Self.take(&pool, request) }
        #expect(pool.ended(on: 0, .rejected, now: Self.start) == [.start(1, .connection(0))])
    }

    @Test("A request goes where the fewest are")
    func leastInFlight() {
        var pool = Self.pool(connections: 2)
        _ = Self.take(&pool, 0)
        _ = pool.ended(on: 0, .accepted, now: Self.start)
        for request in UInt64(1)...50 { #expect(Self.take(&pool, request) == .connection(0)) }
        #expect(Self.take(&pool, 51) == .newConnection(1))
        #expect(Self.take(&pool, 52) == .connection(0))
        _ = pool.ended(on: 1, .accepted, now: Self.start)
        for request in UInt64(53)...60 { #expect(Self.take(&pool, request) == .connection(1)) }
    }

    @Test("With every connection full, requests wait, and beyond the limit they are refused")
    func backPressure() {
        var pool = Self.pool(connections: 1, waiters: 2, streams: 2)
        _ = Self.take(&pool, 0)
        _ = pool.ended(on: 0, .accepted, now: Self.start)
        #expect((1...5).map { Self.take(&pool, $0) } == [.connection(0), .connection(0), .wait, .wait, .refuse])
        #expect(pool.waitingCount == 2)
        #expect(pool.ended(on: 0, .accepted, now: Self.start) == [.start(3, .connection(0))])
    }

    @Test("One that gave up waiting is skipped")
    func cancelled() {
        var pool = Self.pool()
        for request in UInt64(0)...2 { _ = Self.take(&pool, request) }
        #expect(pool.cancelled(1) && !pool.cancelled(1) && !pool.cancelled(0))
        #expect(pool.ended(on: 0, .accepted, now: Self.start) == [.start(2, .connection(0))])
    }

    @Test("Who has waited for the whole of its time is told")
    func expired() {
        var pool = Self.pool()
        for request in UInt64(0)...1 { _ = Self.take(&pool, request) }
        #expect(pool.ticked(now: Self.start.advanced(by: .seconds(9))).isEmpty)
        #expect(pool.ticked(now: Self.later) == [.expire(1)])
        #expect(pool.waitingCount == 0)
    }

    @Test("A silent connection is given up, and those who wait get a new one")
    func silent() {
        var pool = Self.pool(connections: 1)
        _ = Self.take(&pool, 0)
        let late = Self.start.advanced(by: .seconds(60))
        #expect(pool.request(1, deadline: late, now: Self.start) == .wait)
        let actions = pool.ticked(now: Self.start.advanced(by: .seconds(20)))
        #expect(actions == [.abort(0), .start(1, .newConnection(1))])
    }

    @Test("A lost connection lets the rest end and is followed by another, which begins cold")
    func lost() {
        var pool = Self.pool(connections: 1)
        _ = Self.take(&pool, 0)
        _ = pool.ended(on: 0, .accepted, now: Self.start)
        for request in UInt64(1)...3 { _ = Self.take(&pool, request) }
        #expect(pool.ended(on: 0, .lost, now: Self.start).isEmpty)
        #expect(Self.take(&pool, 4) == .newConnection(1))
        #expect(Self.take(&pool, 5) == .wait)
        #expect(pool.ended(on: 0, .lost, now: Self.start).isEmpty)
        #expect(pool.ended(on: 0, .lost, now: Self.start) == [.close(0)])
    }

    @Test("Renewal closes what is idle and drains the rest")
    func renewal() {
        var pool = Self.pool()
        _ = Self.take(&pool, 0)
        _ = pool.ended(on: 0, .accepted, now: Self.start)
        #expect(pool.renew(now: Self.start) == [.close(0)])
        #expect(Self.take(&pool, 1) == .newConnection(1))
        // Who asks for it so soon was sent before.
        #expect(pool.renew(now: Self.start.advanced(by: .seconds(4))).isEmpty)
        #expect(Self.take(&pool, 9) == .wait && pool.cancelled(9))
        #expect(pool.renew(now: Self.start.advanced(by: .seconds(5))).isEmpty)
        #expect(Self.take(&pool, 2) == .newConnection(2))
        #expect(pool.ended(on: 1, .accepted, now: Self.start) == [.close(1)])
    }

    @Test("However requests come and end, no connection ever has more than it may", arguments: UInt64(0)..<50)
    func bounded(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var pool = Self.pool(connections: 3, waiters: 1_000, streams: 7)
        var onConnection: [Int] = []
        var opened: Set<Int> = []
        func started(_ placement: MultiplexPool.Placement) {
            switch placement {
            case .connection(let id): onConnection.append(id)
            case .newConnection(let id):
                onConnection.append(id)
                #expect(opened.insert(id).inserted)
            case .wait, .refuse: break
            }
        }
        func perform(_ actions: [MultiplexPool.Action]) {
            for case .start(_, let placement) in actions { started(placement) }
        }
        for step in UInt64(0)..<400 {
            if Bool.random(using: &random) || onConnection.isEmpty {
                started(pool.request(step, deadline: Self.later, now: Self.start))
                perform(pool.startWaiting(now: Self.start))
            } else {
                let id = onConnection.remove(at: Int.random(in: 0..<onConnection.count, using: &random))
                let endings: [MultiplexedConnection.Ending] = [.accepted, .accepted, .accepted, .rejected, .lost]
                perform(pool.ended(on: id, endings.randomElement(using: &random) ?? .accepted, now: Self.start))
            }
            for (id, connection) in pool.connections {
                #expect(connection.inFlight == onConnection.count { $0 == id })
                #expect(connection.inFlight <= 7)
                #expect(connection.phase != .warming || connection.inFlight == 1)
            }
            #expect(pool.connections.values.count { $0.phase != .draining } <= 3)
        }
    }
}

/// The same numbers for the same seed.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
