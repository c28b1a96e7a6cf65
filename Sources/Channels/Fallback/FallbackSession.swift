/// The receiving side of one session of the HTTP fallback, without I/O: which response is open, what waits for one, when
/// the session ends (protocol section 11).
///
/// A streaming response is never filled beyond ``Limits/responseLengthMax`` and one line: pusher-js drops it there and asks
/// for the next, so that what had been sent behind would be lost. What is handed out counts as delivered.
public struct FallbackSession: Sendable {
    /// How a session receives.
    public enum Transport: Sendable, Hashable {
        /// One long response of many lines.
        case streaming
        /// A response ends after what it delivers.
        case polling
    }

    /// What to write to the open response.
    public struct Output: Equatable, Sendable {
        /// Whole lines.
        public var bytes: [UInt8] = []
        /// How many of the waiting frames are in them.
        public var frameCount = 0
        /// Whether the response ends here.
        public var endsResponse = false
    }

    /// What the server must do for this session now.
    public enum Action: Equatable, Sendable {
        /// Nothing.
        case doNothing
        /// Write to the open response.
        case write(Output)
        /// Have the protocol side close with the code; ``FallbackSession/closed(_:now:)`` follows.
        case close(CloseCode)
        /// Write to the open response if there is something, and forget the session.
        case end(Output?)
    }

    /// A point on the monotonic clock.
    public typealias Instant = ContinuousClock.Instant

    private enum State {
        case waiting(until: Instant)
        case receiving(Transport, length: Int, heartbeat: Instant)
        /// The open response is full, the client is about to ask for the next.
        case full(until: Instant)
        /// The close line waits for a response.
        case closing(line: [UInt8], until: Instant)
        case closed
    }

    private let limits: Limits
    private var state: State
    private var isOpened = false
    private var queue: [FallbackFrame] = []
    /// The bytes in the queue.
    public private(set) var queueBytes = 0

    /// A session whose first receive request is being served.
    public init(limits: Limits, now: Instant) {
        self.limits = limits
        self.state = .waiting(until: now.advanced(by: limits.resumeTimeout))
    }

    /// Whether the session is over or about to be.
    public var isClosing: Bool {
        switch self.state {
        case .closing, .closed: true
        case .waiting, .receiving, .full: false
        }
    }

    /// When ``timerFired(now:)`` wants to be called next; `nil` when the session is over.
    public var deadline: Instant? {
        switch self.state {
        case .waiting(let until), .full(let until), .closing(_, let until): until
        case .receiving(_, _, let heartbeat): heartbeat
        case .closed: nil
        }
    }

    /// A receive request came; it takes the place of an open one.
    ///
    /// The first one of a session gets `o`: a client takes a second `o` for the loss of its session.
    public mutating func receiverOpened(_ transport: Transport, now: Instant) -> Action {
        var output = Output()
        if !self.isOpened {
            self.isOpened = true
            output.bytes = Array("o\n".utf8)
        }
        switch self.state {
        case .waiting, .full, .receiving:
            return self.deliver(to: transport, length: output.bytes.count, output, now: now)
        case .closing(let line, _):
            self.take(into: &output, length: output.bytes.count)
            guard self.queue.isEmpty else {
                output.endsResponse = transport == .polling
                return .write(output)
            }
            return self.end(with: line, behind: output)
        case .closed:
            return .doNothing
        }
    }

    /// The open response's connection is gone.
    public mutating func receiverClosed(now: Instant) {
        switch self.state {
        case .receiving, .full: self.state = .waiting(until: now.advanced(by: self.limits.resumeTimeout))
        case .waiting, .closing, .closed: break
        }
    }

    /// The protocol side sends frames.
    public mutating func received(_ frames: [FallbackFrame], now: Instant) -> Action {
        switch self.state {
        case .closing, .closed: return .doNothing
        case .waiting, .full, .receiving: break
        }
        self.queue.append(contentsOf: frames)
        self.queueBytes += frames.reduce(0) { $0 + $1.quoted.count }
        switch self.state {
        case .receiving(let transport, let length, _):
            return self.deliver(to: transport, length: length, Output(), now: now)
        case .waiting, .full, .closing, .closed:
            return self.queueBytes > self.limits.queueBytesMax ? .close(.overCapacity) : .doNothing
        }
    }

