import Channels
import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket

extension RequestHandler {
    func upgrade(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard !self.isQuiescing else {
            return self.answer(.text(.unavailable, "The server is shutting down"), isLast: true, context)
        }
        self.state = .answering
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, head in channel.eventLoop.makeSucceededFuture(Self.subprotocol(head)) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() }
        )
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        upgrader.buildUpgradeResponse(channel: context.channel, upgradeRequest: head, initialResponseHeaders: [:])
            .assumeIsolated().whenComplete { result in
                switch result {
                case .success(let headers): self.becomeWebSocket(head, headers, bound.value)
                case .failure:
                    let line = "The WebSocket handshake needs Sec-WebSocket-Key and Sec-WebSocket-Version: 13"
                    self.answer(.text(.badRequest, line), isLast: true, bound.value)
                }
            }
    }

    /// Whether the client's side of the connection is encrypted.
    func isSecure(_ head: HTTPRequestHead) -> Bool {
        // A proxy in front may have ended TLS.
        let scheme = head.headers.first(name: "x-forwarded-proto")?.lowercased()
        return self.environment.tls != nil || scheme == "https" || scheme == "wss"
    }

    private func session(for head: HTTPRequestHead, isCompressed: Bool) -> any WebSocketSession {
        if self.environment.options.echoesMessages { return EchoSession(shard: self.shard, isCompressed: isCompressed) }
        let question = head.uri.utf8.firstIndex(of: UInt8(ascii: "?"))
        let path = head.uri[..<(question ?? head.uri.endIndex)].dropFirst("/app/".count)
        let end = path.utf8.firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
        let key = Query.decoded(path[..<end])
        let query = Query(parsing: question.map { head.uri[head.uri.utf8.index(after: $0)...] } ?? "")
        var opening = ClientSession.Opening(
            app: self.environment.hub.apps.firstIndex { $0.credentials(for: key) != nil }.map { Int32($0) },
            isPathKnown: path[end...].isEmpty,
            protocolVersion: query["protocol"],
            bandwidth: query["bandwidth"]
        )
        opening.isSecure = self.isSecure(head)
        opening.isCompressed = isCompressed
        if self.isAddressFull {
            opening.refusal = .overCapacity
        } else if !self.environment.options.origins.allows(head.headers.first(name: "origin")) {
            opening.refusal = .unauthorised
        }
        return ClientSession(shard: self.shard, environment: self.environment, opening: opening)
    }

    static func subprotocol(_ head: HTTPRequestHead) -> HTTPHeaders {
        let offered = head.headers[canonicalForm: "sec-websocket-protocol"]
        return offered.contains("pusher-channels-protocol-7")
            ? ["Sec-WebSocket-Protocol": "pusher-channels-protocol-7"] : [:]
    }

    func becomeWebSocket(_ head: HTTPRequestHead, _ headers: HTTPHeaders, _ context: ChannelHandlerContext) {
        let options = self.environment.options
        let extensions =
            options.isCompressionEnabled
            ? DeflateNegotiation.answer(to: head.headers["sec-websocket-extensions"]) : nil
        // Fails only without memory for it; then messages stay as they are.
        let inflater = extensions == nil ? nil : try? self.shard.codec.inflater()
        var response = "HTTP/1.1 101 Switching Protocols\r\n"
        for (name, value) in headers { response += "\(name): \(value)\r\n" }
        if let extensions, inflater != nil { response += "Sec-WebSocket-Extensions: \(extensions)\r\n" }
        response += "\r\n"
        let connection = ConnectionHandler(
            session: self.session(for: head, isCompressed: inflater != nil),
            options: options,
            response: Array(response.utf8),
            usesSocket: self.environment.tls == nil,
            inflater: inflater
        )
        self.state = .upgraded
        self.finish(with: nil)
        // Answers to requests before this one: the WebSocket's bytes do not go through NIO and must not overtake them.
        self.flush(context)
        let pipeline = context.pipeline.syncOperations
        do {
            let frames = WebSocketFrameDecoder(maxFrameSize: self.environment.options.messageBytesMax)
            try pipeline.addHandler(ByteToMessageHandler(frames))
            try pipeline.addHandler(connection)
        } catch {
            self.environment.logger.warning("Connection setup failed", metadata: ["error": "\(error)"])
            return context.close(promise: nil)
        }
        // This handler first, so that bytes behind the request go from the HTTP decoder to the WebSocket decoder.
        pipeline.removeHandler(self, promise: nil)
        pipeline.removeHandler(self.decoder, promise: nil)
        // A read that was held back while a request before this one was answered; this handler's context leads nowhere now.
        if self.isReadPending {
            self.isReadPending = false
            context.channel.read()
        }
    }
}
