import Atomics
import Channels
import NIOCore

/// One client of the HTTP fallback: a ``ClientSession`` whose frames leave in the lines of receive responses.
///
/// It belongs to the loop of its first request; its responses may belong to others.
final class FallbackConnection: SessionTransport {
    /// A write of the shard that waits until its frames have left.
    private struct Hold {
        let promise: EventLoopPromise<Void>
        var frameCount: Int
    }

    let eventLoop: any EventLoop
    private let sessions: FallbackSessions
    private let key: FallbackSessions.Key
    private let transport: FallbackSession.Transport
    private let conversions: FrameConversions
    private let addresses: AddressCounter?
    /// What the session is counted under in ``addresses``; `nil` when it is not.
    private let address: AddressCounter.Key?
    private var machine: FallbackSession
    /// How many frames the client may send.
    private var bucket: TokenBucket
    /// `nil` once the protocol side has ended.
    private var session: ClientSession?
    private var isStarted = false
    private var isOver = false
    private var stream: ResponseStream?
    private var holds: [Hold] = []
    private var timer: Scheduled<Void>?
    private var timerInstant: ContinuousClock.Instant?

    /// A session that nothing is known of before its first ``receiverOpened(_:_:)``.
    ///
    /// It has been counted under `address`, and gives that back when it ends.
    init(
        _ key: FallbackSessions.Key,
        _ transport: FallbackSession.Transport,
        session: ClientSession,
        address: AddressCounter.Key?,
        environment: ServerEnvironment,
        shard: HubShard
    ) {
        self.eventLoop = shard.eventLoop
        self.conversions = shard.conversions
        self.sessions = environment.fallback
        self.key = key
        self.transport = transport
        self.addresses = environment.sessionAddresses
        self.address = address
        self.session = session
        let perSecond = environment.options.messagesPerSecondMax
        self.bucket = TokenBucket(perSecond: perSecond, burst: perSecond * 4, now: .now)
        self.machine = FallbackSession(limits: environment.options.fallback.session, now: .now)
    }

    private var counter: ManagedAtomic<Int> {
        switch self.transport {
        case .streaming: self.sessions.streaming
        case .polling: self.sessions.polling
        }
    }

    // MARK: Requests

    /// A receive request came, on whatever loop.
    ///
    /// - Returns: `false` when the session is over, so that the request belongs to another.
    func receiverOpened(_ stream: ResponseStream, _ transport: FallbackSession.Transport) -> Bool {
        guard !self.isOver else { return false }
        // The client has dropped the response before, or will never read it.
        self.stream?.abort()
        self.stream = stream
        // What browsers do not hold back to guess its type.
        stream.start(contentType: "application/javascript; charset=utf-8")
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let eventLoop = self.eventLoop
        stream.listen { event in
            eventLoop.execute { bound.value.happened(event, to: stream) }
        }
        self.session?.heard()
        self.perform(self.machine.receiverOpened(transport, now: .now))
        if !self.isStarted {
            self.isStarted = true
            self.counter.wrappingIncrement(ordering: .relaxed)
            self.session?.start(on: self, descriptor: -1)
        }
        return true
    }

    /// An `xhr_send` request came.
    ///
    /// - Returns: `false` when the session is over.
    func received(_ texts: [[UInt8]]) -> Bool {
        guard !self.isOver, !self.machine.isClosing, let session = self.session else { return false }
        if texts.isEmpty { session.heard() }
        for text in texts {
            guard self.bucket.take(now: .now) else {
                session.close(.tooManyMessages)
                break
            }
            text.withUnsafeBufferPointer { session.received(text: $0) }
        }
        return true
    }

    /// Ends the session unless a response is open.
    func endIfWaiting() {
        if self.stream == nil { self.finish() }
    }

    private func happened(_ event: ResponseStream.Event, to stream: ResponseStream) {
        guard stream === self.stream else { return }
        switch event {
        case .ended:
            self.stream = nil
            self.machine.receiverClosed(now: .now)
            self.armTimer()
        case .quiescing:
            self.session?.drain()
        }
    }

