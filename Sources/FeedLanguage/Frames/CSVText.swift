import Market

/// Comma-separated values, RFC 4180.
enum CSVText {
    /// A list of objects, one a row, keyed by the names in the first line; values are texts.
    ///
    /// A text of one line is no table but a message, and stays as it is. Surplus values of a row are left out, missing ones too.
    static func json(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        let rows = Self.rows(text)
        guard let names = rows.first, rows.count > 1 else { return Array(text) }
        var result: [UInt8] = [UInt8(ascii: "[")]
        for (index, row) in rows.dropFirst().enumerated() {
            if index > 0 { result.append(UInt8(ascii: ",")) }
            result.append(UInt8(ascii: "{"))
            for (column, pair) in zip(names, row).enumerated() {
                if column > 0 { result.append(UInt8(ascii: ",")) }
                result.appendJSONString(pair.0)
                result.append(UInt8(ascii: ":"))
                result.appendJSONString(pair.1)
            }
            result.append(UInt8(ascii: "}"))
        }
        result.append(UInt8(ascii: "]"))
        return result
    }

    private static func rows(_ text: UnsafeRawBufferPointer) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var index = 0
        func endField() {
            row.append(String(decoding: field, as: UTF8.self))
            field.removeAll(keepingCapacity: true)
        }
        func endRow() {
            endField()
            if row != [""] { rows.append(row) }
            row.removeAll()
        }
        while index < text.count {
            let byte = text[index]
            index += 1
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    field.append(byte)
                } else if index < text.count, text[index] == UInt8(ascii: "\"") {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where field.isEmpty: isQuoted = true
            case UInt8(ascii: ","): endField()
            case UInt8(ascii: "\r"): break
            case UInt8(ascii: "\n"): endRow()
            default: field.append(byte)
            }
        }
        if !field.isEmpty || !row.isEmpty { endRow() }
        return rows
    }
}
