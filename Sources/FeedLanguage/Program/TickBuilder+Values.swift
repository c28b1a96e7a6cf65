import Market

extension TickBuilder {
    /// Keeps the first complaint.
    @inline(never)
    mutating func complain(_ message: String) {
        if !self.hasProblem { self.workspace.pointee.problem = message }
        self.hasProblem = true
    }

    @inline(__always)
    mutating func slot(_ field: UnsafePointer<FieldCode>) -> Slot {
        guard field.pointee.slot >= 0 else { return .absent }
        let slot = self.rows[Int(field.pointee.scope)][Int(field.pointee.slot)]
        if slot.isMissing, field.pointee.detail >= 0 { return self.alternative(Int(field.pointee.detail)) }
        return slot
    }

    @inline(never)
    mutating func alternative(_ detail: Int) -> Slot {
        for reference in self.details[detail].alternatives {
            let slot = self.rows[reference.scope][reference.slot]
            if !slot.isMissing { return slot }
        }
        return .absent
    }

    /// A value's text, valid until the next escaped one is read; `nil` when it is missing, or no text or number.
    @inline(__always)
    mutating func bytes(_ slot: Slot) -> UnsafeBufferPointer<UInt8>? {
        slot.isPlain ? self.plainBytes(slot) : self.unusualBytes(slot)
    }