    // MARK: SessionTransport

    var name: String {
        switch self.transport {
        case .streaming: "xhr_streaming"
        case .polling: "xhr_polling"
        }
    }

    var allocator: ByteBufferAllocator { ByteBufferAllocator() }

    func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>) {
        var frames: [FallbackFrame] = []
        var isProbe = false
        var closing: (code: UInt16, reason: String)?
        buffer.withUnsafeReadableBytes { bytes in
            SentFrame.forEach(in: bytes) { frame in
                switch frame {
                case .text(let text): frames.append(self.conversions.line(text))
                case .ping: isProbe = true
                case .close(let code, let reason): closing = (code, reason)
                }
            }
        }
        if frames.isEmpty || self.isOver {
            promise.succeed()
        } else {
            self.holds.append(Hold(promise: promise, frameCount: frames.count))
            self.perform(self.machine.received(frames, now: .now))
        }
        // Where in the buffer the ping stood does not matter; a close frame is always the last.
        if isProbe { self.perform(self.machine.probed(now: .now)) }
        if let closing {
            self.perform(self.machine.closed(code: closing.code, reason: closing.reason, now: .now))
        }
    }

    func sessionClosed(_ code: CloseCode) {
        self.endSession()
    }

    // MARK: Actions

    private func perform(_ action: FallbackSession.Action) {
        switch action {
        case .doNothing: break
        case .write(let output): self.write(output)
        case .close(let code): self.session?.close(code)
        case .end(let output):
            if let output { self.write(output) }
            return self.finish()
        }
        self.armTimer()
    }

    private func write(_ output: FallbackSession.Output) {
        guard let stream = self.stream else { return self.release(output.frameCount) }
        // Before the stream says that it has ended, so that this is not taken for a lost client.
        if output.endsResponse { self.stream = nil }
        guard output.frameCount > 0 else {
            return stream.write(output.bytes, isEnd: output.endsResponse, promise: nil)
        }
        let promise = self.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in self.release(output.frameCount) }
        stream.write(output.bytes, isEnd: output.endsResponse, promise: promise)
    }

    /// Tells the shard that the oldest frames have left, or never will.
    private func release(_ frameCount: Int) {
        var count = frameCount
        var done = 0
        while count > 0, done < self.holds.count {
            let part = min(count, self.holds[done].frameCount)
            self.holds[done].frameCount -= part
            count -= part
            if self.holds[done].frameCount == 0 { done += 1 }
        }
        let released = self.holds[..<done]
        self.holds.removeFirst(done)
        for hold in released { hold.promise.succeed() }
    }

    /// Gives the slot in the shard back, when the shard has finished what it is doing.
    private func endSession() {
        guard let session = self.session else { return }
        self.session = nil
        let bound = NIOLoopBound(session, eventLoop: self.eventLoop)
        self.eventLoop.execute { bound.value.ended() }
    }

    private func finish() {
        guard !self.isOver else { return }
        self.isOver = true
        self.timer?.cancel()
        self.timer = nil
        self.stream?.abort()
        self.stream = nil
        self.endSession()
        let holds = self.holds
        self.holds = []
        for hold in holds { hold.promise.succeed() }
        if self.isStarted { self.counter.wrappingDecrement(ordering: .relaxed) }
        if let address { self.addresses?.remove(address) }
        self.sessions.remove(self.key, self)
    }

    // MARK: Time

    private func armTimer() {
        guard !self.isOver, let deadline = self.machine.deadline else { return }
        // A timer that comes too early looks again; one that comes too late is no use.
        if self.timer != nil, let timerInstant = self.timerInstant, timerInstant <= deadline { return }
        self.timer?.cancel()
        self.timerInstant = deadline
        let delay = TimeAmount(max(.zero, deadline - .now))
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            self.timer = nil
            self.perform(self.machine.timerFired(now: .now))
        }
    }
}
