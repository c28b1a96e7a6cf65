extension TickBuilder {
    @inline(__always)
    mutating func isSnapshot(_ snapshot: borrowing SnapshotCode) -> Bool {
        if snapshot.isAlways { return true }
        if snapshot.needs != 0 { return self.fulfilled & snapshot.needs == snapshot.needs }
        return snapshot.conditions.count == 0 ? false : self.holds(snapshot.conditions)
    }

    mutating func holds(_ list: ConditionList) -> Bool {
        for index in 0..<list.count where !self.holds(list.conditions + index) { return false }
        return true
    }

    mutating func holds(_ condition: UnsafeMutablePointer<ConditionCode>) -> Bool {
        let slot = self.rows[condition.pointee.scope][condition.pointee.slot]
        switch condition.pointee.operation {
        case .exists: return !slot.isMissing
        case .absent: return slot.isMissing
        case .type: return condition.pointee.kinds & (1 << UInt16(slot.kind.rawValue)) != 0
        case .anyOf: return self.isListed(condition, slot)
        case .noneOf: return slot.kind != .absent && !self.isListed(condition, slot)
        case .like:
            guard slot.kind == .string || slot.kind == .escapedString, let text = self.bytes(slot),
                let start = text.baseAddress
            else { return false }
            return condition.pointee.affix.matches(start, text.count)
        case .notLike:
            guard slot.kind == .string || slot.kind == .escapedString, let text = self.bytes(slot),
                let start = text.baseAddress
            else { return slot.kind != .absent }
            return !condition.pointee.affix.matches(start, text.count)
        case .matches: return slot.kind != .absent && self.isMatch(condition, slot)
        case .notMatches: return slot.kind != .absent && !self.isMatch(condition, slot)
        }
    }

    private mutating func isMatch(_ condition: UnsafeMutablePointer<ConditionCode>, _ slot: Slot) -> Bool {
        guard slot.kind == .string || slot.kind == .escapedString, let text = self.bytes(slot) else { return false }
        return self.workspace.pointee.patterns[condition.pointee.pattern].match(text) != .none
    }

    mutating func isListed(_ condition: UnsafeMutablePointer<ConditionCode>, _ slot: Slot) -> Bool {
        switch slot.kind {
        case .string, .escapedString:
            guard let text = self.bytes(slot), let start = text.baseAddress else { return false }
            return condition.pointee.strings.find(self.key(text, at: start)) >= 0
        case .number, .true_, .false_, .null:
            let start = self.base + Int(slot.start)
            let length = Int(slot.end &- slot.start)
            return condition.pointee.literals.find(KeyBytes(start, length: length, end: self.end)) >= 0
        case .absent, .object, .array: return false
        }
    }
}