    @inline(__always)
    func plainBytes(_ slot: Slot) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: self.base + Int(slot.start), count: Int(slot.end &- slot.start))
    }

    @inline(never)
    mutating func unusualBytes(_ slot: Slot) -> UnsafeBufferPointer<UInt8>? {
        switch slot.kind {
        case .string, .number, .true_, .false_: self.plainBytes(slot)
        case .escapedString: self.unescaped(slot)
        case .absent, .null, .object, .array: nil
        }
    }

    /// The index of the registered channel whose id a field is, or −1.
    @inline(__always)
    mutating func channel(_ field: UnsafePointer<FieldCode>) -> Int {
        guard let id = self.bytes(self.slot(field)), let start = id.baseAddress else { return -1 }
        return self.workspace.pointee.memory.channel(self.key(id, at: start))
    }

    /// A value's text for comparing: read in words where the frame goes on behind it.
    @inline(__always)
    mutating func key(_ text: UnsafeBufferPointer<UInt8>, at start: UnsafePointer<UInt8>) -> KeyBytes {
        let isInFrame = start >= self.base && start < self.end
        return KeyBytes(start, length: text.count, end: isInFrame ? self.end : start + text.count)
    }

    @inline(never)
    mutating func unescaped(_ slot: Slot) -> UnsafeBufferPointer<UInt8>? {
        let start = self.base + Int(slot.start)
        guard let count = self.workspace.pointee.unescape(start, count: Int(slot.end - slot.start)) else { return nil }
        return UnsafeBufferPointer(start: self.workspace.pointee.text, count: count)
    }

    /// What stands in the frame there, for a complaint.
    mutating func excerpt(_ slot: Slot) -> String {
        let text = UnsafeBufferPointer(start: self.base + Int(slot.start), count: Int(slot.end - slot.start))
        let shown = String(decoding: text.prefix(40), as: UTF8.self)
        return text.count > 40 ? "'\(shown)…'" : "'\(shown)'"
    }

    @inline(__always)
    mutating func symbol(_ field: UnsafePointer<FieldCode>) -> Symbol? {
        if field.pointee.slot >= 0 {
            let slot = self.rows[Int(field.pointee.scope)][Int(field.pointee.slot)]
            if slot.kind == .string, slot.end > slot.start {
                var start = self.base + Int(slot.start)
                var count = Int(slot.end &- slot.start)
                if let around = field.pointee.captured {
                    let outside = around.pointee.prefixCount &+ around.pointee.suffixCount
                    let isMatch = count > outside && around.pointee.matches(start, count)
                    start += around.pointee.prefixCount
                    count = isMatch ? count &- outside : 0
                }
                if count > 0, let found = self.symbols.pointee.symbol(start, count: count, end: self.end) {
                    return found
                }
            }
        }
        return self.unusualSymbol(field)
    }

    @inline(never)
    mutating func unusualSymbol(_ field: UnsafePointer<FieldCode>) -> Symbol? {
        guard field.pointee.isMapped else {
            if self.contextSymbol == nil { self.complain("there is no symbol") }
            return self.contextSymbol
        }
        let detail = field.pointee.detail >= 0 ? self.details[Int(field.pointee.detail)] : nil
        if let constant = detail?.constant {
            let symbol = Array(constant.utf8).withUnsafeBufferPointer { self.lookUp($0) }
            if symbol == nil { self.complain("symbol '\(constant)' has no canonical name by the file's rules") }
            return symbol
        }
        if let detail, !detail.parts.isEmpty || detail.pattern != nil {
            guard let text = self.unusualText(field) else {
                self.complain("there is no symbol by the file's rules")
                return nil
            }
            let symbol = Array(text.utf8).withUnsafeBufferPointer { self.lookUp($0) }
            if symbol == nil { self.complain("symbol '\(text)' has no canonical name by the file's rules") }
            return symbol
        }
        let slot = self.slot(field)
        guard var text = self.bytes(slot), !text.isEmpty else {
            self.complain(slot.isMissing ? "there is no symbol" : "symbol \(self.excerpt(slot)) is not a name")
            return nil
        }
        if let like = detail?.like {
            guard let captured = Self.capture(like, text) else {
                self.complain("symbol \(self.excerpt(slot)) is not like '\(like.prefix)*\(like.suffix)'")
                return nil
            }
            text = captured
        }
        guard let symbol = self.lookUp(text) else {
            self.complain("symbol \(self.excerpt(slot)) has no canonical name by the file's rules")
            return nil
        }
        return symbol
    }

    mutating func lookUp(_ text: UnsafeBufferPointer<UInt8>) -> Symbol? {
        guard let start = text.baseAddress, text.count > 0 else { return nil }
        return self.symbols.pointee.symbol(start, count: text.count, end: start + text.count)
    }

    static func capture(
        _ like: LikePattern, _ text: UnsafeBufferPointer<UInt8>
    ) -> UnsafeBufferPointer<UInt8>? {
        let prefixCount = like.prefix.utf8.count
        let suffixCount = like.suffix.utf8.count
        guard text.count > prefixCount + suffixCount, text.starts(with: like.prefix.utf8),
            text.suffix(suffixCount).elementsEqual(like.suffix.utf8)
        else { return nil }
        return UnsafeBufferPointer(rebasing: text[prefixCount..<(text.count - suffixCount)])
    }

    /// The number; `nil` when there is none, and `isBad` when there is something else.
    @inline(__always)
    mutating func decimal(
        _ field: UnsafePointer<FieldCode>, _ name: StaticString, _ flags: inout TickFlags, _ isBad: inout Bool
    ) -> Decimal64? {
        guard field.pointee.isMapped else { return nil }
        if !field.pointee.isSimple { return self.unusualDecimal(field, name, &flags, &isBad) }
        let slot = self.rows[Int(field.pointee.scope)][Int(field.pointee.slot)]
        if slot.isPlain {
            let first = self.base + Int(slot.start)
            // Where signs do not count they come at random: passing over one takes no branch.
            let isUnsigned = field.pointee.isAbsolute && slot.kind == .number
            let skippedCount = isUnsigned && first.pointee == UInt8(ascii: "-") ? 1 : 0
            let start = first + skippedCount
            let text = UnsafeRawBufferPointer(
                start: start, count: Int(slot.end &- slot.start) &- skippedCount
            )
            if let parsed = Decimal64.parse(text, readable: self.end - start) {
                if field.pointee.zeroIsNone, parsed.value.isZero { return nil }
                if parsed.isRounded { flags.insert(.rounded) }
                return field.pointee.isAbsolute ? parsed.value.magnitude : parsed.value
            }
            if text.isEmpty { return nil }
        } else if slot.isMissing, field.pointee.detail < 0 {
            return nil
        }
        return self.unusualDecimal(field, name, &flags, &isBad)
    }

    @inline(never)
    mutating func unusualDecimal(
        _ field: UnsafePointer<FieldCode>, _ name: StaticString, _ flags: inout TickFlags, _ isBad: inout Bool
    ) -> Decimal64? {
        let detail = field.pointee.detail >= 0 ? self.details[Int(field.pointee.detail)] : nil
        if let constant = detail?.constant { return Decimal64(constant) }
        let slot = self.slot(field)
        if slot.isMissing { return nil }
        if let text = self.bytes(slot) {
            if text.isEmpty || detail?.none.contains(where: { $0.utf8.elementsEqual(text) }) ?? false { return nil }
            if slot.kind != .true_, slot.kind != .false_, let parsed = Self.decimal(text, strip: detail?.strip ?? []) {
                if field.pointee.zeroIsNone, parsed.value.isZero { return nil }
                if detail?.noneDecimals.contains(parsed.value) ?? false { return nil }
                if parsed.isRounded { flags.insert(.rounded) }
                let value = field.pointee.isAbsolute ? parsed.value.magnitude : parsed.value
                guard let detail, detail.times != nil || detail.dividedBy != nil else { return value }
                if let scaled = self.scaled(value, detail, &flags) { return scaled }
                isBad = true
                self.complain("\(name) \(self.excerpt(slot)) cannot be scaled for \(self.symbol?.name ?? "its symbol")")
                return nil
            }
        }
        isBad = true
        self.complain("\(name) \(self.excerpt(slot)) is not a number")
        return nil
    }

    /// A number, passing over the bytes of `strip`.
    private static func decimal(_ text: UnsafeBufferPointer<UInt8>, strip: [UInt8]) -> Decimal64.Parsed? {
        if strip.isEmpty { return Decimal64.parse(UnsafeRawBufferPointer(text)) }
        return text.filter { !strip.contains($0) }.withUnsafeBytes { Decimal64.parse($0) }
    }

    /// The value times and divided by what the file says; `nil` when a table has no number for the symbol.
    private mutating func scaled(_ value: Decimal64, _ detail: FieldDetail, _ flags: inout TickFlags) -> Decimal64? {
        var result = value
        if let times = detail.times {
            guard let factor = self.number(times), let product = try? result.multiplied(by: factor) else { return nil }
            result = product
        }
        if let divisor = detail.dividedBy {
            guard let factor = self.number(divisor), let quotient = result.dividedKeepingDigits(by: factor) else {
                return nil
            }
            if quotient.isRounded { flags.insert(.rounded) }
            result = quotient.value
        }
        return result
    }

    private mutating func number(_ factor: FieldDetail.Factor) -> Decimal64? {
        switch factor {
        case .constant(let number): number
        case .table(let index): self.symbol.flatMap { self.workspace.pointee.tables[index].value(for: $0) }
        }
    }

    @inline(__always)
    mutating func text(_ field: UnsafePointer<FieldCode>) -> String? {
        guard field.pointee.isMapped else { return nil }
        if !field.pointee.isSimple { return self.unusualText(field) }
        guard let text = self.bytes(self.slot(field)), !text.isEmpty else { return nil }
        if field.pointee.zeroIsNone, text.count == 1, text[0] == UInt8(ascii: "0") { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    @inline(never)
    mutating func unusualText(_ field: UnsafePointer<FieldCode>) -> String? {
        let detail = self.details[Int(field.pointee.detail)]
        if let constant = detail.constant { return constant }
        if !detail.parts.isEmpty { return self.joined(detail.parts) }
        guard let text = self.bytes(self.slot(field)), !text.isEmpty else { return nil }
        if let pattern = detail.pattern {
            guard case .found(let group) = self.workspace.pointee.patterns[pattern].match(text) else { return nil }
            return group
        }
        if detail.none.contains(where: { $0.utf8.elementsEqual(text) }) { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    /// A text put together from several values; `nil` when one of them is missing.
    private mutating func joined(_ parts: [FieldDetail.Part]) -> String? {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .slot(let reference):
                guard let text = self.bytes(self.rows[reference.scope][reference.slot]) else { return nil }
                result += String(decoding: text, as: UTF8.self)
            }
        }
        return result
    }

    @inline(__always)
    mutating func integer(_ field: UnsafePointer<FieldCode>) -> Int64? {
        guard field.pointee.isMapped, let text = self.bytes(self.slot(field)) else { return nil }
        return self.integer(text)
    }

    /// The whole number that `text` is.
    @inline(__always)
    mutating func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard let start = text.baseAddress else { return nil }
        // Readable bytes are those of the frame, not of the text written out for escapes.
        if text.count <= 16, text.count > 0, text.count >= 8 || (start >= self.base && self.end - start >= 8),
            let short = DigitText.integer(start, count: text.count)
        {
            return short
        }
        return Self.longInteger(text)
    }

    /// A whole number with a sign, or of any number of digits.
    @inline(never)
    static func longInteger(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        text.count <= 20 ? Int64(String(decoding: text, as: UTF8.self)) : nil
    }

    @inline(__always)
    mutating func side(_ field: UnsafePointer<FieldCode>) -> Side {
        guard field.pointee.isMapped else { return .unknown }
        if field.pointee.detail >= 0, let constant = self.details[Int(field.pointee.detail)].constant {
            return constant == "buy" ? .buy : constant == "sell" ? .sell : .unknown
        }
        var side = field.pointee.fallbackSide
        if let text = self.bytes(self.slot(field)), let start = text.baseAddress {
            if field.pointee.isSign { return Self.side(ofNumber: text, isInverted: field.pointee.isInverted) }
            if let sides = field.pointee.sides {
                let found = sides.pointee.find(self.key(text, at: start))
                if found >= 0 { side = UInt8(truncatingIfNeeded: found) }
            } else if Self.equalIgnoringCase(text, "buy") {
                return field.pointee.isInverted ? .sell : .buy
            } else if Self.equalIgnoringCase(text, "sell") {
                return field.pointee.isInverted ? .buy : .sell
            }
        }
        return Side(rawValue: side) ?? .unknown
    }

    /// Positive is a buy, negative a sell; zero is neither.
    @inline(__always)
    static func side(ofNumber text: UnsafeBufferPointer<UInt8>, isInverted: Bool) -> Side {
        guard let start = text.baseAddress, text.count > 0 else { return .unknown }
        // Nearly always there is one among the first eight bytes, wherever.
        if text.count < 8 || !DigitText.hasNonZero(KeyBytes.load(start)), !Self.hasNonZero(text) { return .unknown }
        let isNegative = start.pointee == UInt8(ascii: "-")
        return isNegative == isInverted ? .buy : .sell
    }

    @inline(never)
    private static func hasNonZero(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.contains { (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }
    }

    @inline(__always)
    static func equalIgnoringCase(_ text: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        guard text.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<text.count where text[index] | 0x20 != word.utf8Start[index] { return false }
        return true
    }
}
