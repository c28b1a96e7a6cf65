import Channels
import NIOCore
import NIOWebSocket

/// One client's WebSocket connection: frames in, actions of the protocol machine out.
///
/// Bytes leave through the hub's shard, so that replies and events have one order; NIO writes only what the shard hands
/// to ``writeThroughNIO(_:promise:)``.
final class ConnectionHandler: ChannelInboundHandler, Subscriber {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = ByteBuffer

    /// What the upgrade request said.
    struct Opening: Sendable {
        /// The app's number in the hub; `nil` when no app has the key.
        var app: Int32?
        /// The query's `protocol`.
        var protocolVersion: String?
        /// The answer to the upgrade request; empty in tests.
        var response: [UInt8]
    }

    private enum State {
        case open
        case closing
        case closed
    }

    private let shard: HubShard
    private let environment: ServerEnvironment
    private let opening: Opening
    private let socketID: SocketID
    private var machine: PusherConnection
    private var assembler: MessageAssembler
    private var state = State.open
    private var slot: Int32 = -1
    private var context: ChannelHandlerContext?

    init(shard: HubShard, environment: ServerEnvironment, opening: Opening) {
        self.shard = shard
        self.environment = environment
        self.opening = opening
        self.socketID = SocketID(bits: .random(in: .min ... .max))
        self.machine = PusherConnection(limits: environment.options.connection, now: .now)
        self.assembler = MessageAssembler(bytesMax: environment.options.messageBytesMax)
    }

    var allocator: ByteBufferAllocator { self.context?.channel.allocator ?? ByteBufferAllocator() }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let hasCapacity = self.environment.hub.connectionCount < self.environment.options.connectionsMax
        self.slot = self.shard.attach(self, descriptor: Self.descriptor(of: context), socketID: self.socketID)
        if !self.opening.response.isEmpty { self.opening.response.withUnsafeBytes { self.shard.send(self.slot, $0) } }
        self.perform(
            self.machine.opened(
                app: self.opening.app.map { self.environment.hub.apps[Int($0)] },
                protocolVersion: self.opening.protocolVersion,
                hasCapacity: hasCapacity,
                socketID: self.socketID
            )
        )
        self.scheduleCheck()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.end()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let event = self.assembler.received(self.unwrapInboundIn(data))
        switch self.state {
        case .open: self.received(event)
        case .closing:
            // The answer to our close frame: nothing more can come.
            if case .close = event { context.close(promise: nil) }
        case .closed: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .open = self.state else { return context.close(promise: nil) }
        switch error {
        case NIOWebSocketError.invalidFrameLength: self.close(.messageTooBig)
        case is NIOWebSocketError: self.close(.protocolError)
        default: context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case NIOCore.ChannelEvent.inputClosed: context.close(promise: nil)
        case is ChannelShouldQuiesceEvent: self.drain(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Subscriber

    func writeThroughNIO(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>) {
        guard let context else { return promise.fail(ChannelError.ioOnClosedChannel) }
        context.writeAndFlush(self.wrapOutboundOut(buffer), promise: promise)
    }

    func closeAsTooSlow() {
        self.close(.overCapacity)
    }

    func checkSilence(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard case .open = self.state else { return nil }
        self.perform(self.machine.timerFired(now: now))
        return self.machine.deadline
    }

    func close(_ code: CloseCode) {
        guard case .open = self.state, let context else { return }
        self.state = .closing
        _ = self.machine.closed()
        let payload = [UInt8(code.code >> 8), UInt8(code.code & 0xFF)] + Array(code.reason.utf8)
        self.shard.finish(self.slot, WebSocketHeader.controlFrame(.close, payload: payload))
        // A client that does not answer keeps its socket no longer than this.
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(self.environment.options.closeTimeout)) {
            bound.value.close(promise: nil)
        }
    }

    // MARK: Actions

    private func received(_ event: MessageAssembler.Event) {
        switch event {
        case .nothing: break
        case .text(let message):
            let action = message.withUnsafeReadableBytes { bytes in
                self.machine.received(
                    text: bytes.bindMemory(to: UInt8.self),
                    now: .now,
                    validate: self.environment.hooks.validateChannel
                )
            }
            self.perform(action)
        case .ping(let payload):
            self.machine.heard(now: .now)
            self.send(WebSocketHeader.controlFrame(.pong, payload: payload.readableBytesView))
        case .pong:
            self.machine.heard(now: .now)
        case .close(let code):
            self.answerClose(code)
        case .violation(let code):
            self.close(code)
        }
        if case .open = self.state { self.scheduleCheck() }
    }

    private func perform(_ action: PusherConnection.Action) {
        switch action {
        case .doNothing: break
        case .send(let frame): self.send(frame)
        case .subscribe(let channel):
            if let app = self.opening.app { self.shard.subscribe(self.slot, app: app, channel: channel) }
        case .confirm(let channel):
            if let app = self.opening.app { self.shard.confirm(self.slot, app: app, channel: channel) }
        case .unsubscribe(let channel):
            if let app = self.opening.app { self.shard.unsubscribe(self.slot, app: app, channel: channel) }
        case .refuseSubscription(let channel, let message):
            self.send(.error(code: nil, message: message))
            self.send(.subscriptionError(channel: channel, message: message))
        case .probe:
            self.send(WebSocketHeader.controlFrame(.ping))
            self.send(.ping)
        case .close(let code): self.close(code)
        }
    }

    private func send(_ frame: ServerFrame) {
        WebSocketHeader.textFrame { frame.write(to: &$0) }.withUnsafeBytes { self.shard.send(self.slot, $0) }
    }

    private func send(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { self.shard.send(self.slot, $0) }
    }

    private func answerClose(_ code: UInt16?) {
        guard let context else { return }
        self.state = .closing
        _ = self.machine.closed()
        let payload = code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
        self.shard.finish(self.slot, WebSocketHeader.controlFrame(.close, payload: payload))
        context.close(promise: nil)
    }

    private func scheduleCheck() {
        guard self.slot >= 0 else { return }
        self.shard.setCheck(self.slot, at: self.machine.deadline)
    }

    /// Closes at a moment of its own within the window, so that clients do not all come back at once.
    private func drain(_ context: ChannelHandlerContext) {
        let window = self.environment.options.drainWindow
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(window * Double.random(in: 0...1))) {
            bound.value.close(.reconnect)
        }
    }

    private func end() {
        guard self.slot >= 0 else { return }
        self.state = .closed
        _ = self.machine.closed()
        let slot = self.slot
        self.slot = -1
        self.shard.detach(slot, socketID: self.socketID)
        self.context = nil
    }

    /// The socket's descriptor, looked up once; -1 when bytes must go through NIO.
    private static func descriptor(of context: ChannelHandlerContext) -> Int32 {
        // No transport, or not a socket: then NIO writes, which is always right.
        (try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }) ?? -1
    }
}
