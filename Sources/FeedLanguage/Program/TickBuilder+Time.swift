import Market

extension TickBuilder {
    /// Earlier times are placeholders: 0001-01-01, 1970-01-01.
    static let plausibleStart: Int64 = 946_684_800_000_000_000
    /// How far a venue's clock may run ahead of ours; zone mistakes begin at half an hour and are nearly all whole hours.
    static let plausibleLead: Int64 = 3_600_000_000_000

    @inline(__always)
    mutating func time(_ field: UnsafePointer<FieldCode>, _ flags: inout TickFlags) -> Timestamp {
        if field.pointee.isUnusualTime { return self.unusualTime(field, &flags) }
        guard field.pointee.isMapped, let text = self.bytes(self.slot(field)), !text.isEmpty else {
            flags.insert(.noEventTime)
            return self.receivedTime
        }
        guard let nanoseconds = self.nanoseconds(text, field.pointee.unit),
            nanoseconds >= Self.plausibleStart,
            nanoseconds <= self.receivedTime.nanoseconds &+ Self.plausibleLead
        else {
            flags.insert(.implausibleTime)
            return self.receivedTime
        }
        return Timestamp(nanoseconds: nanoseconds)
    }

    /// A time with a zone of its own, or in two fields.
    @inline(never)
    mutating func unusualTime(_ field: UnsafePointer<FieldCode>, _ flags: inout TickFlags) -> Timestamp {
        let detail = self.details[Int(field.pointee.detail)]
        guard var bytes = self.bytes(self.slot(field)).map(Array.init), !bytes.isEmpty else {
            flags.insert(.noEventTime)
            return self.receivedTime
        }
        if let clock = detail.clock {
            // Without a time of day there is a date, but not the tick's time.
            guard let time = self.bytes(self.rows[clock.scope][clock.slot]), !time.isEmpty else {
                flags.insert(.noEventTime)
                return self.receivedTime
            }
            bytes.append(UInt8(ascii: "T"))
            bytes.append(contentsOf: time)
        }
        guard let time = Self.time(bytes, zone: detail.zone), time.nanoseconds >= Self.plausibleStart,
            time.nanoseconds <= self.receivedTime.nanoseconds &+ Self.plausibleLead
        else {
            flags.insert(.implausibleTime)
            return self.receivedTime
        }
        return time
    }

    /// Reads `2026-11-23 12:00:00.5` in `zone`; a zone in the text itself goes first.
    static func time(_ text: [UInt8], zone: ZoneRule?) -> Timestamp? {
        if let time = text.withUnsafeBytes({ Timestamp(iso8601: $0) }) { return time }
        guard let local = (text + [UInt8(ascii: "Z")]).withUnsafeBytes({ Timestamp(iso8601: $0) }) else { return nil }
        return zone?.utc(fromLocal: local) ?? local
    }

    @inline(__always)
    mutating func nanoseconds(_ text: UnsafeBufferPointer<UInt8>, _ unit: TimeUnitCode) -> Int64? {
        var scale: Int64
        switch unit {
        case .iso: return self.workspace.pointee.minutes.nanoseconds(text)
        case .auto:
            if text.count > 10, text[4] == UInt8(ascii: "-") { return self.workspace.pointee.minutes.nanoseconds(text) }
            scale = 0
        case .s: scale = 1_000_000_000
        case .ms: scale = 1_000_000
        case .us: scale = 1000
        case .ns: scale = 1
        }
        guard let whole = self.integer(text) else { return Self.fractional(text, scale: scale) }
        if scale == 0 { scale = Self.scale(ofMagnitude: whole) }
        let (product, overflow) = whole.multipliedReportingOverflow(by: scale)
        return overflow ? nil : product
    }

    /// The unit by which a number lies between 1973 and 5138: the ranges of the four units do not touch.
    static func scale(ofMagnitude value: Int64) -> Int64 {
        switch value {
        case ..<100_000_000_000: 1_000_000_000
        case ..<100_000_000_000_000: 1_000_000
        case ..<100_000_000_000_000_000: 1000
        default: 1
        }
    }

    /// A time with a fraction or an exponent, such as `1618678142.557535`; finer than nanoseconds is cut.
    @inline(never)
    static func fractional(_ text: UnsafeBufferPointer<UInt8>, scale: Int64) -> Int64? {
        guard let parsed = Decimal64.parse(UnsafeRawBufferPointer(text)) else { return nil }
        var mantissa = Int128(parsed.value.mantissa)
        let exponent = Int(parsed.value.exponent)
        guard (-30...18).contains(exponent) else { return nil }
        var divisor: Int128 = 1
        for _ in 0..<abs(exponent) {
            if exponent > 0 { mantissa *= 10 } else { divisor *= 10 }
        }
        let whole = mantissa / divisor
        guard whole.magnitude < 1 << 62 else { return nil }
        let scale = scale == 0 ? Self.scale(ofMagnitude: Int64(whole)) : scale
        let (product, overflow) = mantissa.multipliedReportingOverflow(by: Int128(scale))
        guard !overflow else { return nil }
        return Int64(exactly: product / divisor)
    }
}
