public import NIOCore
import NIOHTTP1
import NIOPosix
public import NIOSSL
import NIOWebSocket

/// What happens on a WebSocket connection.
///
/// All calls come on the connection's event loop.
public struct WebSocketCallbacks {
    /// A whole text or binary message.
    ///
    /// The buffer is valid during the call.
    public var message: (ByteBuffer) -> Void
    /// A ping or pong came.
    public var heard: () -> Void
    /// The bytes that one read brought have all been handed over.
    public var readComplete: () -> Void
    /// The connection is gone.
    ///
    /// After a close frame, an error, or a lost connection. Called once.
    public var closed: (_ reason: String) -> Void

    /// Names the callbacks.
    public init(
        message: @escaping (ByteBuffer) -> Void, heard: @escaping () -> Void = {},
        readComplete: @escaping () -> Void = {}, closed: @escaping (_ reason: String) -> Void
    ) {
        self.message = message
        self.heard = heard
        self.readComplete = readComplete
        self.closed = closed
    }
}

/// An outgoing WebSocket connection on an event loop.
///
/// Messages reach the callbacks on the event loop, without a task or a queue in between: feeds are parsed where they are read.
public struct WebSocketClient: Sendable {
    /// The connected channel; frames written to it must be masked, which ``send(text:)`` does.
    private let channel: any Channel

    /// The longest message it takes: 16 MiB.
    public static let maxMessageBytes = 16 << 20

    /// Connects and completes the opening handshake.
    ///
    /// - Parameters:
    ///   - url: Where to.
    ///   - eventLoop: The loop that the callbacks run on.
    ///   - tls: Used for `wss`.
    ///   - headers: Extra request headers.
    ///   - timeout: For name resolution, TCP and the handshake together.
    ///   - callbacks: Made on the event loop once the connection is open.
    /// - Returns: The connection, or ``IngestError``, ``NIOSSLError`` or a connection error.
    public static func connect(
        to url: WebSocketURL, on eventLoop: any EventLoop, tls: NIOSSLContext, headers: [(String, String)] = [],
        timeout: TimeAmount = .seconds(10), callbacks: @escaping @Sendable (WebSocketClient) -> WebSocketCallbacks
    ) -> EventLoopFuture<WebSocketClient> {
        let upgraded = eventLoop.makePromise(of: WebSocketClient.self)
        let deadline = eventLoop.scheduleTask(in: timeout) {
            upgraded.fail(ChannelError.connectTimeout(timeout))
        }
        let connected = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if url.isSecure {
                        // TLS server names are host names only (RFC 6066 section 3).
                        let isAddress = (try? SocketAddress(ipAddress: url.host, port: 0)) != nil
                        let handler = try NIOSSLClientHandler(
                            context: tls, serverHostname: isAddress ? nil : url.host)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try Self.upgrade(channel, to: url, headers: headers, callbacks: callbacks).cascade(to: upgraded)
                }
            }
            .connect(host: url.host, port: url.port)
        connected.whenFailure { upgraded.fail($0) }
        upgraded.futureResult.whenComplete { result in
            deadline.cancel()
            // A handshake that failed must not leave its socket behind.
            if case .failure = result { connected.whenSuccess { $0.close(promise: nil) } }
        }
        return upgraded.futureResult
    }

    /// Sets up a channel that is about to connect.
    ///
    /// - Parameters:
    ///   - channel: Has no handlers but TLS.
    ///   - url: Where to.
    ///   - extraHeaders: Extra request headers.
    ///   - key: The handshake's `Sec-WebSocket-Key`.
    ///   - callbacks: Made once the connection is open.
    /// - Returns: The connection once it is open, or why it is not.
    /// - Throws: An error of the pipeline, when the channel is gone already.
    static func upgrade(
        _ channel: any Channel, to url: WebSocketURL, headers extraHeaders: [(String, String)],
        key: String = NIOWebSocketClientUpgrader.randomRequestKey(),
        callbacks: @escaping @Sendable (WebSocketClient) -> WebSocketCallbacks
    ) throws -> EventLoopFuture<WebSocketClient> {
        let upgrader = NIOTypedWebSocketClientUpgrader<WebSocketClient>(
            requestKey: key, maxFrameSize: Self.maxMessageBytes, enableAutomaticErrorHandling: true,
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    let client = WebSocketClient(channel: channel)
                    try channel.pipeline.syncOperations.addHandler(WebSocketMessageHandler(callbacks(client)))
                    return client
                }
            }
        )
        var headers = HTTPHeaders([("Host", url.hostHeader), ("User-Agent", "Tickwire")])
        for (name, value) in extraHeaders { headers.replaceOrAdd(name: name, value: value) }
        let refusal = RefusalObserver()
        let configuration = NIOTypedHTTPClientUpgradeConfiguration(
            upgradeRequestHead: HTTPRequestHead(version: .http1_1, method: .GET, uri: url.path, headers: headers),
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeFailedFuture(
                    IngestError.upgradeRefused(url: url.description, status: refusal.status))
            }
        )
        var pipeline = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: configuration)
        // A server's first message often comes in the same read as the end of the handshake.
        pipeline.leftOverBytesStrategy = .forwardBytes
        try channel.pipeline.syncOperations.addHandler(refusal)
        return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(configuration: pipeline)
    }

    /// Sends a text message.
    ///
    /// Any thread.
    public func send(text: String) {
        let frame = WebSocketFrame(
            fin: true, opcode: .text, maskKey: .random(), data: self.channel.allocator.buffer(string: text)
        )
        self.channel.writeAndFlush(frame, promise: nil)
    }

    /// Sends a ping, which the peer must answer.
    ///
    /// Any thread.
    public func sendPing() {
        let frame = WebSocketFrame(
            fin: true, opcode: .ping, maskKey: .random(), data: self.channel.allocator.buffer(capacity: 0))
        self.channel.writeAndFlush(frame, promise: nil)
    }

    /// Closes with code 1000, and cuts the connection when the peer has not answered within a second.
    ///
    /// Any thread.
    public func close() {
        var data = self.channel.allocator.buffer(capacity: 2)
        data.write(webSocketErrorCode: .normalClosure)
        let frame = WebSocketFrame(fin: true, opcode: .connectionClose, maskKey: .random(), data: data)
        self.channel.writeAndFlush(frame, promise: nil)
        let channel = self.channel
        let cut = channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in cut.cancel() }
    }

    /// Cuts the connection at once.
    ///
    /// Any thread.
    public func cut() { self.channel.close(promise: nil) }
}

