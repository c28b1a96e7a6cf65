/// Frames that were decided before their end, remembered by the bytes that decided them.
///
/// The scanner looks at nothing but these bytes before it stops, so a frame that starts with them ends alike: most of a busy
/// stream, order books for example, is told by comparing two or three words.
struct DecisionCache {
    private struct Entry {
        var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
        /// How many bytes decide; zero is a free entry.
        var length: Int
        /// The rule that takes such frames, or −1.
        var rule: Int
    }

    private let entries: UnsafeMutablePointer<Entry>
    private static let count = 16
    /// Fewer bytes are not worth it, more do not fit.
    private static let lengths = 16...64

    init() {
        self.entries = .allocate(capacity: Self.count)
        self.entries.initialize(
            repeating: Entry(words: (0, 0, 0, 0, 0, 0, 0, 0), length: 0, rule: -1), count: Self.count
        )
    }

    func deallocate() { self.entries.deallocate() }

    /// The entry for frames like this one: by the second word, which is where streams begin to differ.
    @inline(__always)
    private func entry(_ start: UnsafePointer<UInt8>) -> UnsafeMutablePointer<Entry> {
        let hash = KeyBytes.load(start + 8) &* 0x9E37_79B9_7F4A_7C15
        return self.entries + Int(truncatingIfNeeded: hash >> 60)
    }

    /// The rule that takes a frame which starts like an earlier one, −1 for "no rule"; `nil` when none did.
    @inline(__always)
    func find(_ start: UnsafePointer<UInt8>, count: Int) -> Int? {
        guard count >= Self.lengths.lowerBound else { return nil }
        let entry = self.entry(start)
        let length = entry.pointee.length
        guard length > 0, length <= count else { return nil }
        let words = UnsafeRawPointer(entry).assumingMemoryBound(to: UInt8.self)
        var offset = 0
        while offset &+ 8 <= length {
            if KeyBytes.load(words + offset) != KeyBytes.load(start + offset) { return nil }
            offset &+= 8
        }
        // The last word may overlap the one before.
        let last = length &- 8
        return KeyBytes.load(words + last) == KeyBytes.load(start + last) ? entry.pointee.rule : nil
    }

    /// Remembers that the first `length` bytes decide for `rule`.
    func learn(_ start: UnsafePointer<UInt8>, length: Int, rule: Int) {
        guard Self.lengths.contains(length) else { return }
        let entry = self.entry(start)
        entry.pointee.length = length
        entry.pointee.rule = rule
        UnsafeMutableRawPointer(entry).copyMemory(from: start, byteCount: length)
    }
}
