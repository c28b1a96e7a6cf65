/// Durations as a feed file writes them: `250ms`, `30s`, `5m`, `23h50m`.
enum DurationText {
    /// Reads one or more whole numbers with a unit of `ms`, `s`, `m`, `h` or `d`; `nil` for anything else or beyond a year.
    static func parse(_ text: String) -> Duration? {
        var milliseconds: Int64 = 0
        var digits: Int64?
        var unit = ""
        var hasValue = false
        func worth(_ unit: String) -> Int64? {
            switch unit {
            case "ms": 1
            case "s": 1000
            case "m": 60_000
            case "h": 3_600_000
            case "d": 86_400_000
            default: nil
            }
        }
        func close() -> Bool {
            guard let amount = digits, let worth = worth(unit), amount <= 366 * 86_400_000 else { return false }
            milliseconds += amount * worth
            digits = nil
            unit = ""
            hasValue = true
            return milliseconds <= 366 * 86_400_000
        }
        for byte in text.utf8 {
            if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                if !unit.isEmpty, !close() { return nil }
                let value = (digits ?? 0) * 10 + Int64(byte - UInt8(ascii: "0"))
                guard value < 1_000_000_000_000 else { return nil }
                digits = value
            } else {
                guard digits != nil, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) else { return nil }
                unit.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        guard close(), hasValue else { return nil }
        return .milliseconds(milliseconds)
    }
}
