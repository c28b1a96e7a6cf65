import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

extension RequestHandler {
    func forward(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.flush(context)
        if !self.isForwardingReady {
            do {
                self.finish(with: try self.addForwardingHandlers(context))
            } catch {
                self.environment.logger.warning("Connection setup failed", metadata: ["error": "\(error)"])
                return context.close(promise: nil)
            }
            self.isForwardingReady = true
        }
        // Hummingbird closes when it is told to; HTTP/1.0 clients expect it without a word.
        let isLast = head.headers.contains(name: "upgrade") || head.version.minor == 0 && !head.isKeepAlive
        self.state = .forwarding(isRequestComplete: false, isLast: isLast)
        context.fireChannelRead(self.wrapInboundOut(.head(head)))
    }

    func addForwardingHandlers(_ context: ChannelHandlerContext) throws -> HTTPConnection {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let pipeline = context.pipeline.syncOperations
        try pipeline.addHandler(HTTPResponseEncoder())
        try pipeline.addHandler(ResponseWatcher { [weak self] in self?.responseEnded(bound.value) })
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        return try HTTPConnection(
            wrappingChannelSynchronously: context.channel,
            configuration: .init(isOutboundHalfClosureEnabled: true)
        )
    }

    func responseEnded(_ context: ChannelHandlerContext) {
        guard case .forwarding(let isRequestComplete, let isLast) = self.state else { return }
        if isLast || self.isQuiescing || !isRequestComplete {
            self.state = .closing
            // Hummingbird flushes its response right after writing its end.
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.eventLoop.execute { bound.value.close(mode: .output, promise: nil) }
            return self.setDeadline(self.environment.options.idleTimeout, context)
        }
        self.state = .idle
        self.setDeadline(self.environment.options.idleTimeout, context)
        self.resume(context)
    }

    func finish(with connection: HTTPConnection?) {
        guard !self.isOutcomeKnown else { return }
        self.isOutcomeKnown = true
        self.outcome.succeed(connection)
    }
}

/// Tells when Hummingbird's answer to the current request is complete.
private final class ResponseWatcher: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let ended: () -> Void

    init(ended: @escaping () -> Void) {
        self.ended = ended
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = self.unwrapOutboundIn(data)
        context.write(data, promise: promise)
        if case .end = part { self.ended() }
    }
}
