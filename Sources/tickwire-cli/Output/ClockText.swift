import Market

/// Writes times as a zone's clock shows them.
struct ClockText {
    let zone: ZoneArgument
    /// Offsets change on the quarter of an hour: within one they need not be looked up again.
    private var quarter: Int64 = .min
    private var offset = 0

    init(_ zone: ZoneArgument = .utc) { self.zone = zone }

    /// Appends RFC 3339 with the zone's offset: `2026-11-23T13:00:00.123456+01:00`.
    mutating func write(_ time: Timestamp, to bytes: inout [UInt8]) {
        if self.zone.isUTC { return time.write(to: &bytes) }
        let offset = self.offset(at: time)
        time.advanced(byNanoseconds: Int64(offset) * 1_000_000_000).write(to: &bytes)
        bytes.removeLast()
        let minutes = abs(offset) / 60
        bytes.append(UInt8(ascii: offset < 0 ? "-" : "+"))
        func append(_ number: Int) {
            bytes.append(UInt8(ascii: "0") + UInt8(number / 10))
            bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
        }
        append(minutes / 60)
        bytes.append(UInt8(ascii: ":"))
        append(minutes % 60)
    }

    /// RFC 3339 with the zone's offset.
    mutating func text(_ time: Timestamp) -> String {
        var bytes: [UInt8] = []
        self.write(time, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Date and time for a table, without the zone: `2026-11-23 13:00:00`, with `digits` behind the second.
    mutating func plain(_ time: Timestamp, digits: Int = 0) -> String {
        let local = time.advanced(byNanoseconds: Int64(self.offset(at: time)) * 1_000_000_000)
        return String(local.description.prefix(digits == 0 ? 19 : 20 + digits)).replacing("T", with: " ")
    }

    private mutating func offset(at time: Timestamp) -> Int {
        if self.zone.isUTC { return 0 }
        let length: Int64 = 900_000_000_000
        let quarter = time.nanoseconds / length - (time.nanoseconds < 0 ? 1 : 0)
        if quarter != self.quarter {
            self.quarter = quarter
            self.offset = self.zone.offset(at: time)
        }
        return self.offset
    }
}