extension WebSocketURL {
    /// The `Host` header: the port only where it is not the scheme's own (RFC 9110 section 7.2).
    var hostHeader: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == (self.isSecure ? 443 : 80) ? host : "\(host):\(self.port)"
    }
}

/// Joins fragments, answers pings and close frames, and hands whole messages to the callbacks.
private final class WebSocketMessageHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let callbacks: WebSocketCallbacks
    private var fragments: ByteBuffer?
    private var closeReason: String?
    /// Whether the connection is over.
    ///
    /// The frame decoder goes on with the bytes of the last read even where a message made its receiver close the socket.
    private var isOver = false

    init(_ callbacks: WebSocketCallbacks) { self.callbacks = callbacks }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isOver else { return }
        let frame = self.unwrapInboundIn(data)
        switch frame.opcode {
        case .text, .binary:
            guard self.fragments == nil else { return self.fail(context, "a new message inside a fragmented one") }
            if frame.fin {
                self.callbacks.message(frame.unmaskedData)
            } else {
                self.fragments = frame.unmaskedData
            }
        case .continuation:
            guard self.fragments != nil else { return self.fail(context, "a continuation without a beginning") }
            var data = frame.unmaskedData
            self.fragments?.writeBuffer(&data)
            guard let message = self.fragments, message.readableBytes <= WebSocketClient.maxMessageBytes else {
                return self.fail(context, "a message of more than \(WebSocketClient.maxMessageBytes) bytes")
            }
            if frame.fin {
                self.fragments = nil
                self.callbacks.message(message)
            }
        case .ping:
            self.write(context, .pong, frame.unmaskedData)
            self.callbacks.heard()
        case .pong:
            self.callbacks.heard()
        case .connectionClose:
            var data = frame.unmaskedData
            let code = data.readWebSocketErrorCode().map { "\(UInt16(webSocketErrorCode: $0))" } ?? "without code"
            let text = data.readString(length: data.readableBytes) ?? ""
            self.closeReason = "closed by the server: \(code)\(text.isEmpty ? "" : " \(text)")"
            self.write(context, .connectionClose, frame.unmaskedData)
            self.isOver = true
            context.close(promise: nil)
        default:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { self.callbacks.readComplete() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.closeReason = self.closeReason ?? "\(error)"
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.isOver = true
        self.callbacks.closed(self.closeReason ?? "connection lost")
        context.fireChannelInactive()
    }

    private func fail(_ context: ChannelHandlerContext, _ what: String) {
        self.closeReason = IngestError.protocolViolation(what).description
        self.isOver = true
        context.close(promise: nil)
    }

    private func write(_ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
        context.writeAndFlush(self.wrapOutboundOut(frame), promise: nil)
    }
}
