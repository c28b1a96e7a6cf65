import Channels
import NIOCore
import NIOHTTP1

extension RequestHandler {
    func refuseBody(_ head: HTTPRequestHead, bytesMax: Int, _ context: ChannelHandlerContext) {
        let line = "The request body exceeds the allowed maximum (\(bytesMax) bytes)"
        // What is not the API's is the fallback's, and read by pages.
        let isAPI = APIResponder.serves(head.uri)
        self.answer(isAPI ? .text(.tooLarge, line) : .crossOrigin(.tooLarge, line), isLast: true, context)
    }

    func respond(_ head: HTTPRequestHead, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        guard APIResponder.serves(head.uri) else { return self.respondFallback(head, body, context) }
        // The decoder reads nothing behind a request that asked for an upgrade.
        let isLast = !head.isKeepAlive || head.headers.contains(name: "upgrade")
        let question = head.uri.utf8.firstIndex(of: UInt8(ascii: "?"))
        let reply = body.withUnsafeReadableBytes { bytes in
            self.responder.respond(
                to: APIResponder.Request(
                    method: head.method.rawValue,
                    path: head.uri[..<(question ?? head.uri.endIndex)],
                    query: question.map { head.uri[head.uri.utf8.index(after: $0)...] } ?? "",
                    body: bytes.bindMemory(to: UInt8.self)
                ),
                on: context.eventLoop
            )
        }
        switch reply {
        case .now(let answer): self.answer(answer, isLast: isLast, context)
        case .later(let future):
            self.state = .answering
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            future.assumeIsolated().whenComplete { result in
                guard case .answering = self.state else { return }
                let answer = (try? result.get()) ?? .text(.unavailable, "The server is shutting down")
                self.answer(answer, isLast: isLast, bound.value)
                self.resume(bound.value)
            }
        }
    }

    func answer(_ answer: Answer, isLast: Bool, _ context: ChannelHandlerContext) {
        let isLast = isLast || self.isQuiescing
        if self.answers.readableBytes == 0 {
            self.answers = context.channel.allocator.buffer(capacity: answer.body.count + 128)
        }
        answer.write(to: &self.answers, isLast: isLast)
        if isLast {
            self.state = .closing
            self.waiting = []
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(self.wrapOutboundOut(self.takeAnswers())).assumeIsolated().whenComplete { _ in
                bound.value.close(mode: .output, promise: nil)
            }
            self.setDeadline(self.environment.options.closeTimeout, context)
        } else {
            self.state = .idle
            self.setDeadline(self.environment.options.idleTimeout, context)
            if !self.isReading { self.flush(context) }
        }
    }

    /// Goes on with pipelined requests after an answer that had to wait.
    func resume(_ context: ChannelHandlerContext) {
        while !self.waiting.isEmpty, !self.mustWait {
            self.process(self.waiting.removeFirst(), context)
        }
        self.flush(context)
        // Hummingbird takes what it was given when a read is complete, and there may be no further one.
        if case .forwarding = self.state { context.fireChannelReadComplete() }
        if self.isReadPending, !self.mustWait {
            self.isReadPending = false
            context.read()
        }
    }

    /// Sends the answers given so far: before anything else is written, and when a read is complete.
    func flush(_ context: ChannelHandlerContext) {
        guard self.answers.readableBytes > 0 else { return }
        context.writeAndFlush(self.wrapOutboundOut(self.takeAnswers()), promise: nil)
    }

    private func takeAnswers() -> ByteBuffer {
        let answers = self.answers
        self.answers = ByteBuffer()
        return answers
    }
}
