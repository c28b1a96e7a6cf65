extension FrameScanner {
    @inline(never)
    mutating func fail(_ stop: Stop, _ place: Place) -> Place? {
        self.stop = stop
        self.stopOffset = place - self.start
        return nil
    }

    @inline(__always)
    static func skipSpace(_ place: Place, _ end: Place) -> Place {
        if place < end, place.pointee > 0x20 { return place }
        return Self.skipManySpaces(place, end)
    }

    @inline(never)
    static func skipManySpaces(_ place: Place, _ end: Place) -> Place {
        var place = place
        while place < end {
            switch place.pointee {
            case 0x20, 0x09, 0x0A, 0x0D: place += 1
            default: return place
            }
        }
        return place
    }

    /// The closing quote of the string whose content starts at `place`.
    @inline(__always)
    mutating func closingQuote(_ place: Place, _ hasEscape: inout Bool) -> Place? {
        guard self.end - place > 16 else { return self.distantQuote(place, &hasEscape) }
        // Sixteen when there is none: then a quote right behind them is the first as well.
        let hit = ByteMask.firstQuoteOrBackslash(place)
        if place[hit] == UInt8(ascii: "\"") { return place + hit }
        return self.distantQuote(place + hit, &hasEscape)
    }

    @inline(never)
    mutating func distantQuote(_ place: Place, _ hasEscape: inout Bool) -> Place? {
        var at = self.quoteOrBackslash(from: place)
        while at < self.end {
            if at.pointee == UInt8(ascii: "\"") { return at }
            hasEscape = true
            guard self.end - at > 2 else { break }
            at = self.quoteOrBackslash(from: at + 2)
        }
        return self.fail(.unexpectedEnd, self.end)
    }

    /// The first `"` or `\` from `place` on, or the end.
    @inline(__always)
    private func quoteOrBackslash(from place: Place) -> Place {
        var at = place
        let end = self.end
        while end - at >= 16 {
            let hit = ByteMask(quotesAndBackslashes: at).first
            if hit < 16 { return at + hit }
            at += 16
        }
        if at < end, end - self.start >= 16 {
            // The frame's last sixteen bytes, of which some have been looked at.
            let last = end - 16
            return last + ByteMask(quotesAndBackslashes: last).first(from: at - last)
        }
        while at < end, at.pointee != UInt8(ascii: "\""), at.pointee != UInt8(ascii: "\\") { at += 1 }
        return at
    }

    /// The place behind a number, `true`, `false` or `null`.
    @inline(__always)
    mutating func literal(_ place: Place) -> Place? {
        switch place.pointee {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            guard let length = JSONNumber.length(place, limit: self.end - place) else {
                return self.fail(.badNumber, place)
            }
            return place + length
        case UInt8(ascii: "t"): return self.word("true", place)
        case UInt8(ascii: "f"): return self.word("false", place)
        case UInt8(ascii: "n"): return self.word("null", place)
        default: return self.fail(.unexpectedByte, place)
        }
    }

    @inline(never)
    mutating func word(_ text: StaticString, _ place: Place) -> Place? {
        let count = text.utf8CodeUnitCount
        guard self.end - place >= count else { return self.fail(.unexpectedEnd, place) }
        for index in 0..<count where place[index] != text.utf8Start[index] {
            return self.fail(.unexpectedByte, place)
        }
        return place + count
    }

    @inline(__always)
    mutating func skipValue(_ place: Place) -> Place? {
        guard place < self.end else { return self.fail(.unexpectedEnd, place) }
        switch place.pointee {
        case UInt8(ascii: "\""):
            var hasEscape = false
            guard let close = self.closingQuote(place + 1, &hasEscape) else { return nil }
            return close + 1
        case UInt8(ascii: "{"), UInt8(ascii: "["): return self.skipContainer(place)
        default: return self.literal(place)
        }
    }

    /// The place behind the object or array at `begin`, whatever is in it.
    mutating func skipContainer(_ begin: Place) -> Place? {
        // One bit a level: set for an object.
        var levels: UInt64 = 0
        var depth = 0
        var place = begin
        let end = self.end
        while place < end {
            let byte = place.pointee
            switch byte {
            case UInt8(ascii: "\""):
                var hasEscape = false
                guard let close = self.closingQuote(place + 1, &hasEscape) else { return nil }
                place = close + 1
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0A, 0x0D: place += 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard depth < Self.depthMax else { return self.fail(.tooDeep, place) }
                levels = levels &<< 1 | (byte == UInt8(ascii: "{") ? 1 : 0)
                depth &+= 1
                place += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard levels & 1 == (byte == UInt8(ascii: "}") ? 1 : 0) else {
                    return self.fail(.unexpectedByte, place)
                }
                levels &>>= 1
                depth &-= 1
                place += 1
                if depth == 0 { return place }
            default:
                guard let behind = self.literal(place) else { return nil }
                place = behind
            }
        }
        return self.fail(.unexpectedEnd, place)
    }
}