    /// The protocol side asks for a sign of life: a streaming client answers `h` with an empty `xhr_send`.
    public mutating func probed(now: Instant) -> Action {
        switch self.state {
        case .receiving(let transport, let length, _): self.beat(transport, length: length, now: now)
        case .waiting, .full, .closing, .closed: .doNothing
        }
    }

    /// The protocol side closed the connection.
    ///
    /// - Returns: The close line, when there is a response that can take it; else the next receive request gets it.
    public mutating func closed(code: UInt16, reason: String, now: Instant) -> Action {
        let line = Self.closeLine(code, reason)
        switch self.state {
        case .receiving:
            return self.end(with: line, behind: Output())
        case .waiting, .full:
            if code == CloseCode.overCapacity.code {
                // The client was too slow for what waits, and begins anew anyway.
                self.queue = []
                self.queueBytes = 0
            }
            self.state = .closing(line: line, until: now.advanced(by: self.limits.resumeTimeout))
            return .doNothing
        case .closing, .closed:
            return .doNothing
        }
    }

    /// Time passed: sends a heartbeat, or gives up a session whose client does not come back.
    public mutating func timerFired(now: Instant) -> Action {
        guard let deadline = self.deadline, now >= deadline else { return .doNothing }
        switch self.state {
        case .receiving(let transport, let length, _):
            return self.beat(transport, length: length, now: now)
        case .waiting, .full, .closing:
            self.state = .closed
            return .end(nil)
        case .closed:
            return .doNothing
        }
    }

    // MARK: Lines

    private mutating func deliver(
        to transport: Transport,
        length: Int,
        _ earlier: Output,
        now: Instant
    ) -> Action {
        var output = earlier
        let total = self.take(into: &output, length: length)
        return self.written(output, to: transport, length: total, now: now)
    }

    private mutating func beat(_ transport: Transport, length: Int, now: Instant) -> Action {
        self.written(Output(bytes: Array("h\n".utf8)), to: transport, length: length + 2, now: now)
    }

    private mutating func written(_ output: Output, to transport: Transport, length: Int, now: Instant) -> Action {
        var output = output
        let heartbeat = now.advanced(by: self.limits.heartbeatInterval)
        switch transport {
        case .polling where !output.bytes.isEmpty:
            output.endsResponse = true
            self.state = .waiting(until: now.advanced(by: self.limits.resumeTimeout))
        case .streaming where length > self.limits.responseLengthMax:
            self.state = .full(until: now.advanced(by: self.limits.fullResponseTimeout))
        case .polling, .streaming:
            self.state = .receiving(transport, length: length, heartbeat: heartbeat)
        }
        return output.bytes.isEmpty ? .doNothing : .write(output)
    }

    /// Moves waiting frames into one line until the response is full.
    ///
    /// - Returns: The response's length behind it.
    @discardableResult
    private mutating func take(into output: inout Output, length: Int) -> Int {
        var count = 0
        var total = length
        while count < self.queue.count, total <= self.limits.responseLengthMax {
            total += self.queue[count].length + 1
            count += 1
        }
        guard count > 0 else { return length }
        output.bytes.append(contentsOf: count == 1 ? "m".utf8 : "a[".utf8)
        for (index, frame) in self.queue[..<count].enumerated() {
            if index > 0 { output.bytes.append(UInt8(ascii: ",")) }
            output.bytes.append(contentsOf: frame.quoted)
            self.queueBytes -= frame.quoted.count
        }
        output.bytes.append(contentsOf: count == 1 ? "\n".utf8 : "]\n".utf8)
        output.frameCount += count
        self.queue.removeFirst(count)
        // Counted above: each frame with a comma or the end of its line. Not yet: `m`, or `a[` and `]`.
        return total + (count == 1 ? 1 : 3)
    }

    private mutating func end(with line: [UInt8], behind output: Output) -> Action {
        var output = output
        output.bytes.append(contentsOf: line)
        output.endsResponse = true
        self.state = .closed
        return .end(output)
    }

    private static func closeLine(_ code: UInt16, _ reason: String) -> [UInt8] {
        var line = Array("c[\(code),".utf8)
        JSONText.appendString(reason, to: &line)
        line.append(contentsOf: "]\n".utf8)
        return line
    }
}
