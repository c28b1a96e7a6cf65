/// The data of `tick` events, a JSON object, with what it says about the ticks it stands for.
///
/// Works on bytes, without building a tree. Data that is not an object counts as one tick and stays as it is.
package struct TickText: Sendable {
    /// Data as it stands inside a frame: escaped for a JSON string.
    package static let escaped = TickText(quote: #"\""#)
    /// Data on its own.
    package static let plain = TickText(quote: #"""#)

    private let mergedKey: [UInt8]
    private let sequenceKey: [UInt8]

    private init(quote: String) {
        self.mergedKey = Array("\(quote)merged\(quote):".utf8)
        self.sequenceKey = Array("\(quote)sequence\(quote):".utf8)
    }

    /// How many ticks the data stands for: its last member `merged`, or 1.
    package func weight(_ data: UnsafeRawBufferPointer) -> Int {
        self.ending(data)?.weight ?? 1
    }

    /// Appends the data with `merged` as its last member, in place of the one that is there.
    package func append(
        _ data: UnsafeRawBufferPointer, merged: Int, to output: inout [UInt8]
    ) {
        guard let ending = self.ending(data) else {
            output.append(contentsOf: data)
            return
        }
        output.append(contentsOf: data[..<ending.bodyEnd])
        if data[ending.bodyEnd - 1] != UInt8(ascii: "{") { output.append(UInt8(ascii: ",")) }
        output.append(contentsOf: self.mergedKey)
        output.append(contentsOf: String(merged).utf8)
        output.append(UInt8(ascii: "}"))
    }

    /// The last member `sequence`, or the last but one before `merged`; `nil` when there is none.
    package func sequence(_ data: UnsafeRawBufferPointer) -> UInt64? {
        guard let ending = self.ending(data) else { return nil }
        return Self.number(data, before: ending.bodyEnd, key: self.sequenceKey).flatMap { UInt64(exactly: $0.value) }
    }

    /// Where the members other than a last `merged` end, and what that says.
    private func ending(_ data: UnsafeRawBufferPointer) -> (bodyEnd: Int, weight: Int)? {
        guard data.count >= 2, data[0] == UInt8(ascii: "{"), data[data.count - 1] == UInt8(ascii: "}") else {
            return nil
        }
        let end = data.count - 1
        guard let merged = Self.number(data, before: end, key: self.mergedKey) else { return (end, 1) }
        // With the comma before it, if there is one.
        let start = data[merged.start - 1] == UInt8(ascii: ",") ? merged.start - 1 : merged.start
        // A publisher's number: bounded, so that no sum of them can overflow.
        return (start, min(max(merged.value, 1), 1_000_000_000))
    }

    /// The member `key` whose digits end at `end`, and where it begins.
    private static func number(_ data: UnsafeRawBufferPointer, before end: Int, key: [UInt8]) -> (
        start: Int, value: Int
    )? {
        var position = end
        while position > 1, data[position - 1] >= UInt8(ascii: "0"), data[position - 1] <= UInt8(ascii: "9") {
            position -= 1
        }
        let start = position - key.count
        guard position < end, end - position <= 18, start >= 1, data[start..<position].elementsEqual(key) else {
            return nil
        }
        var value = 0
        for byte in data[position..<end] { value = value * 10 + Int(byte - UInt8(ascii: "0")) }
        return (start, value)
    }
}
