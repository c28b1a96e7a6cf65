import Channels
import NIOCore
import NIOHTTP1

extension RequestHandler {
    /// Bytes of an `xhr_send` body: a message and what escaping may add to it.
    private var sendBytesMax: Int { 2 * self.environment.options.messageBytesMax + 1024 }

    /// Takes a request of the HTTP fallback or of the event stream whose head has come.
    func beginFallback(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        // Only what is posted has a body.
        let bytesMax = head.method == .POST ? self.sendBytesMax : 0
        guard length <= bytesMax else { return self.refuseBody(head, bytesMax: bytesMax, context) }
        self.state = .readingAPI(head, ByteBuffer(), bytesMax: bytesMax)
    }

    /// Serves such a request when its body has come.
    func respondFallback(_ head: HTTPRequestHead, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        let isLast = !head.isKeepAlive || head.headers.contains(name: "upgrade")
        let question = head.uri.utf8.firstIndex(of: UInt8(ascii: "?"))
        let path = head.uri[..<(question ?? head.uri.endIndex)]
        let query = question.map { head.uri[head.uri.utf8.index(after: $0)...] } ?? ""
        let options = self.environment.options.fallback
        if head.method == .OPTIONS { return self.answer(.preflight, isLast: isLast, context) }
        if path == options.streamPath {
            guard head.method == .GET else {
                return self.answer(.streamError(.notFound, "Ask for \(path) with GET"), isLast: isLast, context)
            }
            return self.openEventStream(head, path: path, query: query, isLast: isLast, context)
        }
        guard let target = FallbackPath(path, base: options.basePath) else {
            let form = "\(options.basePath)/app/KEY/NUMBER/SESSION/ and xhr_streaming, xhr or xhr_send"
            return self.answer(
                .crossOrigin(.notFound, "No such path '\(path)': expected is \(form)"), isLast: isLast, context)
        }
        guard head.method == .POST else {
            let line = "No such route: \(head.method) \(path). Sessions are served with POST"
            return self.answer(.crossOrigin(.notFound, line), isLast: isLast, context)
        }
        let key = FallbackSessions.Key(app: target.key, session: target.session)
        switch target.purpose {
        case .streaming: self.receive(key, .streaming, head, Query(parsing: query), context)
        case .polling: self.receive(key, .polling, head, Query(parsing: query), context)
        case .send: self.send(key, body, isLast: isLast, context)
        }
    }

    /// What a session is told about the request that opens it.
    func opening(
        app: Int32?, _ query: Query, _ head: HTTPRequestHead, from peer: SocketAddress?, protocolVersion: String?
    ) -> ClientSession.Opening {
        var opening = ClientSession.Opening(
            app: app, protocolVersion: protocolVersion, bandwidth: query["bandwidth"])
        opening.isSecure = self.isSecure(head, from: peer)
        // What a page must not open as a WebSocket it must not open another way.
        let isAllowed = self.environment.options.origins.allows(head.headers.first(name: "origin"))
        opening.refusal = isAllowed ? nil : .unauthorised
        return opening
    }

    /// A response that stays open, in answer to the request just read.
    func openStream(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> ResponseStream {
        let isKeepAlive = head.isKeepAlive && !head.headers.contains(name: "upgrade") && !self.isQuiescing
        let stream = ResponseStream(self, context, isKeepAlive: isKeepAlive, isChunked: head.version.minor > 0)
        self.state = .streaming(stream)
        self.setDeadline(nil, context)
        // A peer that vanished without a word acknowledges nothing. A channel that is no socket has no such option.
        let timeout = self.environment.options.fallback.acknowledgementTimeout.components.seconds * 1000
        let userTimeout = NIOBSDSocket.Option(rawValue: 18)  // TCP_USER_TIMEOUT, which Glibc's module leaves out.
        try? context.channel.syncOptions?.setOption(.tcpOption(userTimeout), value: Int(timeout))
        return stream
    }

    /// Writes a part of an open response.
    func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
        self.flush(context)
        context.writeAndFlush(self.wrapOutboundOut(buffer), promise: promise)
    }

    /// An open response has ended: the next request's turn, unless the connection ends with it.
    func streamEnded(isLast: Bool, _ context: ChannelHandlerContext) {
        if isLast || self.isQuiescing {
            self.state = .closing
            self.waiting = []
            context.close(mode: .output, promise: nil)
            self.setDeadline(self.environment.options.closeTimeout, context)
        } else {
            self.afterStream(context) { context in
                self.state = .idle
                self.setDeadline(self.environment.options.idleTimeout, context)
            }
        }
    }

    /// An open response that has not begun becomes an ordinary answer.
    func streamRefused(_ answer: Answer, isLast: Bool, _ context: ChannelHandlerContext) {
        self.afterStream(context) { self.answer(answer, isLast: isLast, $0) }
    }

