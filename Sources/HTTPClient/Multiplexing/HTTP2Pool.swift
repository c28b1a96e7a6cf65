import Synchronization

/// Sends requests to one host over a few HTTP/2 connections, each shared by many requests.
///
/// For push services: every connection begins with one request alone, requests go where the fewest are, and a connection
/// that breaks or falls silent is replaced. A request that ends with ``HTTPClientError/transferFailed(host:reason:)`` may
/// have arrived: who sends it again uses the same ids. When more than `waitersMax` wait for room, further ones end with
/// ``HTTPClientError/busy(host:limit:)``. Someone has to be in ``run()``: it looks after the times.
public final class HTTP2Pool: Sendable {
    private struct Connection {
        let client: HTTPClient
        let gate: SocketGate
    }

    private struct State {
        var pool: MultiplexPool
        var connections: [Int: Connection] = [:]
        var continuations: [UInt64: CheckedContinuation<MultiplexPool.Placement, Never>] = [:]
        /// Stopped already, their threads still to be joined.
        var closing: [HTTPClient] = []
        var nextRequest: UInt64 = 0
        var isShutDown = false
    }

    private let version: String
    private let limits: MultiplexLimits
    private let waitersMax: Int
    private let state: Mutex<State>

    /// Makes a pool; connects nothing yet.
    ///
    /// - Parameters:
    ///   - version: Goes into the header `User-Agent: Tickwire/VERSION`.
    ///   - connectionsMax: Connections at once.
    ///   - waitersMax: Requests that wait for room; further ones are refused.
    ///   - limits: The limits of each connection.
    public init(
        version: String = "dev", connectionsMax: Int = 4, waitersMax: Int = 4_096,
        limits: MultiplexLimits = MultiplexLimits()
    ) {
        self.version = version
        self.limits = limits
        self.waitersMax = waitersMax
        self.state = Mutex(
            State(pool: MultiplexPool(connectionsMax: connectionsMax, waitersMax: waitersMax, limits: limits)))
    }

    /// How its connections are.
    public var status: HTTP2PoolStatus {
        self.state.withLock { state in
            HTTP2PoolStatus(
                connections: state.pool.connections.count,
                hotConnections: state.pool.connections.values.count { $0.phase == .hot },
                inFlight: state.pool.connections.values.reduce(0) { $0 + $1.inFlight },
                waiting: state.pool.waitingCount)
        }
    }

    /// Sends a request and waits for its answer; its time-out includes the wait for room.
    ///
    /// - Returns: The answer, whatever its status.
    /// - Throws: ``HTTPClientError`` when there is none.
    public func execute(_ request: HTTPRequest) async throws(HTTPClientError) -> HTTPResponse {
        let host = try HTTPTarget(request.url).host
        let started = ContinuousClock.now
        let placement = await self.placement(deadline: started.advanced(by: request.timeout))
        let id: Int
        switch placement {
        case .connection(let connection), .newConnection(let connection): id = connection
        case .refuse: throw .busy(host: host, limit: self.waitersMax)
        case .wait:
            if Task.isCancelled { throw .cancelled }
            if self.state.withLock({ $0.isShutDown }) { throw .shutDown }
            throw .timedOut(host: host, limit: request.timeout)
        }
        guard let client = self.client(id) else {
            self.ended(on: id, .givenUp)
            throw .shutDown
        }
        var request = request
        let limit = request.timeout
        request.timeout = max(.milliseconds(1), request.timeout - started.duration(to: ContinuousClock.now))
        do throws(HTTPClientError) {
            let response = try await client.execute(request)
            self.ended(on: id, (200...299).contains(response.status) ? .accepted : .rejected)
            return response
        } catch {
            self.ended(on: id, Self.ending(error))
            // What was left of the time after the wait for room is nobody's limit.
            if case .timedOut = error { throw .timedOut(host: host, limit: limit) }
            if case .shutDown = error, !self.state.withLock({ $0.isShutDown }) {
                throw .transferFailed(
                    host: host, reason: "nothing was answered for \(self.limits.silenceMax) on the connection")
            }
            throw error
        }
    }

    /// Makes what is sent from now on use new connections: after a change of credentials.
    public func renew() {
        self.perform(self.state.withLock { $0.pool.renew(now: .now) })
    }

