import Channels
import NIOCore

/// The protocol side of one client's connection: the machine, the app, the socket id and the slot in the hub's shard.
///
/// It turns the machine's actions into frames and sends them through the shard, so that replies and events have one
/// order. What carries the frames is a ``SessionTransport``; a WebSocket is one (``ConnectionHandler``).
///
/// Another transport, for example streaming over HTTP:
///
/// 1. It makes a session on the loop of `shard` and calls ``start(on:descriptor:prelude:)`` with descriptor -1. All that
///    the session has to say comes to ``SessionTransport/write(_:promise:)`` from then on, as finished, unmasked WebSocket
///    frames of server to client, several in one buffer at times, none of them cut. Text frames are what the client shall
///    get; a ping or pong may be dropped, because `pusher:ping` follows as text; the close frame's payload is code and
///    reason. Each write's promise must be completed when the bytes have left (or will never leave): what is not yet
///    completed counts as waiting, and too much of it conflates ticks and then ends the session with 4100.
/// 2. It hands each text of the client to ``received(text:)`` and calls ``heard()`` for other signs of life.
/// 3. When the client leaves, or after ``SessionTransport/sessionClosed(_:)``, it calls ``ended()``, once and for all. The
///    session keeps its transport alive until then; a transport that waits for a client to come back just does not call it.
final class ClientSession: Subscriber {
    /// What a client's first request said.
    struct Opening: Sendable {
        /// The app's number in the hub; `nil` when no app has the key.
        var app: Int32?
        /// Whether the path ends behind the key.
        var isPathKnown = true
        /// The query's `protocol`.
        var protocolVersion: String?
        /// The query's `bandwidth`: bytes a second that the client wants at most.
        var bandwidth: String?
        /// Whether the connection is encrypted.
        var isSecure = false
        /// Whether published events may be sent compressed (permessage-deflate).
        var isCompressed = false
        /// Why the connection is closed as soon as it is open; `nil` lets it in.
        var refusal: CloseCode?
    }

    private enum State {
        case idle
        case open(any SessionTransport)
        case closing(any SessionTransport)
        case ended
    }

    /// The connection's name towards clients.
    let socketID: SocketID
    private let shard: HubShard
    private let environment: ServerEnvironment
    private let opening: Opening
    private var machine: PusherConnection
    private var state = State.idle
    private var slot: Int32 = -1
    /// Whether the connection counts among its app's.
    private var isCounted = false

    init(shard: HubShard, environment: ServerEnvironment, opening: Opening) {
        self.shard = shard
        self.environment = environment
        self.opening = opening
        self.socketID = SocketID(bits: .random(in: .min ... .max))
        self.machine = PusherConnection(limits: environment.options.connection, now: .now)
    }

    /// Whether frames still go both ways: `false` from the close frame on.
    var isOpen: Bool {
        if case .open = self.state { true } else { false }
    }

    // MARK: The transport's side

    /// Takes a slot, sends `prelude` and then the greeting, or the close code that refuses the connection.
    ///
    /// - Parameters:
    ///   - transport: Carries the frames; kept until ``ended()``.
    ///   - descriptor: The socket to send to; -1 when everything must go through the transport's `write`.
    ///   - prelude: Bytes to send before the first frame.
    func start(on transport: any SessionTransport, descriptor: Int32, prelude: [UInt8] = []) {
        guard case .idle = self.state else { preconditionFailure("a session starts once") }
        self.state = .open(transport)
        let hasCapacity = self.environment.hub.connectionCount < self.environment.options.connectionsMax
        self.slot = self.shard.attach(self, descriptor: descriptor, socketID: self.socketID)
        if self.opening.isCompressed { self.shard.setCompressed(self.slot) }
        let bandwidth = self.opening.bandwidth.map { BandwidthMeter.bytesPerSecond(asked: $0) }
        self.shard.setBudget(self.slot, asked: bandwidth ?? nil)
        if !prelude.isEmpty { self.send(prelude) }
        if let refusal = self.opening.refusal { return self.close(refusal) }
        self.isCounted = self.opening.app.map { self.environment.hub.reserveConnection(app: $0) } ?? false
        self.perform(
            self.machine.opened(
                app: self.opening.app.map { self.environment.hub.apps[Int($0)] },
                isPathKnown: self.opening.isPathKnown,
                protocolVersion: self.opening.protocolVersion,
                isSecure: self.opening.isSecure,
                hasCapacity: hasCapacity,
                isWithinQuota: self.isCounted,
                socketID: self.socketID,
                now: .now
            )
        )
        if self.isOpen, let asked = self.opening.bandwidth, bandwidth == .some(nil) {
            self.send(.error(code: nil, message: BandwidthMeter.problem(with: asked)))
        }
        self.scheduleCheck()
    }

