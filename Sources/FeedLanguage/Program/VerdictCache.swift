/// What texts in one place of a frame have decided, by their bytes.
///
/// For places where a prefix, suffix or regular expression is tested: the names of streams come again and again, and one
/// look-up costs less than two such tests. Texts of other lengths than 8 to 32 bytes are not kept, and a text pushes out
/// another that falls on the same entry.
struct VerdictCache {
    private struct Entry {
        var text = Text(words: (0, 0, 0, 0), length: 0)
        var verdict = Verdict()
    }

    /// A text in four words, which overlap when it is short.
    struct Text {
        fileprivate let words: (UInt64, UInt64, UInt64, UInt64)
        fileprivate let length: Int

        fileprivate init(words: (UInt64, UInt64, UInt64, UInt64), length: Int) {
            self.words = words
            self.length = length
        }

        /// `nil` when it is too short or too long.
        @inline(__always)
        init?(_ bytes: UnsafePointer<UInt8>, count: Int) {
            guard count >= 8, count <= 32 else { return nil }
            self.length = count
            self.words = (
                KeyBytes.load(bytes), KeyBytes.load(bytes + min(8, count &- 8)),
                KeyBytes.load(bytes + max(0, count &- 16)), KeyBytes.load(bytes + (count &- 8))
            )
        }

        @inline(__always)
        fileprivate static func == (left: Text, right: Text) -> Bool {
            left.length == right.length && left.words.0 == right.words.0 && left.words.1 == right.words.1
                && left.words.2 == right.words.2 && left.words.3 == right.words.3
        }

        @inline(__always)
        fileprivate var place: Int {
            let mixed = self.words.0 ^ self.words.1 &<< 7 ^ self.words.3 &<< 1 ^ UInt64(truncatingIfNeeded: self.length)
            // Fibonacci hashing: the highest bits of the product depend on all bits.
            return Int(truncatingIfNeeded: (mixed &* 0x9E37_79B9_7F4A_7C15) &>> 56)
        }
    }

    private let entries: UnsafeMutablePointer<Entry>
    private static let count = 256

    init() {
        self.entries = .allocate(capacity: Self.count)
        self.entries.initialize(repeating: Entry(), count: Self.count)
    }

    func deallocate() { self.entries.deallocate() }

    /// What the text decided, if it is known.
    @inline(__always)
    func find(_ text: Text) -> Verdict? {
        let entry = self.entries + text.place
        return entry.pointee.text == text ? entry.pointee.verdict : nil
    }

    /// Remembers what a text decides.
    func learn(_ text: Text, _ verdict: Verdict) { self.entries[text.place] = Entry(text: text, verdict: verdict) }
}
