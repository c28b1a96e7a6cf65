import NIOCore

/// A response that stays open: written from any event loop, sent on its connection's.
final class ResponseStream: Sendable {
    /// What happens to the connection.
    enum Event: Sendable {
        /// The client is gone, or the response has ended.
        case ended
        /// The server is shutting down.
        case quiescing
    }

    private struct Connection {
        let handler: RequestHandler
        let context: ChannelHandlerContext
        /// Whether the connection cannot be used again after this response.
        let isLast: Bool
        /// Whether the client understands chunks; else the end of the connection is the end of the response.
        let isChunked: Bool
    }

    private struct State {
        var connection: Connection?
        var isQuiescing = false
        var listener: (@Sendable (Event) -> Void)?
    }

    /// The connection's loop.
    let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    /// A response to the request that `handler` has just read; nothing is sent yet.
    init(_ handler: RequestHandler, _ context: ChannelHandlerContext, isKeepAlive: Bool, isChunked: Bool) {
        self.eventLoop = context.eventLoop
        let connection = Connection(
            handler: handler, context: context, isLast: !isKeepAlive || !isChunked, isChunked: isChunked)
        self.state = NIOLoopBoundBox(State(connection: connection), eventLoop: context.eventLoop)
    }

    /// Has `listener` called on the connection's loop for each event from now on, and for those that were.
    func listen(_ listener: @escaping @Sendable (Event) -> Void) {
        self.onLoop { stream in
            if stream.state.value.isQuiescing { listener(.quiescing) }
            guard stream.state.value.connection != nil else { return listener(.ended) }
            stream.state.value.listener = listener
        }
    }

    /// Sends the head.
    func start(contentType: String) {
        self.onLoop { stream in
            guard let connection = stream.state.value.connection else { return }
            var head = ByteBuffer()
            head.writeString(
                """
                HTTP/1.1 200 OK\r
                content-type: \(contentType)\r
                \(Answer.streamFields)\(connection.isChunked ? "transfer-encoding: chunked\r\n" : "")\
                \(connection.isLast ? "connection: close\r\n" : "")\r\n
                """
            )
            connection.handler.write(head, promise: nil, connection.context)
        }
    }

    /// Sends a part of the body at once.
    ///
    /// - Parameters:
    ///   - bytes: The part.
    ///   - isEnd: Whether the response ends behind it.
    ///   - promise: Succeeds when the bytes have left, fails when they cannot.
    func write(_ bytes: [UInt8], isEnd: Bool, promise: EventLoopPromise<Void>?) {
        self.onLoop { stream in
            guard let connection = stream.state.value.connection else {
                promise?.fail(ChannelError.ioOnClosedChannel)
                return
            }
            var buffer = connection.context.channel.allocator.buffer(capacity: bytes.count + 24)
            if connection.isChunked, !bytes.isEmpty { buffer.writeString("\(String(bytes.count, radix: 16))\r\n") }
            buffer.writeBytes(bytes)
            if connection.isChunked, !bytes.isEmpty { buffer.writeStaticString("\r\n") }
            if connection.isChunked, isEnd { buffer.writeStaticString("0\r\n\r\n") }
            connection.handler.write(buffer, promise: promise, connection.context)
            guard isEnd else { return }
            stream.detach()
            connection.handler.streamEnded(isLast: connection.isLast, connection.context)
        }
    }

    /// Answers with something else instead, before the head was sent.
    func refuse(_ answer: Answer) {
        self.onLoop { stream in
            guard let connection = stream.state.value.connection else { return }
            stream.detach()
            connection.handler.streamRefused(answer, isLast: connection.isLast, connection.context)
        }
    }

    /// Closes the connection: the client has dropped this response.
    func abort() {
        self.onLoop { stream in
            guard let connection = stream.state.value.connection else { return }
            stream.detach()
            connection.context.close(promise: nil)
        }
    }

    // MARK: From the connection's handler

    /// The connection is gone.
    func connectionEnded() {
        self.detach()
    }

    /// The server is shutting down.
    func connectionQuiesces() {
        self.state.value.isQuiescing = true
        self.state.value.listener?(.quiescing)
    }

    private func detach() {
        self.state.value.connection = nil
        let listener = self.state.value.listener
        self.state.value.listener = nil
        listener?(.ended)
    }

    private func onLoop(_ body: @escaping @Sendable (ResponseStream) -> Void) {
        if self.eventLoop.inEventLoop {
            body(self)
        } else {
            self.eventLoop.execute { body(self) }
        }
    }
}
