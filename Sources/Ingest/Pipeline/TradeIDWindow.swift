/// The newest trade ids of one symbol at one venue, to drop what a feed sends twice.
///
/// Remembers at least the last ``capacity`` ids and at most twice as many, in two generations: the younger takes new ids, and
/// takes the place of the elder when it is full. A duplicate that comes later than that is caught by the unique index of the
/// `trades` table.
///
/// Ids of up to seven bytes and numbers of up to 18 digits are kept as they are; of longer ones 64 bits are, so that about
/// one in 10^16 new ones is taken for a duplicate.
struct TradeIDWindow: Sendable {
    static let capacity = 1024
    private var younger = Table()
    private var elder = Table()

    /// Remembers `id`.
    ///
    /// - Returns: `false` when it is known already.
    mutating func insert(_ id: String) -> Bool {
        let key = Self.key(of: id)
        if self.elder.contains(key) || !self.younger.insert(key) { return false }
        if self.younger.count == Self.capacity {
            swap(&self.younger, &self.elder)
            self.younger.removeAll()
        }
        return true
    }

    /// Whether `id` is known.
    func contains(_ id: String) -> Bool {
        let key = Self.key(of: id)
        return self.younger.contains(key) || self.elder.contains(key)
    }

    /// The number that `id` is, if it is one of 1 to 18 digits without a leading zero.
    static func number(of id: String) -> Int64? {
        var id = id
        return id.withUTF8 { Self.number(of: $0) }
    }

    /// Sets of keys with open addressing; zero stands for a free place.
    private struct Table: Sendable {
        private var places: [UInt64] = []
        private(set) var count = 0

        func contains(_ key: UInt64) -> Bool {
            guard !self.places.isEmpty else { return false }
            return self.places.withUnsafeBufferPointer { places in
                places[Self.place(of: key, in: places)] == key
            }
        }

        mutating func insert(_ key: UInt64) -> Bool {
            if self.count * 2 >= self.places.count { self.grow() }
            let isNew = self.places.withUnsafeMutableBufferPointer { places in
                let place = Self.place(of: key, in: UnsafeBufferPointer(places))
                if places[place] == key { return false }
                places[place] = key
                return true
            }
            if isNew { self.count += 1 }
            return isNew
        }

        mutating func removeAll() {
            self.places.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
            self.count = 0
        }

        private mutating func grow() {
            let old = self.places
            self.places = [UInt64](repeating: 0, count: max(16, old.count * 2))
            self.places.withUnsafeMutableBufferPointer { places in
                for key in old where key != 0 { places[Self.place(of: key, in: UnsafeBufferPointer(places))] = key }
            }
        }

        /// Where `key` is, or the free place where it belongs; the table is never more than half full.
        @inline(__always)
        private static func place(of key: UInt64, in places: UnsafeBufferPointer<UInt64>) -> Int {
            let mask = places.count - 1
            // Fibonacci hashing: neighbouring numbers are spread over the table.
            var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
            while places[place] != 0, places[place] != key { place = (place + 1) & mask }
            return place
        }
    }

    /// Numbers, short texts and long texts each have their own highest byte, so that they never meet; none is zero.
    private static func key(of id: String) -> UInt64 {
        var id = id
        return id.withUTF8 { bytes in
            if let number = Self.number(of: bytes) { return UInt64(bitPattern: number) | 1 << 62 }
            var key: UInt64 = 0
            if bytes.count <= 7 {
                for byte in bytes { key = key << 8 | UInt64(byte) }
                return key | UInt64(bytes.count + 1) << 56
            }
            // FNV-1a with a final mix (Fowler, Noll, Vo; MurmurHash3's finaliser).
            key = 0xCBF2_9CE4_8422_2325
            for byte in bytes { key = (key ^ UInt64(byte)) &* 0x100_0000_01B3 }
            key = (key ^ (key >> 33)) &* 0xFF51_AFD7_ED55_8CCD
            return (key ^ (key >> 33)) | 1 << 63
        }
    }

    @inline(__always)
    private static func number(of bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard (1...18).contains(bytes.count), bytes[0] != UInt8(ascii: "0") || bytes.count == 1 else { return nil }
        var number: Int64 = 0
        for byte in bytes {
            let digit = byte &- UInt8(ascii: "0")
            if digit > 9 { return nil }
            number = number * 10 + Int64(digit)
        }
        return number
    }
}
