/// The key that stood at one place of an object in the last frame of the same kind.
///
/// A venue writes the keys of a message in the same order every time, so the guess nearly always holds, and then neither
/// the comma nor the key's end nor its colon need be searched, nor its hash computed. A wrong guess costs nothing but the
/// ordinary way.
struct KeyGuess {
    /// The text from the `{` or `,` before the key to the value: its first eight bytes, the eight after them, its last eight.
    private var first: UInt64 = 0
    private var middle: UInt64 = 0
    private var last: UInt64 = 0
    private var firstMask: UInt64 = 0
    /// How long the text is; `Int32.max` while nothing is known.
    private(set) var length = Int32.max
    /// What the key stands for in its object's table.
    private(set) var child: Int32 = -1
    /// Whether the text ends in the opening quote of a string.
    private(set) var isString = false

    /// Keys beyond this place share their guesses.
    private static let membersMax = 32
    /// Messages are told apart by the first rule that may still take them.
    private static let kinds = 8
    /// How many guesses one kind of object needs.
    static let count = membersMax * kinds

    /// Where the guesses start while these rules may still take the frame.
    @inline(__always)
    static func kind(rules: UInt64) -> Int {
        (rules.trailingZeroBitCount & (Self.kinds &- 1)) &* Self.membersMax
    }

    /// The next key's place, from 0 on.
    ///
    /// The first key's, whose text begins with a brace, is nobody else's.
    @inline(__always)
    static func index(after member: Int) -> Int { member &+ 1 < Self.membersMax ? member &+ 1 : 1 }

    /// Whether the bytes at `place` are as before.
    @inline(__always)
    func holds(_ place: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Bool {
        let length = Int(self.length)
        guard end - place > max(length, 8), KeyBytes.load(place) & self.firstMask == self.first else { return false }
        if length <= 8 { return true }
        return KeyBytes.load(place + (length &- 8)) == self.last
            && (length <= 16 || KeyBytes.load(place + 8) == self.middle)
    }

    /// Remembers a key of up to 20 bytes, written without escapes, if no blanks stand around it.
    ///
    /// - Parameters:
    ///   - key: The key's first byte, behind at least two others.
    ///   - keyEnd: Its closing quote.
    ///   - end: The end of the frame.
    ///   - child: What it stands for.
    mutating func learn(
        _ key: UnsafePointer<UInt8>, _ keyEnd: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, child: Int32
    ) {
        self.length = .max
        let start = key - 2
        guard end - keyEnd > 3, end - start > 8, start[0] == UInt8(ascii: ",") || start[0] == UInt8(ascii: "{"),
            keyEnd[1] == UInt8(ascii: ":"), keyEnd[2] > 0x20
        else { return }
        let isString = keyEnd[2] == UInt8(ascii: "\"")
        let length = keyEnd - start + (isString ? 3 : 2)
        guard length <= 24 else { return }
        self.firstMask = length >= 8 ? .max : (1 << UInt64(length * 8)) - 1
        self.first = KeyBytes.load(start) & self.firstMask
        self.middle = length > 16 ? KeyBytes.load(start + 8) : 0
        self.last = length > 8 ? KeyBytes.load(start + (length - 8)) : 0
        self.length = Int32(length)
        self.child = child
        self.isString = isString
    }
}
