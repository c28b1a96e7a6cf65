/// What a captured value is.
enum ValueKind: UInt8, CaseIterable {
    case absent = 0
    case string, escapedString, number, true_, false_, null, object, array

    var type: JSONType? {
        switch self {
        case .absent: nil
        case .string, .escapedString: .string
        case .number: .number
        case .true_, .false_: .boolean
        case .null: .null
        case .object: .object
        case .array: .array
        }
    }
}

/// Where in the frame a value stands: without its quotes when it is a string.
struct Slot {
    var start: UInt32
    var end: UInt32
    var kind: ValueKind

    static let absent = Slot(start: 0, end: 0, kind: .absent)

    @inline(__always) var isMissing: Bool { self.kind == .absent || self.kind == .null }
    /// Whether its text is to be read as it stands in the frame: a number, or a string without escapes.
    @inline(__always) var isPlain: Bool {
        // By raw values, which differ in one bit: comparing cases makes a jump table.
        self.kind.rawValue | (ValueKind.string.rawValue ^ ValueKind.number.rawValue) == ValueKind.number.rawValue
    }
}

/// A slot in the row of one `each` level; scope 0 is the frame itself.
struct SlotReference: Hashable, Sendable {
    var scope: Int
    var slot: Int
}

/// Which messages are still possible after one more value is known.
struct Verdict: Sendable {
    /// Rules that the value does not rule out.
    var possible: UInt64 = .max
    /// Conditions that the value fulfils.
    var fulfilled: UInt64 = 0

    @inline(__always)
    static func & (left: Verdict, right: Verdict) -> Verdict {
        Verdict(possible: left.possible & right.possible, fulfilled: left.fulfilled | right.fulfilled)
    }
}

/// What a value that `when` looks at decides, prepared so that the usual test costs one look-up.
struct Watch {
    /// From words and literals that a condition names to an index in `verdicts`.
    var strings: KeyTable
    var literals: KeyTable
    var verdicts: UnsafeMutablePointer<Verdict>
    /// For a string or literal that no condition names.
    var otherwise: Verdict
    /// By `ValueKind`: what the type alone decides.
    var kinds: UnsafeMutablePointer<Verdict>
    /// Prefix and suffix tests.
    var affixes: UnsafeMutablePointer<AffixTest>
    var affixCount: Int
    /// Regular expressions.
    var patterns: UnsafeMutablePointer<PatternTest>
    var patternCount: Int
    /// The number of its ``VerdictCache``, or −1 when it needs none.
    var cache = -1
    /// The slot in scope 0.
    var slot: Int
    /// What it decides that there is no value.
    var whenAbsent: Verdict
}

/// A prefix and suffix test of a watched value.
struct AffixTest {
    var affix: Affix
    var whenTrue: Verdict
    var whenFalse: Verdict
}

/// A regular expression that a watched value is tried on.
struct PatternTest {
    /// Its number in ``Program/patterns``.
    var pattern: Int
    var whenTrue: Verdict
    var whenFalse: Verdict
}

/// Up to eight bytes that must stand somewhere in a text of at least eight.
struct AffixWord {
    private var word: UInt64 = 0
    private var mask: UInt64 = 0
    /// Where in the text a word is read, negative from its end.
    private let offset: Int

    /// The first `count` bytes at `bytes`, which stand at `offset` in the text.
    init(_ bytes: UnsafeMutablePointer<UInt8>, count: Int, offset: Int) {
        // So that the word lies in the text.
        self.offset = offset < 0 ? min(offset, -8) : offset
        let shift = 8 * (offset - self.offset)
        for index in 0..<count {
            self.word |= UInt64(bytes[index]) << UInt64(8 * index + shift)
            self.mask |= 0xFF << UInt64(8 * index + shift)
        }
    }

    /// Whether they do.
    @inline(__always)
    func holds(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let place = self.offset < 0 ? text + (length &+ self.offset) : text + self.offset
        return KeyBytes.load(place) & self.mask == self.word
    }
}

/// What a text must start and end with.
struct Affix {
    let prefix: UnsafeMutablePointer<UInt8>
    let prefixCount: Int
    let suffix: UnsafeMutablePointer<UInt8>
    let suffixCount: Int
    private let prefixEnds: (AffixWord, AffixWord)
    private let suffixEnds: (AffixWord, AffixWord)

    init(
        prefix: UnsafeMutablePointer<UInt8>, prefixCount: Int, suffix: UnsafeMutablePointer<UInt8>, suffixCount: Int
    ) {
        self.prefix = prefix
        self.prefixCount = prefixCount
        self.suffix = suffix
        self.suffixCount = suffixCount
        let (before, behind) = (min(8, prefixCount), min(8, suffixCount))
        self.prefixEnds = (
            AffixWord(prefix, count: before, offset: 0),
            AffixWord(prefix + (prefixCount - before), count: before, offset: prefixCount - before)
        )
        self.suffixEnds = (
            AffixWord(suffix, count: behind, offset: -suffixCount),
            AffixWord(suffix + (suffixCount - behind), count: behind, offset: -behind)
        )
    }

