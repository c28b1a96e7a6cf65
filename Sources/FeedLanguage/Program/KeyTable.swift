/// A hash table from short byte strings to numbers: object keys, symbols, words on the wire.
///
/// A string is compared as its first eight bytes, its last eight and its length; only strings of more than sixteen bytes
/// need a look at the middle. At most a quarter of the places is taken, so nearly every search ends at the first.
/// The owner frees it with ``deallocate()`` and lets nobody use it afterwards.
struct KeyTable {
    struct Entry {
        var first: UInt64
        var last: UInt64
        /// −1 marks a free place.
        var length: Int32
        var value: Int32
        /// The whole string when it is longer than sixteen bytes.
        var bytes: UnsafeMutablePointer<UInt8>?

        static var free: Entry { Entry(first: 0, last: 0, length: -1, value: -1, bytes: nil) }
    }

    private(set) var entries: UnsafeMutablePointer<Entry>
    private(set) var mask: Int
    private(set) var count = 0

    init(minimumCapacity: Int) {
        var capacity = 4
        while capacity < minimumCapacity * 4 { capacity *= 2 }
        self.entries = .allocate(capacity: capacity)
        self.entries.initialize(repeating: .free, count: capacity)
        self.mask = capacity - 1
    }

    func deallocate() {
        for index in 0...self.mask { self.entries[index].bytes?.deallocate() }
        self.entries.deallocate()
    }

    @inline(__always)
    private static func place(_ first: UInt64, _ last: UInt64, _ length: Int) -> Int {
        // Fibonacci hashing: the high bits of the product depend on all bits of the string.
        let mixed = (first ^ (last &<< 7) ^ last ^ UInt64(truncatingIfNeeded: length)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 33)
    }

    /// The value stored for the string, or −1.
    @inline(__always)
    func find(_ key: KeyBytes) -> Int32 {
        var index = Self.place(key.first, key.last, key.length) & self.mask
        while true {
            let entry = self.entries + index
            let length = Int(entry.pointee.length)
            if length == key.length, entry.pointee.first == key.first, entry.pointee.last == key.last,
                length <= 16 || Self.middleMatches(entry.pointee, key)
            {
                return entry.pointee.value
            }
            if length < 0 { return -1 }
            index = (index &+ 1) & self.mask
        }
    }

    @inline(never)
    private static func middleMatches(_ entry: Entry, _ key: KeyBytes) -> Bool {
        guard let bytes = entry.bytes else { return false }
        for index in 8..<(key.length - 8) where bytes[index] != key.base[index] { return false }
        return true
    }

    /// Stores a value, in place of an earlier one for the same string.
    mutating func insert(_ text: some Collection<UInt8>, value: Int32) {
        if (self.count + 1) * 4 > self.mask + 1 { self.grow() }
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count + 1)
        for (index, byte) in text.enumerated() { copy[index] = byte }
        let key = KeyBytes(UnsafePointer(copy), length: text.count, end: UnsafePointer(copy) + text.count)
        let isLong = text.count > 16
        let entry = Entry(
            first: key.first, last: key.last, length: Int32(text.count), value: value, bytes: isLong ? copy : nil
        )
        if !isLong { copy.deallocate() }
        self.insert(entry)
    }

    private mutating func insert(_ entry: Entry) {
        // Only strings of more than sixteen bytes are read through the pointer, and those keep their copy.
        var index = Self.place(entry.first, entry.last, Int(entry.length)) & self.mask
        while self.entries[index].length >= 0 {
            let other = self.entries[index]
            if other.length == entry.length, other.first == entry.first, other.last == entry.last,
                Self.sameMiddle(other, entry)
            {
                other.bytes?.deallocate()
                self.entries[index] = entry
                return
            }
            index = (index + 1) & self.mask
        }
        self.entries[index] = entry
        self.count += 1
    }

    private static func sameMiddle(_ left: Entry, _ right: Entry) -> Bool {
        guard let leftBytes = left.bytes, let rightBytes = right.bytes else { return true }
        for index in 0..<Int(left.length) where leftBytes[index] != rightBytes[index] { return false }
        return true
    }

    private mutating func grow() {
        let old = self.entries
        let oldMask = self.mask
        var larger = KeyTable(minimumCapacity: (oldMask + 1) / 2)
        for index in 0...oldMask where old[index].length >= 0 { larger.insert(old[index]) }
        old.deallocate()
        self = larger
    }
}

/// A byte string prepared for comparing.
struct KeyBytes {
    let base: UnsafePointer<UInt8>
    let length: Int
    /// The first eight bytes, the first in the lowest place, zero-filled.
    let first: UInt64
    /// The last eight bytes of a string longer than eight, otherwise zero.
    let last: UInt64

    /// Prepares `length` bytes at `base`; memory is readable up to `end`, which is at or after the string's end.
    @inline(__always)
    init(_ base: UnsafePointer<UInt8>, length: Int, end: UnsafePointer<UInt8>) {
        self.base = base
        self.length = length
        if length >= 8 {
            self.first = Self.load(base)
            self.last = length > 8 ? Self.load(base + (length &- 8)) : 0
        } else if end - base >= 8 {
            self.first = Self.load(base) & ((1 &<< UInt64(truncatingIfNeeded: length &* 8)) &- 1)
            self.last = 0
        } else {
            var word: UInt64 = 0
            for index in 0..<length { word |= UInt64(base[index]) &<< UInt64(index &* 8) }
            self.first = word
            self.last = 0
        }
    }

    /// Eight bytes from memory, the first in the lowest place.
    @inline(__always)
    static func load(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
    }
}
