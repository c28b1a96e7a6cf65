/// Passes over one frame's bytes and captures what the program wants.
///
/// Recurses only along the program's paths, whose length is bounded; everything else is skipped with a loop. It never
/// reads beyond the frame. Skipped values are checked for balanced brackets, closed strings and proper numbers and words,
/// not for commas and colons between them.
///
/// Every reading function takes the place to read at and returns the place behind, so that it stays in a register; `nil`
/// says that scanning stopped, and `stop` why.
struct FrameScanner {
    typealias Place = UnsafePointer<UInt8>

    /// Why scanning stopped.
    enum Stop: UInt8 {
        case none
        /// The decision has fallen; the rest of the frame does not matter.
        case decided
        case unexpectedByte, unexpectedEnd, badNumber, badEscape, tooDeep, tooManyItems, trailingBytes
    }

    let start: Place
    let end: Place
    let nodes: UnsafeMutablePointer<ProgramNode>
    let watches: UnsafeMutablePointer<Watch>
    let needs: UnsafeMutablePointer<UInt64>
    let finalRules: UInt64
    let workspace: UnsafeMutablePointer<Workspace>
    var stop = Stop.none
    /// Where scanning stopped.
    var stopOffset = 0
    /// How far the frame was read before a value in front of it was read again.
    var examined = 0
    /// Whether a frame may be left once its rule is certain.
    let canStop: Bool
    /// The rules that may still take the frame.
    var possible: UInt64
    /// The conditions known to hold.
    var fulfilled: UInt64 = 0

    /// How deep skipped values may nest.
    static let depthMax = 64

    init(
        start: Place, count: Int, nodes: UnsafeMutablePointer<ProgramNode>, watches: UnsafeMutablePointer<Watch>,
        needs: UnsafeMutablePointer<UInt64>, finalRules: UInt64, canStop: Bool, possible: UInt64,
        workspace: UnsafeMutablePointer<Workspace>
    ) {
        self.start = start
        self.end = start + count
        self.nodes = nodes
        self.watches = watches
        self.needs = needs
        self.finalRules = finalRules
        self.canStop = canStop
        self.possible = possible
        self.workspace = workspace
    }

    /// Reads the frame.
    ///
    /// - Returns: Whether it was read to its end, in good order.
    mutating func run() -> Bool {
        let begin = Self.skipSpace(self.start, self.end)
        guard let place = self.value(begin, self.nodes, self.workspace.pointee.rows.pointee.slots, row: 0) else {
            return false
        }
        let last = Self.skipSpace(place, self.end)
        if last == self.end { return true }
        _ = self.fail(.trailingBytes, last)
        return false
    }

    /// Takes the frame as one text.
    mutating func runAsText() {
        var last = self.end
        let first = Self.skipSpace(self.start, self.end)
        while last > first, (last - 1).pointee <= 0x20 { last -= 1 }
        // Whatever is decided, a text is over at its end.
        _ = self.capture(self.nodes, self.workspace.pointee.rows.pointee.slots, .string, first, last)
        self.stop = .none
    }

    /// How many bytes took part in an early decision: the one at which scanning stopped ended the deciding value.
    var decidingCount: Int { max(self.stopOffset, self.examined) + 1 }

    /// Lets the values that never came judge the rules.
    mutating func judgeAbsent(count: Int) {
        let slots = self.workspace.pointee.rows.pointee.slots
        for index in 0..<count where slots[self.watches[index].slot].kind == .absent {
            self.possible &= self.watches[index].whenAbsent.possible
            self.fulfilled |= self.watches[index].whenAbsent.fulfilled
        }
    }

    // MARK: Values

    mutating func value(
        _ place: Place, _ node: UnsafeMutablePointer<ProgramNode>, _ slots: UnsafeMutablePointer<Slot>, row: Int
    ) -> Place? {
        guard place < self.end else { return self.fail(.unexpectedEnd, place) }
        let kind: ValueKind
        let after: Place
        switch place.pointee {
        case UInt8(ascii: "\""):
            var hasEscape = false
            guard let close = self.closingQuote(place + 1, &hasEscape) else { return nil }
            guard self.capture(node, slots, hasEscape ? .escapedString : .string, place + 1, close) else { return nil }
            return close + 1
        case UInt8(ascii: "{"):
            kind = .object
            if node.pointee.entersObject {
                guard let inside = self.object(place, node, slots, row: row) else { return nil }
                after = inside
            } else {
                guard let behind = self.skipContainer(place) else { return nil }
                after = behind
            }
        case UInt8(ascii: "["):
            kind = .array
            if node.pointee.entersArray {
                guard let inside = self.array(place, node, slots, row: row) else { return nil }
                after = inside
            } else {
                guard let behind = self.skipContainer(place) else { return nil }
                after = behind
            }
        default:
            guard let behind = self.literal(place) else { return nil }
            after = behind
            kind = Self.kind(ofLiteral: place.pointee)
        }
        return self.capture(node, slots, kind, place, after) ? after : nil
    }

