/// Reads CSV (RFC 4180) as it comes: pieces of bytes in, records out, whatever the pieces' bounds.
struct CSVReader {
    /// One record; valid while the reader's closure runs.
    struct Record {
        /// Where the record begins, counted from 1.
        let line: Int
        /// The fields' bytes one after the other, without quotes.
        fileprivate let bytes: UnsafeRawBufferPointer
        fileprivate let ends: [Int]

        /// How many fields there are.
        var count: Int { self.ends.count }

        /// The bytes of a field.
        subscript(index: Int) -> UnsafeRawBufferPointer {
            let start = index == 0 ? 0 : self.ends[index - 1]
            return UnsafeRawBufferPointer(rebasing: self.bytes[start..<self.ends[index]])
        }

        /// A field as text.
        func text(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }
    }

    private enum State {
        case fieldStart, inField, inQuotes, quoteInQuotes
    }

    /// The longest record, in bytes: what is longer is no CSV of ticks.
    static let recordBytesMax = 65_536

    private var separator: UInt8?
    private var state = State.fieldStart
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var line = 1
    private var recordLine = 1
    private var isFirstByte = true

    /// The character between fields; found out from the first line: a comma, a semicolon or a tab.
    init() {}

    /// Calls `record` with each record that `piece` completes; empty lines are no records.
    ///
    /// - Throws: ``ImportError`` for text that is no CSV, or what `record` throws.
    mutating func read(_ piece: [UInt8], _ record: (Record) throws -> Void) throws {
        var piece = piece[...]
        if self.isFirstByte, piece.starts(with: [0xEF, 0xBB, 0xBF]) { piece = piece.dropFirst(3) }
        if !piece.isEmpty { self.isFirstByte = false }
        if self.separator == nil { self.separator = Self.separator(of: piece) }
        let separator = self.separator ?? UInt8(ascii: ",")
        for byte in piece {
            switch self.state {
            case .inQuotes:
                if byte == UInt8(ascii: "\"") { self.state = .quoteInQuotes } else { self.bytes.append(byte) }
                if byte == 0x0A { self.line += 1 }
            case .fieldStart, .inField, .quoteInQuotes:
                switch byte {
                case separator:
                    self.ends.append(self.bytes.count)
                    self.state = .fieldStart
                case 0x0A:
                    try self.endRecord(record)
                    self.line += 1
                    self.recordLine = self.line
                case 0x0D: break
                case UInt8(ascii: "\"") where self.state == .fieldStart: self.state = .inQuotes
                case UInt8(ascii: "\"") where self.state == .quoteInQuotes:
                    self.bytes.append(byte)
                    self.state = .inQuotes
                default:
                    guard self.state != .quoteInQuotes else {
                        throw self.error("text behind a closing quote", "a comma or the line's end there")
                    }
                    self.bytes.append(byte)
                    self.state = .inField
                }
            }
            guard self.bytes.count <= Self.recordBytesMax else {
                throw self.error("longer than \(Self.recordBytesMax) bytes", "a closing quote, or shorter lines")
            }
        }
    }

    /// The text has ended: calls `record` with a last record that no line end follows.
    ///
    /// - Throws: ``ImportError`` when it ends inside of quotes, or what `record` throws.
    mutating func finish(_ record: (Record) throws -> Void) throws {
        if self.state == .inQuotes { throw self.error("an open quote at the end of the file", "a closing quote") }
        try self.endRecord(record)
    }

    private mutating func endRecord(_ record: (Record) throws -> Void) throws {
        self.state = .fieldStart
        defer {
            self.bytes.removeAll(keepingCapacity: true)
            self.ends.removeAll(keepingCapacity: true)
        }
        if self.ends.isEmpty, self.bytes.isEmpty { return }
        self.ends.append(self.bytes.count)
        try self.bytes.withUnsafeBytes { bytes in
            try record(Record(line: self.recordLine, bytes: bytes, ends: self.ends))
        }
    }

    private func error(_ value: String, _ expected: String) -> ImportError {
        ImportError(line: self.recordLine, column: nil, name: nil, value: value, expected: expected)
    }

    /// What stands between the columns of the first line.
    private static func separator(of piece: ArraySlice<UInt8>) -> UInt8? {
        let line = piece.prefix { $0 != 0x0A }
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        if let found = candidates.first(where: line.contains) { return found }
        return line.count < piece.count ? UInt8(ascii: ",") : nil
    }
}
