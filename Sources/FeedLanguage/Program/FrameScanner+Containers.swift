extension FrameScanner {
    mutating func object(
        _ begin: Place, _ node: UnsafeMutablePointer<ProgramNode>, _ slots: UnsafeMutablePointer<Slot>, row: Int
    ) -> Place? {
        if node.pointee.memberScope >= 0 {
            // Where a list is expected a single object counts as its only member.
            guard let behind = self.member(begin, node, row: row) else { return nil }
            guard node.pointee.keys != nil || node.pointee.entryScope >= 0 else { return behind }
            self.examined = max(self.examined, behind - self.start)
        }
        if node.pointee.entryScope >= 0 { return self.entries(begin, node, slots, row: row) }
        guard let keys = node.pointee.keys else { return self.skipContainer(begin) }
        let nodes = self.nodes
        let end = self.end
        let guesses = self.workspace.pointee.guesses + Int(node.pointee.guessBase)
        var member = 0
        var kind = KeyGuess.kind(rules: self.possible)
        // At the brace, then behind each value.
        var place = begin
        while true {
            let child: Int32
            let guess = guesses + KeyGuess.index(kind: kind, member: member)
            let isString: Bool
            if guess.pointee.holds(place, end) {
                child = guess.pointee.child
                place += Int(guess.pointee.length)
                if guess.pointee.isString {
                    isString = true
                } else {
                    place = Self.skipSpace(place, end)
                    guard place < end else { return self.fail(.unexpectedEnd, place) }
                    isString = place.pointee == UInt8(ascii: "\"")
                    if isString { place += 1 }
                }
            } else {
                guard let key = self.key(behind: place, isFirst: member == 0) else { return nil }
                if key.pointee == UInt8(ascii: "}") { return key + 1 }
                var hasEscape = false
                guard let keyEnd = self.closingQuote(key + 1, &hasEscape) else { return nil }
                child = self.find(keys, key + 1, keyEnd, hasEscape, guess)
                if child == Self.badKey { return self.fail(.badEscape, key + 1) }
                guard let value = self.behindColon(keyEnd + 1) else { return nil }
                isString = value.pointee == UInt8(ascii: "\"")
                place = isString ? value + 1 : value
            }
            member &+= 1
            if isString {
                var hasEscape = false
                guard let close = self.closingQuote(place, &hasEscape) else { return nil }
                if child >= 0 {
                    let valueKind: ValueKind = hasEscape ? .escapedString : .string
                    guard self.capture(nodes + Int(child), slots, valueKind, place, close) else { return nil }
                    if nodes[Int(child)].watch >= 0 { kind = KeyGuess.kind(rules: self.possible) }
                }
                place = close + 1
            } else if place.pointee &- UInt8(ascii: "0") < 10 {
                guard let length = JSONNumber.length(place, limit: end - place) else {
                    return self.fail(.badNumber, place)
                }
                let behind = place + length
                if child >= 0 {
                    guard self.capture(nodes + Int(child), slots, .number, place, behind) else { return nil }
                    if nodes[Int(child)].watch >= 0 { kind = KeyGuess.kind(rules: self.possible) }
                }
                place = behind
            } else if child >= 0 {
                guard let behind = self.value(place, nodes + Int(child), slots, row: row) else { return nil }
                kind = KeyGuess.kind(rules: self.possible)
                place = behind
            } else {
                guard let behind = self.skipValue(place) else { return nil }
                place = behind
            }
        }
    }

    /// The opening quote of an object's next key, or the object's closing brace.
    ///
    /// - Parameters:
    ///   - place: The opening brace, or the place behind a value.
    ///   - isFirst: Whether it is the brace.
    /// - Returns: `nil` when there is something else.
    @inline(never)
    mutating func key(behind place: Place, isFirst: Bool) -> Place? {
        var place = place
        if isFirst {
            place = Self.skipSpace(place + 1, self.end)
            if place < self.end, place.pointee == UInt8(ascii: "}") { return place }
        } else {
            place = Self.skipSpace(place, self.end)
            guard place < self.end else { return self.fail(.unexpectedEnd, place) }
            if place.pointee == UInt8(ascii: "}") { return place }
            guard place.pointee == UInt8(ascii: ",") else { return self.fail(.unexpectedByte, place) }
            place = Self.skipSpace(place + 1, self.end)
        }
        guard place < self.end else { return self.fail(.unexpectedEnd, place) }
        return place.pointee == UInt8(ascii: "\"") ? place : self.fail(.unexpectedByte, place)
    }

    /// Says that an escape in a key is wrong.
    static let badKey: Int32 = -2

    /// What a key stands for; remembered as the next guess.
    @inline(never)
    mutating func find(
        _ keys: KeyTable, _ key: Place, _ keyEnd: Place, _ hasEscape: Bool, _ guess: UnsafeMutablePointer<KeyGuess>
    ) -> Int32 {
        if hasEscape { return self.findEscaped(keys, key, keyEnd) }
        let bytes = KeyBytes(key, length: keyEnd - key, end: self.end)
        let child = keys.find(bytes)
        guess.pointee.learn(key, keyEnd, self.end, child: child)
        return child
    }

    /// The place of the value, after the colon that must stand at `place`.
    @inline(__always)
    mutating func behindColon(_ place: Place) -> Place? {
        let colon = Self.skipSpace(place, self.end)
        guard colon < self.end else { return self.fail(.unexpectedEnd, colon) }
        guard colon.pointee == UInt8(ascii: ":") else { return self.fail(.unexpectedByte, colon) }
        let value = Self.skipSpace(colon + 1, self.end)
        guard value < self.end else { return self.fail(.unexpectedEnd, value) }
        return value
    }

    /// The value stored for a key with escapes.
    @inline(never)
    mutating func findEscaped(_ keys: KeyTable, _ key: Place, _ keyEnd: Place) -> Int32 {
        guard let count = self.workspace.pointee.unescape(key, count: keyEnd - key) else { return Self.badKey }
        let text = Place(self.workspace.pointee.text)
        return keys.find(KeyBytes(text, length: count, end: text + count))
    }

    /// Reads an object each entry of which is a row.
    mutating func entries(
        _ begin: Place, _ node: UnsafeMutablePointer<ProgramNode>, _ slots: UnsafeMutablePointer<Slot>, row: Int
    ) -> Place? {
        let scope = Int(node.pointee.entryScope)
        var place = Self.skipSpace(begin + 1, self.end)
        if place < self.end, place.pointee == UInt8(ascii: "}") { return place + 1 }
        while true {
            guard place < self.end else { return self.fail(.unexpectedEnd, place) }
            guard place.pointee == UInt8(ascii: "\"") else { return self.fail(.unexpectedByte, place) }
            let key = place + 1
            var hasEscape = false
            guard let keyEnd = self.closingQuote(key, &hasEscape) else { return nil }
            guard let valuePlace = self.behindColon(keyEnd + 1) else { return nil }
            if let keys = node.pointee.keys {
                let child =
                    hasEscape
                    ? self.findEscaped(keys, key, keyEnd)
                    : keys.find(KeyBytes(key, length: keyEnd - key, end: self.end))
                if child == Self.badKey { return self.fail(.badEscape, key) }
                // An entry that another rule names is read for that rule too.
                if child >= 0 {
                    guard let behind = self.value(valuePlace, self.nodes + Int(child), slots, row: row) else {
                        return nil
                    }
                    self.examined = max(self.examined, behind - self.start)
                }
            }
            guard let entry = self.workspace.pointee.append(scope: scope, parent: row) else {
                return self.fail(.tooManyItems, key)
            }
            entry[Int(node.pointee.entryKeySlot)] = Slot(
                start: UInt32(truncatingIfNeeded: key - self.start),
                end: UInt32(truncatingIfNeeded: keyEnd - self.start),
                kind: hasEscape ? .escapedString : .string
            )
            let index = self.workspace.pointee.rows[scope].count - 1
            guard let behind = self.value(valuePlace, self.nodes + Int(node.pointee.entryNode), entry, row: index)
            else {
                return nil
            }
            place = Self.skipSpace(behind, self.end)
            guard place < self.end else { return self.fail(.unexpectedEnd, place) }
            if place.pointee == UInt8(ascii: "}") { return place + 1 }
            guard place.pointee == UInt8(ascii: ",") else { return self.fail(.unexpectedByte, place) }
            place = Self.skipSpace(place + 1, self.end)
        }
    }

    /// Reads the value at `place` as one row of the node's members.
    mutating func member(_ place: Place, _ node: UnsafeMutablePointer<ProgramNode>, row: Int) -> Place? {
        let scope = Int(node.pointee.memberScope)
        guard let slots = self.workspace.pointee.append(scope: scope, parent: row) else {
            return self.fail(.tooManyItems, place)
        }
        let index = self.workspace.pointee.rows[scope].count - 1
        return self.value(place, self.nodes + Int(node.pointee.memberNode), slots, row: index)
    }

    /// Reads an array's member for those who want it: `child` by its position, a row of its own, or nobody.
    mutating func item(
        _ place: Place, _ node: UnsafeMutablePointer<ProgramNode>, _ child: Int, _ slots: UnsafeMutablePointer<Slot>,
        row: Int
    ) -> Place? {
        if child >= 0 {
            guard let behind = self.value(place, self.nodes + child, slots, row: row) else { return nil }
            self.examined = max(self.examined, behind - self.start)
            return node.pointee.memberScope >= 0 ? self.member(place, node, row: row) : behind
        }
        return node.pointee.memberScope >= 0 ? self.member(place, node, row: row) : self.skipValue(place)
    }

    mutating func array(
        _ begin: Place, _ node: UnsafeMutablePointer<ProgramNode>, _ slots: UnsafeMutablePointer<Slot>, row: Int
    ) -> Place? {
        let end = self.end
        var place = Self.skipSpace(begin + 1, end)
        if place < end, place.pointee == UInt8(ascii: "]") { return place + 1 }
        let rowScope = Int(node.pointee.memberScope)
        let hasNegativeIndex = node.pointee.hasNegativeIndex
        // Where the last eight members start and end, for indexes from the end.
        var tail = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        var count = 0
        while true {
            guard place < end else { return self.fail(.unexpectedEnd, place) }
            let child = Self.node(node, at: count)
            let member = place
            let first = place.pointee
            if first &- UInt8(ascii: "0") < 10 || first == UInt8(ascii: "-") {
                guard let length = JSONNumber.length(place, limit: end - place) else {
                    return self.fail(.badNumber, place)
                }
                let behind = place + length
                if child >= 0 {
                    guard self.capture(self.nodes + child, slots, .number, place, behind) else { return nil }
                    self.examined = max(self.examined, behind - self.start)
                }
                if rowScope >= 0 {
                    let memberNode = self.nodes + Int(node.pointee.memberNode)
                    let isUsed = memberNode.pointee.slot >= 0
                    guard let own = self.workspace.pointee.append(scope: rowScope, parent: row, isUsed: isUsed) else {
                        return self.fail(.tooManyItems, place)
                    }
                    guard !isUsed || self.capture(memberNode, own, .number, place, behind) else { return nil }
                }
                place = behind
            } else {
                guard let behind = self.item(place, node, child, slots, row: row) else { return nil }
                place = behind
            }
            if hasNegativeIndex {
                let bounds = UInt64(place - self.start) &<< 32 | UInt64(member - self.start)
                withUnsafeMutableBytes(of: &tail) { bytes in
                    bytes.storeBytes(of: bounds, toByteOffset: (count & 7) &* 8, as: UInt64.self)
                }
            }
            count &+= 1
            // The usual `,` with the next member right behind it.
            if end - place > 1, place.pointee == UInt8(ascii: ","), place[1] > 0x20 {
                place += 1
                continue
            }
            place = Self.skipSpace(place, end)
            guard place < end else { return self.fail(.unexpectedEnd, place) }
            if place.pointee == UInt8(ascii: "]") { break }
            guard place.pointee == UInt8(ascii: ",") else { return self.fail(.unexpectedByte, place) }
            place = Self.skipSpace(place + 1, end)
        }
        guard hasNegativeIndex, let indexes = node.pointee.indexes else { return place + 1 }
        self.examined = max(self.examined, place - self.start)
        for entry in 0..<node.pointee.indexCount {
            let index = Int(indexes[entry].index)
            guard index < 0, -index <= min(count, 8) else { continue }
            let bounds = withUnsafeBytes(of: &tail) { bytes in
                bytes.load(fromByteOffset: ((count + index) & 7) &* 8, as: UInt64.self)
            }
            let member = self.start + Int(bounds & 0xFFFF_FFFF)
            let child = self.nodes + Int(indexes[entry].node)
            if member.pointee &- UInt8(ascii: "0") < 10 {
                let behind = self.start + Int(bounds &>> 32)
                guard self.capture(child, slots, .number, member, behind) else { return nil }
            } else {
                guard self.value(member, child, slots, row: row) != nil else { return nil }
            }
        }
        return place + 1
    }

    /// The node of the member at a position, or −1.
    @inline(__always)
    static func node(_ node: UnsafeMutablePointer<ProgramNode>, at position: Int) -> Int {
        if position < node.pointee.positionCount, let positions = node.pointee.positions {
            return Int(positions[position])
        }
        return position < ProgramNode.positionsMax ? -1 : Self.distantNode(node, at: position)
    }

    @inline(never)
    private static func distantNode(_ node: UnsafeMutablePointer<ProgramNode>, at position: Int) -> Int {
        guard let indexes = node.pointee.indexes else { return -1 }
        for entry in 0..<node.pointee.indexCount where Int(indexes[entry].index) == position {
            return Int(indexes[entry].node)
        }
        return -1
    }
}
