public import Market

/// Turns one connection's frames into ticks by a feed file's rules.
///
/// Each frame is read once, without building a tree, and nothing is allocated but what the ticks themselves hold.
/// Use a decoder from one thread or task at a time; a copy shares its work space with the original.
public struct FrameDecoder {
    private let storage: Storage

    /// Owns what is written while decoding.
    private final class Storage {
        let program: Program
        let workspace: UnsafeMutablePointer<Workspace>
        let symbols: UnsafeMutablePointer<SymbolTable>
        let builder: UnsafeMutablePointer<TickBuilder>
        let encoding: FrameEncoding
        let environment: [String: String]
        let unpacker: FrameUnpacker
        /// The program's, at a place that stays.
        let details: UnsafeMutableBufferPointer<FieldDetail>
        /// Whether a frame may be left once its rule is certain: not when each carries a number to follow.
        let canStop: Bool
        /// The only symbol that was asked for.
        private(set) var requestSymbol: Symbol?
        private let rules: SymbolRules
        var frameSequence: Int64?

        init(feed: Feed, program: Program, symbols: [Symbol], encoding: FrameEncoding) {
            self.program = program
            self.encoding = encoding == .binary ? .text : encoding
            self.environment = feed.environment
            self.unpacker = FrameUnpacker(encoding)
            self.canStop = !program.sequence.pointee.isMapped
            self.requestSymbol = symbols.count == 1 ? symbols[0] : nil
            self.rules = feed.symbolRules
            self.details = .allocate(capacity: program.details.count)
            _ = self.details.initialize(from: program.details)
            self.workspace = .allocate(capacity: 1)
            self.workspace.initialize(to: Workspace(program))
            self.symbols = .allocate(capacity: 1)
            self.symbols.initialize(to: SymbolTable(rules: feed.symbolRules, subscribed: symbols))
            self.builder = .allocate(capacity: 1)
            self.builder.initialize(
                to: TickBuilder(
                    workspace: self.workspace, symbols: self.symbols, details: UnsafeBufferPointer(self.details),
                    venue: feed.name))
        }

        /// Other symbols are subscribed.
        func setSymbols(_ symbols: [Symbol]) {
            self.requestSymbol = symbols.count == 1 ? symbols[0] : nil
            self.symbols.pointee.deallocate()
            self.symbols.pointee = SymbolTable(rules: self.rules, subscribed: symbols)
        }

        /// An answer to send.
        func render(_ reply: ReplyCode, _ values: [FieldPath: RenderContext.Value], at time: Timestamp) -> String {
            var context = RenderContext(
                now: time, random: UInt64(bitPattern: time.nanoseconds), environment: self.environment)
            context.frame = values
            return reply.template.render(context)
        }

        deinit {
            self.details.deinitialize()
            self.details.deallocate()
            self.builder.deinitialize(count: 1)
            self.builder.deallocate()
            self.workspace.pointee.deallocate()
            self.workspace.deinitialize(count: 1)
            self.workspace.deallocate()
            self.symbols.pointee.deallocate()
            self.symbols.deinitialize(count: 1)
            self.symbols.deallocate()
        }
    }

    /// Makes a decoder for one connection.
    ///
    /// - Parameters:
    ///   - feed: The feed whose frames come.
    ///   - symbols: What is subscribed: joined native names are looked up among these first, then split by the file's quote
    ///     currencies.
    public init(feed: Feed, symbols: [Symbol]) { self.init(feed: feed, symbols: symbols, encoding: feed.encoding) }

    /// Makes a decoder for frames that come in another form than the venue's, or that other rules read.
    init(feed: Feed, symbols: [Symbol], encoding: FrameEncoding, program: Program? = nil) {
        self.storage = Storage(
            feed: feed, program: program ?? feed.program, symbols: symbols, encoding: encoding)
    }

    /// Reads one frame and appends its ticks.
    ///
    /// Never traps and never reads outside `frame`, whatever is in it.
    ///
    /// - Parameters:
    ///   - frame: The frame's text, UTF-8.
    ///   - receivedTime: When it arrived.
    ///   - ticks: Where ticks are appended, in the frame's order.
    /// - Returns: What became of the frame.
    public mutating func decode(
        _ frame: UnsafeRawBufferPointer, receivedTime: Timestamp, into ticks: inout [Tick]
    ) -> FrameOutcome {
        // A frame that cannot be read has no number, least of all the one before's.
        if !self.storage.canStop { self.storage.frameSequence = nil }
        guard let start = frame.baseAddress?.assumingMemoryBound(to: UInt8.self), frame.count > 0 else {
            return .malformed("the frame is empty")
        }
        guard frame.count < Int(UInt32.max) else { return .malformed("the frame has \(frame.count) bytes") }
        if self.storage.encoding != .text { return self.unpack(frame, receivedTime: receivedTime, into: &ticks) }
        return self.read(start, frame.count, receivedTime: receivedTime, into: &ticks)
    }

