import Market

/// The member `merged` of a tick's JSON object: how many ticks it stands for, when it is more than one.
enum TickMerging {
    private static let key = Array(#""merged":"#.utf8)

    /// How many ticks `data` stands for: its last member `merged`, or 1.
    static func weight(_ data: [UInt8]) -> Int { Self.ending(data)?.weight ?? 1 }

    /// `data` with `merged` as its last member, in place of the one that is there.
    ///
    /// Data that is no JSON object stays as it is.
    static func data(_ data: [UInt8], merged: Int) -> [UInt8] {
        guard let ending = Self.ending(data) else { return data }
        var result = Array(data[..<ending.bodyEnd])
        if result.last != UInt8(ascii: "{") { result.append(UInt8(ascii: ",")) }
        result.append(contentsOf: Self.key)
        result.append(integer: merged)
        result.append(UInt8(ascii: "}"))
        return result
    }

    /// Where the other members end, and what `merged` says.
    private static func ending(_ data: [UInt8]) -> (bodyEnd: Int, weight: Int)? {
        guard data.count >= 2, data.first == UInt8(ascii: "{"), data.last == UInt8(ascii: "}") else { return nil }
        let end = data.count - 1
        let digits = data[..<end].reversed().count(upTo: 10) { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        let start = end - digits - Self.key.count
        guard digits > 0, start >= 1, data[start..<end - digits].elementsEqual(Self.key) else { return (end, 1) }
        let value = data[end - digits..<end].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return (data[start - 1] == UInt8(ascii: ",") ? start - 1 : start, value)
    }
}

extension Sequence {
    /// How many elements from the beginning, at most `limit`, fulfil `predicate`.
    fileprivate func count(upTo limit: Int, while predicate: (Element) -> Bool) -> Int {
        var count = 0
        for element in self {
            guard count < limit, predicate(element) else { break }
            count += 1
        }
        return count
    }
}