    /// Whether the text does.
    @inline(__always)
    func matches(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        guard length >= self.prefixCount &+ self.suffixCount else { return false }
        guard length >= 8 else { return self.matchesByteByByte(text, length) }
        guard self.suffixEnds.1.holds(text, length), self.prefixEnds.0.holds(text, length),
            self.suffixEnds.0.holds(text, length), self.prefixEnds.1.holds(text, length)
        else { return false }
        return max(self.prefixCount, self.suffixCount) <= 16 || self.matchesByteByByte(text, length)
    }

    @inline(never)
    private func matchesByteByByte(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        for index in 0..<self.prefixCount where text[index] != self.prefix[index] { return false }
        let tail = text + (length - self.suffixCount)
        for index in 0..<self.suffixCount where tail[index] != self.suffix[index] { return false }
        return true
    }
}

/// One place in a frame that the scanner knows.
struct ProgramNode {
    /// A member that is wanted of an array by its place from the end: −1 is the last.
    struct FromEnd {
        var place: Int32
        var node: Int32
    }

    /// Where the value goes, or −1.
    var slot: Int32 = -1
    /// Which watch judges it, or −1.
    var watch: Int32 = -1
    /// The keys that are wanted of an object.
    var keys: KeyTable?
    /// Where the guesses for the keys start in the work space.
    var guessBase: Int32 = 0
    /// By position in the array the node of the member there, or −1, which is also what the entry behind them says.
    var positions: UnsafeMutablePointer<Int32>?
    var positionCount = 0
    var fromEnd: UnsafeMutablePointer<FromEnd>?
    var fromEndCount = 0
    /// Where the array's last members are kept in the work space, or −1 when nobody counts from the end.
    var tail: Int32 = -1
    /// The scope whose rows are this array's members, or −1.
    var memberScope: Int32 = -1
    var memberNode: Int32 = -1
    /// The scope whose rows are this object's entries, or −1.
    var entryScope: Int32 = -1
    var entryNode: Int32 = -1
    /// The slot of the entry's key in its row, or −1.
    var entryKeySlot: Int32 = -1

    @inline(__always) var entersObject: Bool { self.keys != nil || self.entryScope >= 0 || self.memberScope >= 0 }
    @inline(__always) var entersArray: Bool { self.positions != nil }
}

/// One level of `each`, or the frame.
struct ProgramScope: Sendable {
    var parent: Int
    var slotCount: Int
}

/// Owns the flat tables of a program.
final class ProgramMemory: @unchecked Sendable {
    // SAFETY: filled by one builder before the program is shared, and freed when nobody refers to it any more.
    private var blocks: [UnsafeMutableRawPointer] = []
    private var tables: [KeyTable] = []

    /// Copies `values` into memory that lives as long as this object.
    func store<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, values.count) * MemoryLayout<Value>.stride, alignment: 16
        )
        self.blocks.append(block)
        let typed = block.bindMemory(to: Value.self, capacity: max(1, values.count))
        typed.initialize(from: values, count: values.count)
        return typed
    }

    /// A table from words to numbers that lives as long as this object.
    func table(_ words: [(text: [UInt8], value: Int32)]) -> KeyTable {
        var table = KeyTable(minimumCapacity: words.count)
        for (text, value) in words { table.insert(text, value: value) }
        self.tables.append(table)
        return table
    }

    deinit {
        for block in self.blocks { block.deallocate() }
        for table in self.tables { table.deallocate() }
    }
}

/// A feed file's `messages`, compiled: flat tables that the scanner walks while it reads the bytes.
struct Program: @unchecked Sendable {
    // SAFETY: after the builder has made it nothing is written any more; `memory` keeps the tables alive.
    var memory: ProgramMemory
    var nodes: UnsafeMutablePointer<ProgramNode>
    var watches: UnsafeMutablePointer<Watch>
    var watchCount: Int
    var rules: UnsafeMutablePointer<RuleCode>
    /// For each rule the conditions that must be fulfilled.
    var needs: UnsafeMutablePointer<UInt64>
    /// Rules that need no more of the frame once they are certain.
    var finalRules: UInt64
    /// The rules there are.
    var allRules: UInt64
    var scopes: [ProgramScope]
    /// How many ``KeyGuess``es a work space needs.
    var guessCount: Int
    /// How many ``ListTail``s a work space needs.
    var tailCount: Int
    /// How many ``VerdictCache``s a work space needs.
    var verdictCacheCount: Int
    /// What few fields need.
    var details: [FieldDetail]
    /// Regular expressions, compiled by each work space for itself.
    var patterns: [TextPattern]
    /// Numbers by symbol.
    var tables: [FactorTable]
    var replies: [ReplyCode]
    /// The kinds of registered channels that rules name.
    var channelKinds: [String]
    /// Rules for frames of registered channels.
    var channelRules: UInt64
    /// Where the number stands that counts the connection's frames.
    var sequence: UnsafeMutablePointer<FieldCode>
    /// Whether a frame that is not JSON is one text that a rule looks at.
    var takesText: Bool
}
