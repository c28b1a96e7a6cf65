import Market

/// The captured values of one frame, reused from frame to frame: after the first ones nothing is allocated.
///
/// Lives behind a pointer: the owner calls ``deallocate()`` at its end.
struct Workspace {
    let rows: UnsafeMutablePointer<Rows>
    let scopeCount: Int
    /// By scope: the row that the tick being built reads.
    let current: UnsafeMutablePointer<UnsafeMutablePointer<Slot>>
    /// By object node: what its keys probably are.
    let guesses: UnsafeMutablePointer<KeyGuess>
    /// By array node: its last members, see ``ProgramNode/tail``.
    let tails: UnsafeMutablePointer<ListTail>
    /// Whether the last frame made rows.
    private var hasRows = false
    /// By ``Watch/cache``: what texts have decided.
    let verdicts: UnsafeMutablePointer<VerdictCache>
    private let verdictCacheCount: Int
    /// Frames that need not be scanned.
    let decisions = DecisionCache()
    /// Lists whose values need not be searched; `nil` where frames are no lists.
    let shapes: UnsafeMutablePointer<ShapeCache>?
    /// The last ISO 8601 minute.
    var minutes = MinuteCache()
    /// The program's regular expressions.
    let patterns: [CompiledPattern]
    /// Numbers by symbol.
    let tables: [FactorTable]
    /// What the last frame that spoke of it said about the trading of symbols.
    var statuses: [TradingStatus] = []
    /// What an item of the frame said is wrong.
    var itemError: ProviderError?
    /// The first value of the frame that could not be read.
    var problem = ""
    /// What earlier frames of the connection have told.
    var memory: ConnectionMemory
    /// Where strings with escapes are written out.
    private(set) var text: UnsafeMutablePointer<UInt8>
    private var textCapacity: Int

    /// The most rows a frame may have in one scope.
    static let rowsMax = 65_536

    init(_ program: Program) {
        self.scopeCount = program.scopes.count
        self.rows = .allocate(capacity: self.scopeCount)
        self.current = .allocate(capacity: self.scopeCount)
        for (index, scope) in program.scopes.enumerated() {
            let isFrame = index == 0
            (self.rows + index).initialize(
                to: Rows(count: isFrame ? 1 : 0, capacity: isFrame ? 1 : 64, stride: max(1, scope.slotCount)))
            (self.current + index).initialize(to: self.rows[index].slots)
        }
        self.guesses = .allocate(capacity: max(1, program.guessCount))
        self.guesses.initialize(repeating: KeyGuess(), count: max(1, program.guessCount))
        self.verdictCacheCount = program.verdictCacheCount
        self.verdicts = .allocate(capacity: max(1, program.verdictCacheCount))
        for index in 0..<program.verdictCacheCount { (self.verdicts + index).initialize(to: VerdictCache()) }
        self.tails = .allocate(capacity: max(1, program.tailCount))
        let takesLists = program.nodes.pointee.entersArray
        self.shapes = takesLists ? .allocate(capacity: 1) : nil
        self.shapes?.initialize(to: ShapeCache())
        // The loader has compiled each of them before.
        self.patterns = program.patterns.compactMap { try? $0.compiled() }
        self.tables = program.tables
        self.memory = ConnectionMemory(channelKinds: program.channelKinds)
        self.textCapacity = 256
        self.text = .allocate(capacity: 256)
    }

    func deallocate() {
        for index in 0..<self.scopeCount { self.rows[index].deallocate() }
        self.rows.deallocate()
        self.current.deallocate()
        self.guesses.deallocate()
        self.tails.deallocate()
        for index in 0..<self.verdictCacheCount { self.verdicts[index].deallocate() }
        self.verdicts.deallocate()
        self.decisions.deallocate()
        self.shapes?.pointee.deallocate()
        self.shapes?.deallocate()
        self.memory.deallocate()
        self.text.deallocate()
    }

    /// Forgets the last frame.
    @inline(__always)
    mutating func reset() {
        self.rows.pointee.clear(1)
        if self.hasRows { self.forgetRows() }
    }

    @inline(never)
    private mutating func forgetRows() {
        for scope in 1..<self.scopeCount { self.rows[scope].removeAll() }
        self.hasRows = false
    }

    /// The rows of a level below the frame, to be added to.
    @inline(__always)
    mutating func rows(of scope: Int) -> UnsafeMutablePointer<Rows> {
        self.hasRows = true
        return self.rows + scope
    }

    /// Makes room for `count` bytes of text; what was there is lost.
    mutating func reserveText(_ count: Int) {
        guard count > self.textCapacity else { return }
        self.text.deallocate()
        self.textCapacity = max(count, self.textCapacity * 2)
        self.text = .allocate(capacity: self.textCapacity)
    }

    /// Writes out a string's escapes, RFC 8259 section 7, into `text`.
    ///
    /// A lone surrogate becomes U+FFFD.
    ///
    /// - Returns: The number of bytes, or `nil` when an escape is wrong.
    mutating func unescape(_ start: UnsafePointer<UInt8>, count: Int) -> Int? {
        self.reserveText(count + 8)
        let output = self.text
        var written = 0
        var index = 0
        while index < count {
            let byte = start[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                output[written] = byte
                written += 1
                continue
            }
            guard index < count else { return nil }
            let escape = start[index]
            index += 1
            switch escape {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output[written] = escape
            case UInt8(ascii: "b"): output[written] = 0x08
            case UInt8(ascii: "f"): output[written] = 0x0C
            case UInt8(ascii: "n"): output[written] = 0x0A
            case UInt8(ascii: "r"): output[written] = 0x0D
            case UInt8(ascii: "t"): output[written] = 0x09
            case UInt8(ascii: "u"):
                guard var scalar = Self.hexadecimal(start + index, available: count - index) else { return nil }
                index += 4
                if scalar & 0xFC00 == 0xD800, count - index >= 6, start[index] == UInt8(ascii: "\\"),
                    start[index + 1] == UInt8(ascii: "u"),
                    let low = Self.hexadecimal(start + index + 2, available: count - index - 2), low & 0xFC00 == 0xDC00
                {
                    scalar = 0x10000 + ((scalar & 0x3FF) << 10) + (low & 0x3FF)
                    index += 6
                } else if scalar & 0xF800 == 0xD800 {
                    scalar = 0xFFFD
                }
                // At most four bytes for the six or twelve read.
                for unit in String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8 {
                    output[written] = unit
                    written += 1
                }
                continue
            default: return nil
            }
            written += 1
        }
        return written
    }

    private static func hexadecimal(_ digits: UnsafePointer<UInt8>, available: Int) -> UInt32? {
        guard available >= 4 else { return nil }
        var value: UInt32 = 0
        for index in 0..<4 {
            let byte = digits[index]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        return value
    }
}
