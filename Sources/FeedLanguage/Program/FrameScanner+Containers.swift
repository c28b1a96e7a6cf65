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
            let guess = guesses + (kind &+ member)
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
            member = KeyGuess.index(after: member)
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
            guard let entry = self.workspace.pointee.rows(of: scope).pointee.append(parent: row) else {
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
        guard let slots = self.workspace.pointee.rows(of: scope).pointee.append(parent: row) else {
            return self.fail(.tooManyItems, place)
        }
        let index = self.workspace.pointee.rows[scope].count - 1
        return self.value(place, self.nodes + Int(node.pointee.memberNode), slots, row: index)
    }
}
