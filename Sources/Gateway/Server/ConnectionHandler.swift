import Channels
import Compression
import NIOCore
import NIOWebSocket

/// One client's WebSocket: frames, the closing handshake and NIO's events; what the frames say is ``ClientSession``'s.
///
/// Bytes leave through the hub's shard, so that replies and events have one order; NIO writes only what the session hands
/// to ``write(_:promise:)``.
final class ConnectionHandler: ChannelInboundHandler, SessionTransport {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = ByteBuffer

    private enum State {
        case open
        /// Our close frame is on its way, the client's is not here.
        case closing
        /// Both have closed: the connection ends when what was written has left.
        case leaving
        case closed
    }

    let session: any WebSocketSession
    private let closeTimeout: Duration
    /// The answer to the upgrade request, until it is sent; empty in tests.
    private var response: [UInt8]
    /// Whether bytes may go straight to the socket: not with TLS.
    private let usesSocket: Bool
    private var assembler: MessageAssembler
    private var bucket: TokenBucket
    private var state = State.open
    private var context: ChannelHandlerContext?
    /// Writes that NIO has not finished.
    private var writesPending = 0

    /// A handler for one connection.
    ///
    /// - Parameters:
    ///   - session: What the messages go to.
    ///   - options: Times and limits.
    ///   - response: The answer to the upgrade request.
    ///   - usesSocket: Whether bytes may go straight to the socket.
    ///   - inflater: Unpacks compressed messages; `nil` when compression was not negotiated.
    init(
        session: any WebSocketSession,
        options: GatewayOptions,
        response: [UInt8],
        usesSocket: Bool = true,
        inflater: Inflater? = nil
    ) {
        self.session = session
        self.closeTimeout = options.closeTimeout
        self.response = response
        self.usesSocket = usesSocket
        self.assembler = MessageAssembler(
            bytesMax: options.messageBytesMax, inflater: inflater)
        let perSecond = options.messagesPerSecondMax
        self.bucket = TokenBucket(perSecond: perSecond, burst: perSecond * 4, now: .now)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let descriptor = self.usesSocket ? Self.descriptor(of: context) : -1
        self.session.start(on: self, descriptor: descriptor, prelude: self.response)
        self.response = []
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.end()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = self.unwrapInboundIn(data)
        switch self.state {
        case .open:
            guard self.bucket.take(now: .now) else { return self.session.close(.tooManyMessages) }
            self.received(self.assembler.received(frame))
        case .closing:
            // The answer to our close frame: nothing more can come. Nobody hears what comes before it.
            if frame.opcode == .connectionClose { self.leave(context) }
        case .leaving, .closed: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (self.state, error) {
        case (.open, NIOWebSocketError.invalidFrameLength): self.session.close(.messageTooBig)
        case (.open, is NIOWebSocketError): self.session.close(.protocolError)
        // The rest of what was refused: an end with bytes unread would reset the connection, and the client could lose
        // the close frame.
        case (.closing, is ByteToMessageDecoderError), (.closing, is NIOWebSocketError),
            (.leaving, is ByteToMessageDecoderError), (.leaving, is NIOWebSocketError):
            break
        case (.open, _), (.closing, _), (.leaving, _), (.closed, _): context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case NIOCore.ChannelEvent.inputClosed:
            // A client that has closed may still read the answer.
            if case .leaving = self.state { return }
            context.close(promise: nil)
        case is ChannelShouldQuiesceEvent: self.session.drain()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: SessionTransport

    var name: String { "websocket" }

    var allocator: ByteBufferAllocator { self.context?.channel.allocator ?? ByteBufferAllocator() }

    func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>) {
        guard let context else { return promise.fail(ChannelError.ioOnClosedChannel) }
        self.writesPending += 1
        promise.futureResult.assumeIsolated().whenComplete { _ in self.written() }
        context.writeAndFlush(self.wrapOutboundOut(buffer), promise: promise)
    }

    func sessionClosed(_ code: CloseCode) {
        guard let context else { return }
        self.state = .closing
        self.limitClosing(context)
    }

    // MARK: Frames

    private func received(_ event: MessageAssembler.Event) {
        switch event {
        case .nothing: break
        case .binary(let message): self.session.received(binary: message)
        case .text(let message):
            message.withUnsafeReadableBytes { self.session.received(text: $0.bindMemory(to: UInt8.self)) }
        case .ping(let payload):
            self.session.heard()
            self.session.send(WebSocketHeader.controlFrame(.pong, payload: payload.readableBytesView))
        case .pong:
            self.session.heard()
        case .close(let code):
            self.answerClose(code)
        case .violation(let code):
            self.session.close(code)
        }
    }

    private func answerClose(_ code: UInt16?) {
        guard let context else { return }
        self.state = .closing
        let payload = code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
        self.session.finish(with: WebSocketHeader.controlFrame(.close, payload: payload))
        if self.writesPending > 0 { self.limitClosing(context) }
        self.leave(context)
    }

    // MARK: The end

    /// Ends the connection when what was written has left: an end before that would drop it, the close frame included.
    private func leave(_ context: ChannelHandlerContext) {
        // A write that failed may have ended it.
        guard case .closing = self.state else { return }
        self.state = .leaving
        if self.writesPending == 0 { context.close(promise: nil) }
    }

    /// NIO has finished a write, one way or the other.
    private func written() {
        self.writesPending -= 1
        guard self.writesPending == 0, case .leaving = self.state else { return }
        self.context?.close(promise: nil)
    }

    /// A client that does not answer, or does not read, keeps its socket no longer than this.
    private func limitClosing(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(self.closeTimeout)) {
            bound.value.close(promise: nil)
        }
    }

    private func end() {
        self.state = .closed
        self.session.ended()
        self.context = nil
    }

    /// The socket's descriptor, looked up once; -1 when bytes must go through NIO.
    private static func descriptor(of context: ChannelHandlerContext) -> Int32 {
        // No transport, or not a socket: then NIO writes, which is always right.
        (try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }) ?? -1
    }
}