    /// Goes on when whoever ended the response has finished: the next request may be for the same session.
    private func afterStream(_ context: ChannelHandlerContext, _ body: @escaping (ChannelHandlerContext) -> Void) {
        self.state = .answering
        context.eventLoop.assumeIsolated().execute {
            guard case .answering = self.state else { return }
            body(context)
            if case .idle = self.state, self.isQuiescing { return context.close(promise: nil) }
            self.resume(context)
        }
    }

    // MARK: Sessions

    private func receive(
        _ key: FallbackSessions.Key,
        _ transport: FallbackSession.Transport,
        _ head: HTTPRequestHead,
        _ query: Query,
        _ context: ChannelHandlerContext
    ) {
        let number = self.environment.hub.apps.firstIndex { $0.credentials(for: key.app) != nil }
        let opening = self.opening(
            app: number.map { Int32($0) }, query, head, from: context.channel.remoteAddress,
            protocolVersion: query["protocol"])
        let address = self.environment.sessionAddresses.flatMap { _ in
            AddressCounter.Key(context.channel.remoteAddress)
        }
        Self.receive(key, transport, opening, self.openStream(head, context), address, self.environment)
    }

    /// Finds or makes the session for a receive request, on any loop of the hub.
    private static func receive(
        _ key: FallbackSessions.Key,
        _ transport: FallbackSession.Transport,
        _ opening: ClientSession.Opening,
        _ stream: ResponseStream,
        _ address: AddressCounter.Key?,
        _ environment: ServerEnvironment
    ) {
        guard let shard = environment.hub.shards.first(where: { $0.eventLoop.inEventLoop }) else {
            preconditionFailure("a receive request on a loop that the hub does not serve")
        }
        let max = environment.options.fallback.sessionsMax
        let outcome = environment.fallback.findOrInsert(
            key,
            max: max,
            count: { address.flatMap { environment.sessionAddresses?.add($0) } ?? true },
            make: {
                FallbackConnection(
                    key,
                    transport,
                    session: ClientSession(shard: shard, environment: environment, opening: opening),
                    address: address,
                    environment: environment,
                    shard: shard
                )
            }
        )
        switch outcome {
        case .made(let entry): _ = entry.connection.value.receiverOpened(stream, transport)
        case .found(let entry) where entry.eventLoop.inEventLoop:
            _ = entry.connection.value.receiverOpened(stream, transport)
        case .found(let entry):
            entry.eventLoop.execute {
                if !entry.connection.value.receiverOpened(stream, transport) {
                    // It ended on the way here, and with it its name.
                    Self.receive(key, transport, opening, stream, address, environment)
                }
            }
        case .full:
            var session = FallbackSession(limits: environment.options.fallback.session, now: .now)
            let code = CloseCode.overCapacity
            _ = session.closed(code: code.code, reason: code.reason, now: .now)
            guard case .end(let output?) = session.receiverOpened(transport, now: .now) else { return stream.abort() }
            stream.start(contentType: "application/javascript; charset=utf-8")
            stream.write(output.bytes, isEnd: true, promise: nil)
        }
    }

    private func send(
        _ key: FallbackSessions.Key,
        _ body: ByteBuffer,
        isLast: Bool,
        _ context: ChannelHandlerContext
    ) {
        let texts: [[UInt8]]
        do throws(FallbackMessages.Failure) {
            texts = try body.withUnsafeReadableBytes { (bytes) throws(FallbackMessages.Failure) in
                let bytesMax = self.environment.options.messageBytesMax
                return try FallbackMessages.read(bytes.bindMemory(to: UInt8.self), bytesMax: bytesMax)
            }
        } catch {
            switch error {
            case .invalid: return self.answer(.crossOrigin(.badRequest, error.description), isLast: isLast, context)
            case .tooLarge: return self.answer(.crossOrigin(.tooLarge, error.description), isLast: isLast, context)
            }
        }
        guard let entry = self.environment.fallback.find(key) else {
            return self.answer(.unknownSession(key.session), isLast: isLast, context)
        }
        if entry.eventLoop.inEventLoop {
            let isKnown = entry.connection.value.received(texts)
            return self.answer(isKnown ? .sent : .unknownSession(key.session), isLast: isLast, context)
        }
        self.state = .answering
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        entry.eventLoop.submit { entry.connection.value.received(texts) }.hop(to: context.eventLoop).assumeIsolated()
            .whenComplete { result in
                guard case .answering = self.state else { return }
                let isKnown = (try? result.get()) ?? false  // The other loop has ended, and the session with it.
                self.answer(isKnown ? .sent : .unknownSession(key.session), isLast: isLast, bound.value)
                self.resume(bound.value)
            }
    }
}
