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

    static func subprotocol(_ head: HTTPRequestHead) -> HTTPHeaders {
        let offered = head.headers[canonicalForm: "sec-websocket-protocol"]
        return offered.contains("pusher-channels-protocol-7")
            ? ["Sec-WebSocket-Protocol": "pusher-channels-protocol-7"] : [:]
    }

    func becomeWebSocket(_ head: HTTPRequestHead, _ headers: HTTPHeaders, _ context: ChannelHandlerContext) {
        var response = "HTTP/1.1 101 Switching Protocols\r\n"
        for (name, value) in headers { response += "\(name): \(value)\r\n" }
        response += "\r\n"
        let question = head.uri.utf8.firstIndex(of: UInt8(ascii: "?"))
        let key = Query.decoded(head.uri[..<(question ?? head.uri.endIndex)].dropFirst("/app/".count))
        let query = Query(parsing: question.map { head.uri[head.uri.utf8.index(after: $0)...] } ?? "")
        let opening = ClientSession.Opening(
            app: self.environment.hub.apps.firstIndex { $0.credentials(for: key) != nil }.map { Int32($0) },
            protocolVersion: query["protocol"],
            bandwidth: query["bandwidth"]
        )
        let session = ClientSession(shard: self.shard, environment: self.environment, opening: opening)
        let connection = ConnectionHandler(
            session: session, options: self.environment.options, response: Array(response.utf8))
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