    /// Replaces silent and old connections, and ends requests that waited too long; until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            // A cancelled sleep ends the loop.
            try? await Task.sleep(for: .milliseconds(250))
            self.perform(self.state.withLock { $0.pool.ticked(now: .now) })
            await self.joinClosed()
        }
    }

    /// Ends all requests with ``HTTPClientError/shutDown`` and closes the connections.
    public func shutdown() async {
        let (waiters, clients) = self.state.withLock { state in
            state.isShutDown = true
            let waiters = state.pool.shutDown().compactMap { state.continuations.removeValue(forKey: $0) }
            let clients = state.connections.values.map(\.client)
            state.connections = [:]
            return (waiters, clients)
        }
        for waiter in waiters { waiter.resume(returning: .wait) }
        for client in clients { await client.shutdown() }
        await self.joinClosed()
    }

    // MARK: The parts

    /// Waits for room; `.wait` as a result means that there will be none.
    private func placement(deadline: ContinuousClock.Instant) async -> MultiplexPool.Placement {
        let id = self.state.withLock { state in
            state.nextRequest += 1
            return state.nextRequest
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (placement, actions) = self.state.withLock {
                    state -> (MultiplexPool.Placement?, [MultiplexPool.Action]) in
                    if state.isShutDown || Task.isCancelled { return (.wait, []) }
                    let placement = state.pool.request(id, deadline: deadline, now: .now)
                    guard placement == .wait else { return (placement, []) }
                    state.continuations[id] = continuation
                    return (nil, state.pool.startWaiting(now: .now))
                }
                if let placement {
                    self.open(placement)
                    continuation.resume(returning: placement)
                }
                self.perform(actions)
            }
        } onCancel: {
            let waiter = self.state.withLock { state in
                state.pool.cancelled(id) ? state.continuations.removeValue(forKey: id) : nil
            }
            waiter?.resume(returning: .wait)
        }
    }

    private func ended(on connection: Int, _ ending: MultiplexedConnection.Ending) {
        self.perform(
            self.state.withLock { state in
                let actions = state.pool.ended(on: connection, ending, now: .now)
                // Once requests share it, libcurl must not open another in its place.
                let phase = state.pool.connections[connection]?.phase
                state.connections[connection]?.gate.set(isOpen: phase == .cold || phase == .warming)
                return actions
            })
    }

    private func perform(_ actions: [MultiplexPool.Action]) {
        for action in actions {
            switch action {
            case .start(let request, let placement):
                self.open(placement)
                let waiter = self.state.withLock { $0.continuations.removeValue(forKey: request) }
                waiter?.resume(returning: placement)
            case .expire(let request):
                let waiter = self.state.withLock { $0.continuations.removeValue(forKey: request) }
                waiter?.resume(returning: .wait)
            case .close(let connection), .abort(let connection):
                self.state.withLock { state in
                    guard let closed = state.connections.removeValue(forKey: connection) else { return }
                    closed.client.requestStop()
                    state.closing.append(closed.client)
                }
            }
        }
    }

    private func open(_ placement: MultiplexPool.Placement) {
        guard case .newConnection(let id) = placement else { return }
        let gate = SocketGate()
        let client = HTTPClient(version: self.version, streamsMax: self.limits.streamsMax, gate: gate)
        self.state.withLock { state in
            guard !state.isShutDown else { return }
            state.connections[id] = Connection(client: client, gate: gate)
        }
    }

    /// The connection's client; while it is cold libcurl may open a socket for it.
    private func client(_ id: Int) -> HTTPClient? {
        self.state.withLock { state in
            guard let connection = state.connections[id] else { return nil }
            if state.pool.connections[id]?.phase == .warming { connection.gate.set(isOpen: true) }
            return connection.client
        }
    }

    private func joinClosed() async {
        let closing = self.state.withLock { state in
            defer { state.closing = [] }
            return state.closing
        }
        for client in closing { await client.shutdown() }
    }

    private static func ending(_ error: HTTPClientError) -> MultiplexedConnection.Ending {
        switch error {
        case .timedOut, .cancelled, .bodyTooLarge, .invalidRequest, .streamReset, .busy: .givenUp
        case .cannotResolve, .cannotConnect, .addressRefused, .tls, .transferFailed, .shutDown, .cannotStart: .lost
        }
    }
}

/// How the connections of an ``HTTP2Pool`` are.
public struct HTTP2PoolStatus: Hashable, Sendable {
    /// Connections, those too that take nothing new.
    public let connections: Int
    /// Connections that requests share.
    public let hotConnections: Int
    /// Requests on their way.
    public let inFlight: Int
    /// Requests that wait for room.
    public let waiting: Int
}