    /// What a literal with this first byte is.
    @inline(__always)
    static func kind(ofLiteral first: UInt8) -> ValueKind {
        switch first {
        case UInt8(ascii: "t"): .true_
        case UInt8(ascii: "f"): .false_
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// Keeps a value, the first of its place, and lets it judge the rules.
    @inline(__always)
    mutating func capture(
        _ node: UnsafeMutablePointer<ProgramNode>, _ slots: UnsafeMutablePointer<Slot>, _ kind: ValueKind,
        _ from: Place, _ to: Place
    ) -> Bool {
        let slot = Int(node.pointee.slot)
        guard slot >= 0, slots[slot].kind == .absent else { return true }
        slots[slot] = Slot(
            start: UInt32(truncatingIfNeeded: from - self.start), end: UInt32(truncatingIfNeeded: to - self.start),
            kind: kind
        )
        let watch = Int(node.pointee.watch)
        if watch < 0 { return true }
        return self.judge(self.watches + watch, kind, from, to)
    }

    @inline(never)
    mutating func judge(
        _ watch: UnsafeMutablePointer<Watch>, _ kind: ValueKind, _ from: Place, _ to: Place
    ) -> Bool {
        let isRemembered = watch.pointee.cache >= 0 && kind == .string
        let found = isRemembered ? self.knownVerdict(watch, from, to) : self.verdict(watch, kind, from, to)
        guard let verdict = found else { return false }
        self.possible &= verdict.possible
        self.fulfilled |= verdict.fulfilled
        let first = self.possible.trailingZeroBitCount
        guard self.canStop else { return true }
        let isDecided =
            self.possible == 0
            || (self.finalRules & (1 &<< UInt64(first)) != 0 && self.needs[first] & ~self.fulfilled == 0)
        if isDecided { _ = self.fail(.decided, to) }
        return !isDecided
    }

    /// What a string without escapes decides, from memory if it came before.
    @inline(__always)
    private mutating func knownVerdict(
        _ watch: UnsafeMutablePointer<Watch>, _ from: Place, _ to: Place
    ) -> Verdict? {
        guard let text = VerdictCache.Text(from, count: to - from) else {
            return self.newVerdict(watch, from, to)
        }
        let cache = self.workspace.pointee.verdicts + watch.pointee.cache
        if let known = cache.pointee.find(text) { return known }
        guard let verdict = self.newVerdict(watch, from, to) else { return nil }
        cache.pointee.learn(text, verdict)
        return verdict
    }

    @inline(never)
    private mutating func newVerdict(
        _ watch: UnsafeMutablePointer<Watch>, _ from: Place, _ to: Place
    ) -> Verdict? {
        self.verdict(watch, .string, from, to)
    }

    /// What a value decides; `nil` when it cannot be read.
    @inline(__always)
    private mutating func verdict(
        _ watch: UnsafeMutablePointer<Watch>, _ kind: ValueKind, _ from: Place, _ to: Place
    ) -> Verdict? {
        var verdict = watch.pointee.kinds[Int(kind.rawValue)]
        var text = from
        var length = to - from
        var readable = self.end
        if kind == .escapedString {
            guard let count = self.workspace.pointee.unescape(from, count: length) else {
                _ = self.fail(.badEscape, from)
                return nil
            }
            text = Place(self.workspace.pointee.text)
            length = count
            readable = text + count
        }
        let isText = kind == .string || kind == .escapedString
        for index in 0..<watch.pointee.affixCount {
            let test = watch.pointee.affixes + index
            let isMatch = isText && test.pointee.affix.matches(text, length)
            verdict = verdict & (isMatch ? test.pointee.whenTrue : test.pointee.whenFalse)
        }
        if watch.pointee.patternCount > 0 {
            let bytes = UnsafeBufferPointer(start: text, count: length)
            for index in 0..<watch.pointee.patternCount {
                let test = watch.pointee.patterns + index
                let isMatch = isText && self.workspace.pointee.patterns[test.pointee.pattern].match(bytes) != .none
                verdict = verdict & (isMatch ? test.pointee.whenTrue : test.pointee.whenFalse)
            }
        }
        var found: Int32 = -1
        if isText {
            found = watch.pointee.strings.find(KeyBytes(text, length: length, end: readable))
        } else if kind != .object, kind != .array {
            found = watch.pointee.literals.find(KeyBytes(text, length: length, end: readable))
        }
        return verdict & (found >= 0 ? watch.pointee.verdicts[Int(found)] : watch.pointee.otherwise)
    }
}
