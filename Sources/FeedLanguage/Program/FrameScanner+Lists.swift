extension FrameScanner {
    mutating func array(
        _ begin: Place, _ node: UnsafeMutablePointer<ProgramNode>, _ slots: UnsafeMutablePointer<Slot>, row: Int
    ) -> Place? {
        guard var position = node.pointee.positions else { return self.skipContainer(begin) }
        let end = self.end
        var place = Self.skipSpace(begin + 1, end)
        guard place < end else { return self.fail(.unexpectedEnd, place) }
        if place.pointee == UInt8(ascii: "]") { return place + 1 }
        let lastPosition = position + node.pointee.positionCount
        let hasRows = node.pointee.memberScope >= 0
        let tail = node.pointee.tail >= 0 ? self.workspace.pointee.tails + Int(node.pointee.tail) : nil
        var count = 0
        while true {
            let member = place
            let child = Int(position.pointee)
            let first = place.pointee
            if first &- UInt8(ascii: "0") < 10 || first == UInt8(ascii: "-") {
                guard let length = JSONNumber.length(place, limit: end - place) else {
                    return self.fail(.badNumber, place)
                }
                place += length
                if child >= 0 {
                    guard self.capture(self.nodes + child, slots, .number, member, place) else { return nil }
                }
                if hasRows { guard self.scalarRow(node, .number, member, place, row: row) else { return nil } }
            } else if first == UInt8(ascii: "\"") {
                var hasEscape = false
                guard let close = self.closingQuote(place + 1, &hasEscape) else { return nil }
                let kind: ValueKind = hasEscape ? .escapedString : .string
                place = close + 1
                if child >= 0 {
                    guard self.capture(self.nodes + child, slots, kind, member + 1, close) else { return nil }
                }
                if hasRows { guard self.scalarRow(node, kind, member + 1, close, row: row) else { return nil } }
            } else if first == UInt8(ascii: "["), child >= 0, !hasRows, self.nodes[child].entersArray {
                guard let behind = self.array(place, self.nodes + child, slots, row: row),
                    self.capture(self.nodes + child, slots, .array, place, behind)
                else { return nil }
                place = behind
            } else if first > 0x20 {
                guard let behind = self.item(place, node, child, slots, row: row) else { return nil }
                place = behind
            } else {
                place = Self.skipManySpaces(place, end)
                guard place < end else { return self.fail(.unexpectedEnd, place) }
                guard place.pointee > 0x20 else { return self.fail(.unexpectedByte, place) }
                continue
            }
            if let tail {
                tail[count & (ListTail.count &- 1)] = ListTail(start: member, end: place)
                count &+= 1
            }
            if position != lastPosition { position += 1 }
            // The usual `,` with the next member right behind it.
            if end - place > 1, place.pointee == UInt8(ascii: ",") {
                place += 1
                continue
            }
            place = Self.skipSpace(place, end)
            guard place < end else { return self.fail(.unexpectedEnd, place) }
            if place.pointee == UInt8(ascii: "]") { break }
            guard place.pointee == UInt8(ascii: ",") else { return self.fail(.unexpectedByte, place) }
            place += 1
            guard place < end else { return self.fail(.unexpectedEnd, place) }
        }
        if let tail {
            self.examined = max(self.examined, place - self.start)
            guard self.membersFromEnd(node, tail, count, slots, row: row) else { return nil }
        }
        return place + 1
    }

    /// Captures the members that are wanted by their places from the end.
    @inline(__always)
    private mutating func membersFromEnd(
        _ node: UnsafeMutablePointer<ProgramNode>, _ tail: UnsafeMutablePointer<ListTail>, _ count: Int,
        _ slots: UnsafeMutablePointer<Slot>, row: Int
    ) -> Bool {
        guard let wanted = node.pointee.fromEnd else { return true }
        for index in 0..<node.pointee.fromEndCount {
            let place = count &+ Int(wanted[index].place)
            guard place >= 0 else { continue }
            let child = self.nodes + Int(wanted[index].node)
            let member = tail[place & (ListTail.count &- 1)]
            if member.start.pointee &- UInt8(ascii: "0") < 10 {
                guard self.capture(child, slots, .number, member.start, member.end) else { return false }
            } else {
                guard self.value(member.start, child, slots, row: row) != nil else { return false }
            }
        }
        return true
    }

    /// Reads an array's member for those who want it: `child` by its position, a row of its own, or nobody.
    private mutating func item(
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

    /// Makes a row of a number or string; most rules have no use for it, and only its place counts.
    @inline(__always)
    private mutating func scalarRow(
        _ node: UnsafeMutablePointer<ProgramNode>, _ kind: ValueKind, _ from: Place, _ to: Place, row: Int
    ) -> Bool {
        let rows = self.workspace.pointee.rows(of: Int(node.pointee.memberScope))
        let memberNode = self.nodes + Int(node.pointee.memberNode)
        if memberNode.pointee.slot < 0 {
            if rows.pointee.appendIdle(parent: row) { return true }
        } else if let slots = rows.pointee.append(parent: row) {
            return self.capture(memberNode, slots, kind, from, to)
        }
        _ = self.fail(.tooManyItems, kind == .number ? from : from - 1)
        return false
    }
}
