/// Finds single values in a JSON text, for answers that are read once: frames go through the compiled program.
///
/// Never traps, whatever the bytes are; what is not JSON has no values. O(*n*) for each value.
struct JSONLookup {
    private let bytes: UnsafeBufferPointer<UInt8>

    /// The value at a path from the root; `nil` when there is none.
    static func value(at path: FieldPath, in bytes: [UInt8]) -> RenderContext.Value? {
        bytes.withUnsafeBufferPointer { bytes in
            let lookup = JSONLookup(bytes: bytes)
            guard let range = lookup.range(of: path.segments[...], from: lookup.skipBlanks(0)) else { return nil }
            return lookup.value(range)
        }
    }

    /// The places of the members where the text is a list; `nil` for anything else.
    static func members(of bytes: UnsafeRawBufferPointer) -> [Range<Int>]? {
        bytes.withMemoryRebound(to: UInt8.self) { bytes in
            let lookup = JSONLookup(bytes: bytes)
            let start = lookup.skipBlanks(0)
            guard lookup.byte(start) == UInt8(ascii: "[") else { return nil }
            return lookup.members(at: start)
        }
    }

    private func byte(_ index: Int) -> UInt8? { index < self.bytes.count ? self.bytes[index] : nil }

    private func skipBlanks(_ start: Int) -> Int {
        var index = start
        while let byte = self.byte(index), [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
        return index
    }

    /// The end of the string whose quote is at `start`.
    private func endOfString(_ start: Int) -> Int? {
        var index = start + 1
        while let byte = self.byte(index) {
            if byte == UInt8(ascii: "\"") { return index + 1 }
            index += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    /// The end of the value at `start`; brackets are counted, not matched by kind.
    private func end(_ start: Int) -> Int? {
        guard let first = self.byte(start) else { return nil }
        if first == UInt8(ascii: "\"") { return self.endOfString(start) }
        var index = start
        var depth = 0
        while let byte = self.byte(index) {
            switch byte {
            case UInt8(ascii: "\""):
                guard let end = self.endOfString(index) else { return nil }
                index = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return index > start ? index : nil }
                depth -= 1
                if depth == 0 { return index + 1 }
            case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
                if depth == 0 { return index > start ? index : nil }
            default: break
            }
            index += 1
        }
        return depth == 0 ? index : nil
    }

    private func members(at start: Int) -> [Range<Int>]? {
        var result: [Range<Int>] = []
        var index = self.skipBlanks(start + 1)
        while let byte = self.byte(index) {
            if byte == UInt8(ascii: "]") { return result }
            guard let end = self.end(index) else { return nil }
            result.append(index..<end)
            index = self.skipBlanks(end)
            if self.byte(index) == UInt8(ascii: ",") { index = self.skipBlanks(index + 1) }
        }
        return nil
    }

    /// The value of the first member with this name of the object at `start`.
    private func member(_ name: String, at start: Int) -> Range<Int>? {
        var index = self.skipBlanks(start + 1)
        while self.byte(index) == UInt8(ascii: "\"") {
            guard let keyEnd = self.endOfString(index) else { return nil }
            let key = self.text(index + 1..<keyEnd - 1)
            index = self.skipBlanks(keyEnd)
            guard self.byte(index) == UInt8(ascii: ":") else { return nil }
            index = self.skipBlanks(index + 1)
            guard let end = self.end(index) else { return nil }
            if key == name { return index..<end }
            index = self.skipBlanks(end)
            if self.byte(index) == UInt8(ascii: ",") { index = self.skipBlanks(index + 1) }
        }
        return nil
    }

    private func range(of segments: ArraySlice<FieldPath.Segment>, from start: Int) -> Range<Int>? {
        guard let segment = segments.first else { return self.end(start).map { start..<$0 } }
        let next: Range<Int>?
        switch (segment, self.byte(start)) {
        case (.key(let name), UInt8(ascii: "{")): next = self.member(name, at: start)
        case (.index(let index), UInt8(ascii: "[")):
            let members = self.members(at: start) ?? []
            let place = index < 0 ? members.count + index : index
            next = members.indices.contains(place) ? members[place] : nil
        case (.key, _), (.index, _): next = nil
        }
        guard let next else { return nil }
        return self.range(of: segments.dropFirst(), from: next.lowerBound)
    }

    private func value(_ range: Range<Int>) -> RenderContext.Value {
        let json = String(decoding: self.bytes[range], as: UTF8.self)
        guard self.byte(range.lowerBound) == UInt8(ascii: "\"") else {
            return RenderContext.Value(text: json, json: json)
        }
        return RenderContext.Value(text: self.text(range.lowerBound + 1..<range.upperBound - 1), json: json)
    }

    /// A string's content, escapes resolved; a broken escape is left out.
    private func text(_ range: Range<Int>) -> String {
        guard !range.isEmpty, self.bytes[range].contains(UInt8(ascii: "\\")) else {
            return String(decoding: self.bytes[range], as: UTF8.self)
        }
        var units: [UInt16] = []
        var plain: [UInt8] = []
        var index = range.lowerBound
        func flush() {
            units += Array(String(decoding: plain, as: UTF8.self).utf16)
            plain = []
        }
        while index < range.upperBound {
            guard self.bytes[index] == UInt8(ascii: "\\"), index + 1 < range.upperBound else {
                plain.append(self.bytes[index])
                index += 1
                continue
            }
            let escape = self.bytes[index + 1]
            index += 2
            switch escape {
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "t"): plain.append(0x09)
            case UInt8(ascii: "r"): plain.append(0x0D)
            case UInt8(ascii: "b"): plain.append(0x08)
            case UInt8(ascii: "f"): plain.append(0x0C)
            case UInt8(ascii: "u"):
                flush()
                let digits = self.bytes[index..<min(index + 4, range.upperBound)]
                if let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16) { units.append(unit) }
                index += digits.count
            default: plain.append(escape)
            }
        }
        flush()
        return String(decoding: units, as: UTF16.self)
    }
}