    /// The number of the last frame by the file's top-level `sequence`; `nil` where there is none.
    public var frameSequence: Int64? { self.storage.frameSequence }

    /// Takes what the last frame said about the trading of symbols, in order; empty most times.
    public mutating func takeStatuses() -> [TradingStatus] {
        guard self.storage.builder.pointee.sawStatus else { return [] }
        self.storage.builder.pointee.sawStatus = false
        return self.storage.workspace.pointee.statuses
    }

    /// Forgets what earlier frames told: a new connection begins.
    public mutating func reset() { self.storage.workspace.pointee.memory.reset() }

    /// Other symbols are subscribed from now on; what earlier frames told stays known.
    public mutating func setSymbols(_ symbols: [Symbol]) { self.storage.setSymbols(symbols) }

    // MARK: Reading

    private func unpack(
        _ frame: UnsafeRawBufferPointer, receivedTime: Timestamp, into ticks: inout [Tick]
    ) -> FrameOutcome {
        let bytes: [UInt8]
        do {
            bytes = try self.storage.unpacker.unpack(frame)
        } catch {
            return .malformed(error.message)
        }
        return bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress, bytes.count > 0 else { return .malformed("the frame is empty") }
            return self.read(start, bytes.count, receivedTime: receivedTime, into: &ticks)
        }
    }

    @inline(__always)
    private func read(
        _ start: UnsafePointer<UInt8>, _ count: Int, receivedTime: Timestamp, into ticks: inout [Tick]
    ) -> FrameOutcome {
        let storage = self.storage
        let workspace = storage.workspace
        if let rule = workspace.pointee.decisions.find(start, count: count) {
            return rule < 0 ? .unmatched : Self.fixedOutcome(storage.program.rules[rule].body)
        }
        workspace.pointee.reset()
        let possible: UInt64
        let fulfilled: UInt64
        let shapes = start.pointee == UInt8(ascii: "[") ? workspace.pointee.shapes : nil
        if let known = shapes?.pointee.find(start, count: count, workspace) {
            possible = known.pointee.possible
            fulfilled = known.pointee.fulfilled
        } else {
            var scanner = FrameScanner(
                start: start, count: count, nodes: storage.program.nodes, watches: storage.program.watches,
                needs: storage.program.needs, finalRules: storage.program.finalRules, canStop: storage.canStop,
                possible: storage.program.allRules, workspace: workspace
            )
            var isWhole = scanner.run()
            if !isWhole, scanner.stop != .decided, storage.program.takesText, Self.isText(start, count, scanner) {
                scanner.runAsText()
                isWhole = true
            }
            if isWhole {
                scanner.judgeAbsent(count: storage.program.watchCount)
                shapes?.pointee.learn(
                    start, storage.program, workspace, possible: scanner.possible, fulfilled: scanner.fulfilled)
            } else if scanner.stop != .decided {
                return .malformed(Self.text(scanner))
            }
            possible = scanner.possible
            fulfilled = scanner.fulfilled
            if !isWhole, !self.isUnusual(possible), scanner.decidingCount <= count {
                let rule = possible == 0 ? -1 : possible.trailingZeroBitCount
                workspace.pointee.decisions.learn(start, length: scanner.decidingCount, rule: rule)
            }
        }
        if self.isUnusual(possible) {
            return self.finishUnusual(
                possible, fulfilled, start, count, receivedTime: receivedTime, into: &ticks)
        }
        let index = possible == 0 ? -1 : possible.trailingZeroBitCount
        guard index >= 0 else { return .unmatched }
        let rule = storage.program.rules + index
        switch rule.pointee.body {
        case .ignored, .control, .reconnect: return Self.fixedOutcome(rule.pointee.body)
        case .error, .fatal, .reply, .acknowledgement, .registration, .outputs: break
        }
        let builder = self.builder(fulfilled, start, count, receivedTime: receivedTime)
        return self.outcome(of: rule, &builder.pointee, into: &ticks)
    }

    /// Whether a frame that these rules may take is one of a registered channel, or numbered.
    @inline(__always)
    private func isUnusual(_ possible: UInt64) -> Bool {
        possible & self.storage.program.channelRules != 0 || self.storage.program.sequence.pointee.isMapped
    }

    /// Chooses among rules that ask for a registered channel, and reads the frame's number.
    @inline(never)
    private func finishUnusual(
        _ possible: UInt64, _ fulfilled: UInt64, _ start: UnsafePointer<UInt8>, _ count: Int, receivedTime: Timestamp,
        into ticks: inout [Tick]
    ) -> FrameOutcome {
        let storage = self.storage
        let builder = self.builder(fulfilled, start, count, receivedTime: receivedTime)
        if storage.program.sequence.pointee.isMapped {
            storage.frameSequence = builder.pointee.integer(storage.program.sequence)
        }
        var possible = possible
        // Rules look for the id in the same place, nearly always: it is looked up once.
        var slot: Int32 = -1
        var channel = -1
        while possible != 0 {
            let index = possible.trailingZeroBitCount
            possible &= possible &- 1
            let rule = storage.program.rules + index
            if rule.pointee.channel.isMapped {
                if rule.pointee.channel.slot != slot || rule.pointee.channel.detail >= 0 {
                    slot = rule.pointee.channel.slot
                    channel = builder.pointee.channel(&rule.pointee.channel)
                }
                guard channel >= 0 else { continue }
                let kind = storage.workspace.pointee.memory.channels[channel].kind
                guard rule.pointee.channelKind < 0 || rule.pointee.channelKind == kind else { continue }
                if let symbol = storage.workspace.pointee.memory.channels[channel].symbol {
                    builder.pointee.contextSymbol = symbol
                }
            }
            return self.outcome(of: rule, &builder.pointee, into: &ticks)
        }
        return .unmatched
    }

    /// The builder of ticks, ready for this frame.
    @inline(__always)
    private func builder(
        _ fulfilled: UInt64, _ start: UnsafePointer<UInt8>, _ count: Int, receivedTime: Timestamp
    ) -> UnsafeMutablePointer<TickBuilder> {
        let builder = self.storage.builder
        builder.pointee.begin(
            base: start, end: start + count, receivedTime: receivedTime, fulfilled: fulfilled,
            contextSymbol: self.storage.requestSymbol
        )
        return builder
    }

    @inline(__always)
    private func outcome(
        of rule: UnsafeMutablePointer<RuleCode>, _ builder: inout TickBuilder, into ticks: inout [Tick]
    ) -> FrameOutcome {
        guard rule.pointee.body == .outputs else { return self.unusualOutcome(of: rule, &builder) }
        let before = ticks.count
        builder.build(rule, into: &ticks)
        let count = ticks.count - before
        return builder.isPlain && count > 0 ? .ticks(count) : self.mixedOutcome(&builder, count: count)
    }

    /// What becomes of a frame that gave no ticks, or more than ticks.
    @inline(never)
    private func mixedOutcome(_ builder: inout TickBuilder, count: Int) -> FrameOutcome {
        let workspace = self.storage.workspace
        let error = builder.sawError ? workspace.pointee.itemError : nil
        if builder.sawError { workspace.pointee.itemError = nil }
        if builder.hasProblem { return .malformed(workspace.pointee.problem) }
        if count > 0 { return .ticks(count) }
        if let error { return .providerError(error) }
        if builder.sawUnmatched { return .unmatched }
        return builder.sawControl ? .control : .ignored
    }

    @inline(never)
    private func unusualOutcome(
        of rule: UnsafeMutablePointer<RuleCode>, _ builder: inout TickBuilder
    ) -> FrameOutcome {
        switch rule.pointee.body {
        case .ignored, .control, .reconnect: return Self.fixedOutcome(rule.pointee.body)
        case .error: return .providerError(builder.error(&rule.pointee.error))
        case .fatal: return .fatal(builder.error(&rule.pointee.error).message)
        case .reply:
            let reply = self.storage.program.replies[rule.pointee.reply]
            return .reply(self.storage.render(reply, builder.replyValues(reply), at: builder.receivedTime))
        case .acknowledgement: return .acknowledged(builder.acknowledgement(rule))
        case .registration:
            guard let channel = builder.registration(rule) else {
                return .malformed(self.storage.workspace.pointee.problem)
            }
            self.storage.workspace.pointee.memory.register(channel)
            return .registered(channel)
        case .outputs: preconditionFailure("rules that give ticks do not come here")
        }
    }

    /// Whether bytes that are no JSON are a text: they do not begin as an object, a list or a string.
    @inline(never)
    private static func isText(_ start: UnsafePointer<UInt8>, _ count: Int, _ scanner: FrameScanner) -> Bool {
        let first = FrameScanner.skipSpace(start, start + count)
        guard first < start + count else { return false }
        switch first.pointee {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""): return false
        default: return true
        }
    }

    @inline(__always)
    private static func fixedOutcome(_ body: RuleCode.Body) -> FrameOutcome {
        switch body {
        case .ignored: .ignored
        case .control: .control
        case .reconnect: .reconnect
        case .error, .fatal, .reply, .acknowledgement, .registration, .outputs:
            preconditionFailure("a rule that reads values was decided before the frame's end")
        }
    }

    @inline(never)
    private static func text(_ scanner: FrameScanner) -> String {
        let place = "at byte \(scanner.stopOffset)"
        switch scanner.stop {
        case .none, .decided: return "unreadable \(place)"
        case .unexpectedByte: return "not JSON: unexpected character \(place)"
        case .unexpectedEnd: return "not JSON: it ends too early \(place)"
        case .badNumber: return "not JSON: bad number \(place)"
        case .badEscape: return "not JSON: bad escape in a string \(place)"
        case .tooDeep: return "nested deeper than \(FrameScanner.depthMax) levels \(place)"
        case .tooManyItems: return "more than \(Workspace.rowsMax) items \(place)"
        case .trailingBytes: return "not JSON: something follows the value \(place)"
        }
    }
}
