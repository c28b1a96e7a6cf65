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
        let venue: Venue

        init(feed: Feed, symbols: [Symbol]) {
            self.program = feed.program
            self.workspace = .allocate(capacity: 1)
            self.workspace.initialize(to: Workspace(feed.program))
            self.symbols = .allocate(capacity: 1)
            self.symbols.initialize(to: SymbolTable(rules: feed.symbolRules, subscribed: symbols))
            self.venue = feed.name
        }

        deinit {
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
    public init(feed: Feed, symbols: [Symbol]) { self.storage = Storage(feed: feed, symbols: symbols) }

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
        guard let start = frame.baseAddress?.assumingMemoryBound(to: UInt8.self), frame.count > 0 else {
            return .malformed("the frame is empty")
        }
        guard frame.count < Int(UInt32.max) else { return .malformed("the frame has \(frame.count) bytes") }
        let storage = self.storage
        let workspace = storage.workspace
        if let rule = workspace.pointee.decisions.find(start, count: frame.count) {
            return rule < 0 ? .unmatched : Self.fixedOutcome(storage.program.rules[rule].body)
        }
        workspace.pointee.reset()
        var scanner = FrameScanner(
            start: start, count: frame.count, nodes: storage.program.nodes, watches: storage.program.watches,
            needs: storage.program.needs, finalRules: storage.program.finalRules, possible: storage.program.allRules,
            workspace: workspace
        )
        let isWhole = scanner.run()
        workspace.pointee.slotsUsed = min(scanner.slotsUsed, workspace.pointee.rows.pointee.stride)
        if isWhole {
            scanner.judgeAbsent(count: storage.program.watchCount)
        } else if scanner.stop != .decided {
            return .malformed(Self.text(scanner))
        }
        let index = scanner.possible == 0 ? -1 : scanner.possible.trailingZeroBitCount
        if !isWhole, scanner.decidingCount <= frame.count {
            workspace.pointee.decisions.learn(start, length: scanner.decidingCount, rule: index)
        }
        guard index >= 0 else { return .unmatched }
        let rule = storage.program.rules + index
        switch rule.pointee.body {
        case .ignored, .control, .reconnect: return Self.fixedOutcome(rule.pointee.body)
        case .error, .items: break
        }
        return storage.program.details.withUnsafeBufferPointer { details in
            var builder = TickBuilder(
                base: start, end: start + frame.count, workspace: workspace, symbols: storage.symbols, details: details,
                venue: storage.venue, receivedTime: receivedTime, fulfilled: scanner.fulfilled
            )
            if rule.pointee.body == .error {
                return .providerError(builder.errorText(rule.pointee.message, rule.pointee.detail))
            }
            let before = ticks.count
            builder.build(rule, into: &ticks)
            if builder.hasProblem { return .malformed(builder.problem) }
            return ticks.count == before ? .ignored : .ticks(ticks.count - before)
        }
    }

    @inline(__always)
    private static func fixedOutcome(_ body: RuleCode.Body) -> FrameOutcome {
        switch body {
        case .ignored: .ignored
        case .control: .control
        case .reconnect: .reconnect
        case .error, .items: preconditionFailure("a rule that reads values was decided before the frame's end")
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
