import Channels
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Stands behind the HTTP decoder of every accepted connection and decides where a request goes: the upgrade of
/// `/app/KEY` to ``ConnectionHandler``, the HTTP API to ``APIResponder`` on this loop, everything else to Hummingbird.
///
/// Requests are taken one after the other; pipelined ones wait here, and reading stops while they do.
final class RequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = IOData
    typealias OutboundOut = ByteBuffer

    typealias HTTPConnection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    enum State {
        case idle
        case readingAPI(HTTPRequestHead, ByteBuffer, bytesMax: Int)
        case answering
        case forwarding(isRequestComplete: Bool, isLast: Bool)
        case streaming(ResponseStream)
        case upgrading(HTTPRequestHead)
        case upgraded
        case closing
    }

    let shard: HubShard
    let environment: ServerEnvironment
    let responder: APIResponder
    let decoder: ByteToMessageHandler<HTTPRequestDecoder>
    /// Whether the client's address has as many connections as it may, so that this one is refused.
    let isAddressFull: Bool
    let outcome: EventLoopPromise<HTTPConnection?>
    var state = State.idle
    var isOutcomeKnown = false
    var isForwardingReady = false
    var waiting: [HTTPServerRequestPart] = []
    var isReading = false
    var isReadPending = false
    /// Answers of this read: they leave together.
    var answers = ByteBuffer()
    /// The handler's own place in the pipeline, as long as it has one.
    private(set) var context: ChannelHandlerContext?
    var isQuiescing = false
    private var deadline = NIODeadline.distantFuture
    private var timerDeadline = NIODeadline.distantFuture
    private var timer: Scheduled<Void>?

    init(
        shard: HubShard,
        environment: ServerEnvironment,
        responder: APIResponder,
        decoder: ByteToMessageHandler<HTTPRequestDecoder>,
        isAddressFull: Bool,
        outcome: EventLoopPromise<HTTPConnection?>
    ) {
        self.shard = shard
        self.environment = environment
        self.responder = responder
        self.decoder = decoder
        self.isAddressFull = isAddressFull
        self.outcome = outcome
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.setDeadline(self.environment.options.requestTimeout, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.timer?.cancel()
        self.timer = nil
        self.finish(with: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.timer = nil
        if case .streaming(let stream) = self.state { stream.connectionEnded() }
        self.state = .closing
        self.waiting = []
        self.finish(with: nil)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isReading = true
        let part = self.unwrapInboundIn(data)
        if self.mustWait {
            self.waiting.append(part)
        } else {
            self.process(part, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.flush(context)
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if self.mustWait {
            self.isReadPending = true
        } else {
            context.read()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError, case .idle = self.state {
            let isTooLarge = error == .headerOverflow
            let limit = self.environment.options.headerBytesMax
            self.answer(
                isTooLarge
                    ? .text(.headersTooLarge, "The header fields exceed the allowed maximum (\(limit) bytes)")
                    : .text(.badRequest, "The request is not valid HTTP"),
                isLast: true, context)
        } else if case .forwarding = self.state {
            context.fireErrorCaught(error)
        } else {
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case NIOCore.ChannelEvent.inputClosed:
            if self.isForwardingReady { context.fireUserInboundEventTriggered(event) }
            if case .forwarding = self.state { return }
            if case .answering = self.state { self.isQuiescing = true } else { context.close(promise: nil) }
        case is ChannelShouldQuiesceEvent:
            self.isQuiescing = true
            if case .idle = self.state { context.close(promise: nil) }
            if case .streaming(let stream) = self.state { stream.connectionQuiesces() }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Requests

    var mustWait: Bool {
        switch self.state {
        case .answering, .streaming: true
        case .forwarding(let isRequestComplete, _): isRequestComplete
        case .idle, .readingAPI, .upgrading, .upgraded, .closing: false
        }
    }

    func process(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (self.state, part) {
        case (.idle, .head(let head)): self.begin(head, context)
        case (.readingAPI(let head, var body, let bytesMax), .body(var bytes)):
            self.state = .answering  // Gives up the buffer's second reference, so that it grows in place.
            if body.readableBytes == 0 { swap(&body, &bytes) } else { body.writeBuffer(&bytes) }
            guard body.readableBytes <= bytesMax else {
                return self.refuseBody(head, bytesMax: bytesMax, context)
            }
            self.state = .readingAPI(head, body, bytesMax: bytesMax)
        case (.readingAPI(let head, let body, _), .end): self.respond(head, body, context)
        case (.forwarding(_, let isLast), _):
            if case .end = part {
                self.state = .forwarding(isRequestComplete: true, isLast: isLast)
                // The client has done its part: the answer may take as long as it needs.
                self.setDeadline(nil, context)
            }
            context.fireChannelRead(self.wrapInboundOut(part))
        case (.upgrading(let head), .end): self.upgrade(head, context)
        case (.idle, _), (.readingAPI, _), (.answering, _), (.streaming, _), (.upgrading, _), (.upgraded, _),
            (.closing, _):
            break
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.setDeadline(self.environment.options.requestTimeout, context)
        let isUpgrade = head.headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" })
        // A WebSocket opens first and is then closed with a code: what the client's library understands.
        guard !self.isAddressFull || isUpgrade && head.uri.hasPrefix("/app/") else {
            let line = "Your address has too many connections open. Close some and try again."
            return self.answer(.text(.unavailable, line), isLast: true, context)
        }
        if APIResponder.serves(head.uri) {
            let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
            let bytesMax = self.environment.options.publish.bodyBytesMax
            guard length <= bytesMax else { return self.refuseBody(head, bytesMax: bytesMax, context) }
            self.state = .readingAPI(head, ByteBuffer(), bytesMax: bytesMax)
            if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
                self.flush(context)
                context.writeAndFlush(
                    self.wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
            }
        } else if head.uri.hasPrefix("/app/") {
            if isUpgrade {
                self.state = .upgrading(head)
            } else {
                let line = "This is a WebSocket endpoint: connect to it with a Pusher client"
                self.answer(.text(.upgradeRequired, line), isLast: true, context)
            }
        } else if self.environment.options.fallback.serves(head.uri) {
            self.beginFallback(head, context)
        } else {
            self.forward(head, context)
        }
    }

    // MARK: Time

    func setDeadline(_ timeout: Duration?, _ context: ChannelHandlerContext) {
        self.deadline = timeout.map { .now() + TimeAmount($0) } ?? .distantFuture
        // A timer that comes too early looks again; one that comes too late is no use.
        guard timeout != nil, self.timer == nil || self.deadline < self.timerDeadline else { return }
        self.timer?.cancel()
        self.armTimer(context)
    }

    private func armTimer(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.timerDeadline = self.deadline
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: self.deadline) {
            self.timer = nil
            if NIODeadline.now() >= self.deadline {
                bound.value.close(promise: nil)
            } else if self.deadline < .distantFuture {
                self.armTimer(bound.value)
            }
        }
    }
}