    /// A complete text of the client arrived; it must be valid UTF-8.
    func received(text: UnsafeBufferPointer<UInt8>) {
        guard self.isOpen else { return }
        self.perform(self.machine.received(text: text, now: .now, validate: self.environment.hooks.validateChannel))
        self.scheduleCheck()
        // What a client asks for may be much longer than its question, and many questions come in one read.
        self.shard.drainIfFull()
    }

    /// The client gave another sign of life.
    func heard() {
        guard self.isOpen else { return }
        self.machine.heard(now: .now)
        self.scheduleCheck()
    }

    /// Sends bytes that are a frame of the transport's own, behind everything sent before.
    func send(_ bytes: some Sequence<UInt8>) {
        guard self.slot >= 0 else { return }
        Array(bytes).withUnsafeBytes { self.shard.send(self.slot, $0) }
    }

    /// Sends the transport's last frame: the connection leaves its channels and nothing follows.
    func finish(with frame: [UInt8]) {
        guard case .open(let transport) = self.state else { return }
        self.state = .closing(transport)
        _ = self.machine.closed()
        self.shard.finish(self.slot, frame)
    }

    /// The transport is gone: gives the slot back.
    ///
    /// Safe to call more than once.
    func ended() {
        switch self.state {
        case .idle, .ended: return
        case .open, .closing: break
        }
        self.state = .ended
        _ = self.machine.closed()
        let slot = self.slot
        self.slot = -1
        self.shard.detach(slot, socketID: self.socketID)
        if let app = self.opening.app, self.isCounted { self.environment.hub.releaseConnection(app: app) }
    }

    /// Closes at a moment of its own within the drain window, so that clients do not all come back at once.
    func drain() {
        let bound = NIOLoopBound(self, eventLoop: self.shard.eventLoop)
        let delay = self.environment.options.drainWindow * Double.random(in: 0...1)
        self.shard.eventLoop.scheduleTask(in: TimeAmount(delay)) {
            bound.value.close(.reconnect)
        }
    }

    // MARK: Subscriber

    var app: Int32? { self.opening.app }

    var transportName: String {
        switch self.state {
        case .open(let transport), .closing(let transport): transport.name
        case .idle, .ended: ""
        }
    }

    var allocator: ByteBufferAllocator {
        switch self.state {
        case .open(let transport), .closing(let transport): transport.allocator
        case .idle, .ended: ByteBufferAllocator()
        }
    }

    func writeThroughNIO(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>) {
        switch self.state {
        case .open(let transport), .closing(let transport): transport.write(buffer, promise: promise)
        case .idle, .ended: promise.fail(ChannelError.ioOnClosedChannel)
        }
    }

    func closeAsTooSlow() {
        self.close(.overCapacity)
    }

    func checkSilence(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard self.isOpen else { return nil }
        self.perform(self.machine.timerFired(now: now))
        return self.machine.deadline
    }

    func close(_ code: CloseCode) {
        guard case .open(let transport) = self.state else { return }
        let payload = [UInt8(code.code >> 8), UInt8(code.code & 0xFF)] + Array(code.reason.utf8)
        self.finish(with: WebSocketHeader.controlFrame(.close, payload: payload))
        transport.sessionClosed(code)
    }

    // MARK: Actions

    private func perform(_ action: PusherConnection.Action) {
        switch action {
        case .doNothing: break
        case .send(let frame): self.send(frame)
        case .subscribe(let channel, let member):
            guard let app = self.opening.app else { break }
            let refusal = self.shard.subscribe(self.slot, app: app, channel: channel, member: member)
            if let refusal { self.perform(self.machine.subscriptionRefused(channel, message: refusal)) }
        case .confirm(let channel):
            if let app = self.opening.app { self.shard.confirm(self.slot, app: app, channel: channel) }
        case .unsubscribe(let channel):
            if let app = self.opening.app { self.shard.unsubscribe(self.slot, app: app, channel: channel) }
        case .signIn(let user):
            if let app = self.opening.app { self.shard.signIn(self.slot, app: app, user) }
        case .broadcast(let event):
            if let app = self.opening.app { self.shard.publish(event, app: app, from: self.socketID) }
        case .refuseSubscription(let channel, let message):
            self.send(.error(code: nil, message: message))
            self.send(.subscriptionError(channel: channel, message: message))
        case .probe:
            self.send(WebSocketHeader.controlFrame(.ping))
            self.send(.ping)
        case .close(let code): self.close(code)
        }
    }

    /// Sends a frame of the protocol.
    func send(_ frame: ServerFrame) {
        if self.slot >= 0 { self.shard.send(self.slot, frame) }
    }

    private func scheduleCheck() {
        guard self.isOpen else { return }
        self.shard.setCheck(self.slot, at: self.machine.deadline)
    }
}
