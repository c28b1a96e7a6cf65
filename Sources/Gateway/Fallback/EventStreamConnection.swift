import Atomics
import Channels
import NIOCore
import NIOHTTP1

/// One client of the event stream: a ``ClientSession`` whose frames become server-sent events.
///
/// It belongs to the loop of its connection.
final class EventStreamConnection: SessionTransport {
    private let session: ClientSession
    private let stream: ResponseStream
    private let environment: ServerEnvironment
    private let conversions: FrameConversions
    private var machine: EventStream
    private var hasBegun = false
    private var isOver = false
    private var heartbeat: RepeatedTask?

    init(
        _ request: EventStreamRequest,
        session: ClientSession,
        stream: ResponseStream,
        conversions: FrameConversions,
        environment: ServerEnvironment
    ) {
        self.conversions = conversions
        self.session = session
        self.stream = stream
        self.environment = environment
        self.machine = EventStream(channels: request.channels, retry: environment.options.fallback.streamRetry)
    }

    /// Joins the channels; the response begins when all have been joined.
    func start(_ request: EventStreamRequest) {
        let bound = NIOLoopBound(self, eventLoop: self.stream.eventLoop)
        self.environment.fallback.eventStreams.wrappingIncrement(ordering: .relaxed)
        self.stream.listen { event in
            switch event {
            case .ended: bound.value.finish()
            case .quiescing: bound.value.session.drain()
            }
        }
        self.session.start(on: self, descriptor: -1)
        // A session that was not let in has ended already.
        guard !self.isOver else { return }
        let auth = ChannelAuth(app: self.environment.hub.apps[Int(request.app)])
        for channel in request.channels {
            // The request's own signature has let it in: what follows from that is signed here.
            let signature = auth.sign(socketID: self.session.socketID.description, channel: channel.text)
            let member = channel.kind.needsSignature ? ",\"auth\":\(JSONText.quoted(signature))" : ""
            let name = JSONText.quoted(channel.text)
            let text = Array("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\(name)\(member)}}".utf8)
            text.withUnsafeBufferPointer { self.session.received(text: $0) }
        }
        guard !self.isOver else { return }
        let interval = TimeAmount(self.environment.options.fallback.streamHeartbeat)
        self.heartbeat = self.stream.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            bound.value.beat()
        }
    }

    // MARK: SessionTransport

    let name = "sse"

    var allocator: ByteBufferAllocator { ByteBufferAllocator() }

    func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>) {
        var output: [UInt8] = []
        var refusal: String?
        var isProbe = false
        buffer.withUnsafeReadableBytes { bytes in
            SentFrame.forEach(in: bytes) { frame in
                if case .ping = frame { isProbe = true }
                // The server's own frames are well formed.
                guard case .text(let text) = frame, let message = self.conversions.message(text) else { return }
                switch self.machine.received(message) {
                case .doNothing: break
                case .begin(let early):
                    self.hasBegun = true
                    self.stream.start(contentType: "text/event-stream; charset=utf-8")
                    output = early
                case .write(let event): output.append(contentsOf: event)
                case .refuse(_, let message): refusal = message
                }
            }
        }
        // The client has no way to answer: a peer that is gone fails the connection, see openStream.
        if isProbe { self.session.heard() }
        if let refusal {
            promise.succeed()
            return self.stream.refuse(.streamError(.badRequest, refusal))
        }
        guard self.hasBegun, !self.isOver, !output.isEmpty else { return promise.succeed() }
        self.stream.write(output, isEnd: false, promise: promise)
    }

    func sessionClosed(_ code: CloseCode) {
        guard !self.isOver else { return }
        guard self.hasBegun else {
            let status: Answer.Status = code == .overCapacity ? .unavailable : .forbidden
            return self.stream.refuse(.streamError(status, code.reason))
        }
        let data = "{\"code\":\(code.code),\"reason\":\(JSONText.quoted(code.reason))}"
        self.stream.write(Array("event: close\ndata: \(data)\n\n".utf8), isEnd: true, promise: nil)
    }

    // MARK: The end

    private func beat() {
        if self.hasBegun { self.stream.write(EventStream.heartbeat, isEnd: false, promise: nil) }
    }

    private func finish() {
        guard !self.isOver else { return }
        self.isOver = true
        self.heartbeat?.cancel()
        self.heartbeat = nil
        self.environment.fallback.eventStreams.wrappingDecrement(ordering: .relaxed)
        // When the shard has finished what it is doing.
        let bound = NIOLoopBound(self.session, eventLoop: self.stream.eventLoop)
        self.stream.eventLoop.execute { bound.value.ended() }
    }
}

extension RequestHandler {
    /// Answers with an event stream, or says why not.
    func openEventStream(
        _ head: HTTPRequestHead,
        path: Substring,
        query: Substring,
        isLast: Bool,
        _ context: ChannelHandlerContext
    ) {
        let request: EventStreamRequest
        do throws(EventStreamRequest.Refusal) {
            request = try EventStreamRequest(
                path: path, query: query, environment: self.environment, now: GatewayServer.secondsSince1970())
        } catch {
            return self.answer(.streamError(error.status, error.message), isLast: isLast, context)
        }
        let opening = self.opening(
            app: request.app, Query(parsing: query), head, from: context.channel.remoteAddress,
            // An event stream has no version: it always speaks the newest.
            protocolVersion: "7")
        let connection = EventStreamConnection(
            request,
            session: ClientSession(shard: self.shard, environment: self.environment, opening: opening),
            stream: self.openStream(head, context),
            conversions: self.shard.conversions,
            environment: self.environment
        )
        connection.start(request)
    }
}
