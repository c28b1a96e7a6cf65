/// A JSON object's members as they are written, for telling what has changed.
package struct FlatObject: Equatable, Sendable {
    /// Members beyond this number are not compared: such an object counts as none.
    private static let membersMax = 64

    private struct Member: Equatable, Sendable {
        /// The key between its quotes.
        var key: Range<Int>
        /// The value's text.
        var value: Range<Int>
    }

    private var bytes: [UInt8] = []
    private var members: [Member] = []

    /// Reads the text of an object.
    ///
    /// - Returns: `nil` for anything else, for an object with a key twice, and for one of more than 64 members.
    package init?(_ text: [UInt8]) {
        self.bytes = text
        let members = text.withUnsafeBufferPointer { Self.members(of: $0) }
        guard let members else { return nil }
        self.members = members
    }

    /// Appends the text of an object with the members that have changed since `older`, and those of `always`.
    ///
    /// A client that has `older` and assigns these members to it has this object, member by member.
    ///
    /// - Parameters:
    ///   - older: What the reader has.
    ///   - always: Keys of members that are written even when they are the same.
    ///   - merged: Written as the last member `merged`.
    ///   - output: Grows by the object.
    /// - Returns: `false`, and nothing is written, when `older` has a member that this object lacks: assigning cannot take it away.
    package func appendChanges(
        since older: FlatObject, always: [StaticString], merged: Int, to output: inout [UInt8]
    ) -> Bool {
        for member in older.members {
            let key = older.bytes[member.key]
            if self.value(of: key) == nil, !Self.isMerged(key) { return false }
        }
        output.append(UInt8(ascii: "{"))
        for (index, member) in self.members.enumerated() {
            let key = self.bytes[member.key]
            if Self.isMerged(key) { continue }
            let isForced = always.contains { Self.equals(key, $0) }
            if !isForced, let known = older.value(of: key, near: index), known.elementsEqual(self.bytes[member.value]) {
                continue
            }
            output.append(UInt8(ascii: "\""))
            output.append(contentsOf: key)
            output.append(contentsOf: "\":".utf8)
            output.append(contentsOf: self.bytes[member.value])
            output.append(UInt8(ascii: ","))
        }
        output.append(contentsOf: "\"merged\":\(merged)}".utf8)
        return true
    }

    private func value(of key: ArraySlice<UInt8>, near index: Int = 0) -> ArraySlice<UInt8>? {
        // Mostly the members are the same ones in the same order.
        if index < self.members.count, self.bytes[self.members[index].key].elementsEqual(key) {
            return self.bytes[self.members[index].value]
        }
        for member in self.members where self.bytes[member.key].elementsEqual(key) { return self.bytes[member.value] }
        return nil
    }

    private static func isMerged(_ key: ArraySlice<UInt8>) -> Bool { Self.equals(key, "merged") }

    private static func equals(_ key: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
        key.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private static func members(of text: UnsafeBufferPointer<UInt8>) -> [Member]? {
        var members: [Member] = []
        members.reserveCapacity(24)
        var reader = JSONReader(text)
        do throws(ChannelsError) {
            guard try reader.peek() == .object else { return nil }
            try reader.readObject { (reader, key) throws(ChannelsError) in
                members.append(Member(key: key.range, value: try reader.skipValue()))
            }
            try reader.finish()
        } catch {
            // An application's own data: it has no members to compare, and is sent as it is.
            return nil
        }
        guard members.count <= Self.membersMax else { return nil }
        for index in members.indices.dropFirst() {
            let key = text[members[index].key]
            if members[..<index].contains(where: { $0.key.count == key.count && text[$0.key].elementsEqual(key) }) {
                return nil
            }
        }
        return members
    }
}
