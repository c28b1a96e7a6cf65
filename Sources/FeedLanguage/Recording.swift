public import Market

/// What can be wrong with a recording.
public enum RecordingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A line has none of the known shapes.
    case badLine(Int, reason: String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .badLine(let line, let reason):
            "line \(line) of the recording: \(reason). Received frames are written 'UNIXTIME: PAYLOAD'."
        }
    }
}

/// Recorded frames, one a line.
///
/// | line | meaning |
/// |---|---|
/// | `wss://HOST/PATH <-> T` | a connection was opened |
/// | `wss://HOST/PATH <- T: PAYLOAD` | we sent a frame |
/// | `T: PAYLOAD` | a frame arrived |
/// | `https://… -> T: BODY` | the answer to a request arrived |
///
/// `T` is Unix seconds with a fraction. A payload that was binary is a Python bytes literal, `b'…'`.
public enum Recording {
    /// What a line tells.
    public enum Kind: Hashable, Sendable {
        /// A connection to the address was opened.
        case opened(String)
        /// We sent a frame to the address.
        case sent(String)
        /// A frame arrived.
        case received
        /// The address answered a request.
        case answered(String)
    }

    /// A line, read.
    public struct Line: Hashable, Sendable {
        /// The line's number in the file, from 1.
        public let number: Int
        /// What it tells.
        public let kind: Kind
        /// The recorder's clock, exact to the nanosecond.
        public let time: Timestamp
        /// The frame's bytes; empty for an opened connection.
        public let payload: [UInt8]

        /// Makes a line from its parts.
        public init(number: Int, kind: Kind, time: Timestamp, payload: [UInt8]) {
            self.number = number
            self.kind = kind
            self.time = time
            self.payload = payload
        }
    }

    /// Calls `body` with each line of `bytes` in order; blank lines are passed over.
    ///
    /// - Throws: ``RecordingError`` at the first line of an unknown shape.
    public static func forEachLine(in bytes: [UInt8], _ body: (Line) -> Void) throws(RecordingError) {
        var number = 0
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            number += 1
            if let line = try Self.line(bytes[start..<end], number: number) { body(line) }
            start = end + 1
        }
    }

    /// All lines of `bytes`.
    ///
    /// - Throws: ``RecordingError`` at the first line of an unknown shape.
    public static func lines(in bytes: [UInt8]) throws(RecordingError) -> [Line] {
        var lines: [Line] = []
        try Self.forEachLine(in: bytes) { lines.append($0) }
        return lines
    }

    /// Reads one line.
    ///
    /// - Parameters:
    ///   - bytes: The line, without its line feed.
    ///   - number: Its number, for messages.
    /// - Returns: The line; `nil` when it is blank.
    /// - Throws: ``RecordingError`` when it has none of the known shapes.
    public static func line(_ bytes: ArraySlice<UInt8>, number: Int) throws(RecordingError) -> Line? {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard let first = bytes.first else { return nil }
        if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) {
            return try Self.timed(bytes, kind: .received, number: number)
        }
        let arrows: [(text: String, kind: (String) -> Kind)] = [
            (" <-> ", Kind.opened), (" <- ", Kind.sent), (" -> ", Kind.answered),
        ]
        guard let blank = bytes.firstIndex(of: UInt8(ascii: " ")) else {
            throw .badLine(number, reason: "it has neither a time nor an address")
        }
        for (arrow, kind) in arrows where bytes[blank...].starts(with: arrow.utf8) {
            let address = String(decoding: bytes[bytes.startIndex..<blank], as: UTF8.self)
            let rest = bytes[(blank + arrow.utf8.count)...]
            if arrow == " <-> " {
                return Line(number: number, kind: kind(address), time: try Self.time(rest, number: number), payload: [])
            }
            return try Self.timed(rest, kind: kind(address), number: number)
        }
        throw .badLine(number, reason: "no '<->', '<-' or '->' follows the address")
    }

    /// Appends a received frame as a line.
    public static func writeReceived(_ payload: some Collection<UInt8>, at time: Timestamp, to bytes: inout [UInt8]) {
        Self.write(time, to: &bytes)
        bytes.append(literal: ": ")
        Self.write(payload, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Appends a sent frame as a line.
    public static func writeSent(
        _ payload: some Collection<UInt8>, to address: String, at time: Timestamp, to bytes: inout [UInt8]
    ) {
        bytes.append(contentsOf: address.utf8)
        bytes.append(literal: " <- ")
        Self.writeReceived(payload, at: time, to: &bytes)
    }

    /// Appends an opened connection as a line.
    public static func writeOpened(_ address: String, at time: Timestamp, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: address.utf8)
        bytes.append(literal: " <-> ")
        Self.write(time, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Appends the answer to a request as a line.
    public static func writeAnswered(
        _ payload: some Collection<UInt8>, by address: String, at time: Timestamp, to bytes: inout [UInt8]
    ) {
        bytes.append(contentsOf: address.utf8)
        bytes.append(literal: " -> ")
        Self.writeReceived(payload, at: time, to: &bytes)
    }

    // MARK: Parts

    private static func timed(_ bytes: ArraySlice<UInt8>, kind: Kind, number: Int) throws(RecordingError) -> Line {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: ": ".utf8) else {
            throw .badLine(number, reason: "no ': ' follows the time")
        }
        let time = try Self.time(bytes[..<colon], number: number)
        let payload = bytes[(colon + 2)...]
        if payload.starts(with: "b'".utf8) || payload.starts(with: "b\"".utf8) {
            return Line(number: number, kind: kind, time: time, payload: try Self.unescape(payload, number: number))
        }
        return Line(number: number, kind: kind, time: time, payload: Array(payload))
    }

    private static func time(_ text: ArraySlice<UInt8>, number: Int) throws(RecordingError) -> Timestamp {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : []
        let isDigits = parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
        guard isDigits, let seconds = Int64(String(decoding: parts[0], as: UTF8.self)), seconds < 9_000_000_000 else {
            throw .badLine(
                number, reason: "'\(String(decoding: text.prefix(40), as: UTF8.self))' is not a time in Unix seconds")
        }
        var nanoseconds = seconds * 1_000_000_000
        var unit: Int64 = 100_000_000
        for digit in fraction.prefix(9) {
            nanoseconds += Int64(digit - UInt8(ascii: "0")) * unit
            unit /= 10
        }
        return Timestamp(nanoseconds: nanoseconds)
    }

    /// Reads a Python bytes literal.
    private static func unescape(_ literal: ArraySlice<UInt8>, number: Int) throws(RecordingError) -> [UInt8] {
        let content = literal.dropFirst(2)
        guard let quote = literal.dropFirst().first, content.last == quote else {
            throw .badLine(number, reason: "the bytes literal is never closed")
        }
        var result: [UInt8] = []
        var rest = content.dropLast()
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "x"):
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else {
                    throw .badLine(number, reason: "a '\\x' of the bytes literal lacks its two digits")
                }
                rest = rest.dropFirst(2)
                result.append(value)
            case let escaped?
            where escaped == UInt8(ascii: "\\") || escaped == UInt8(ascii: "'") || escaped == UInt8(ascii: "\""):
                result.append(escaped)
            default: throw .badLine(number, reason: "the bytes literal has an unknown escape")
            }
        }
        return result
    }

    private static func write(_ time: Timestamp, to bytes: inout [UInt8]) {
        bytes.append(integer: time.nanoseconds / 1_000_000_000)
        bytes.append(UInt8(ascii: "."))
        let fraction = String(time.nanoseconds % 1_000_000_000)
        bytes.append(contentsOf: String(repeating: "0", count: max(0, 9 - fraction.count)).utf8)
        bytes.append(contentsOf: fraction.utf8)
    }

    private static func write(_ payload: some Collection<UInt8>, to bytes: inout [UInt8]) {
        let isText =
            payload.allSatisfy { $0 >= 0x20 && $0 != 0x7F } && !payload.starts(with: "b'".utf8)
            && !payload.starts(with: "b\"".utf8)
        if isText {
            bytes.append(contentsOf: payload)
            return
        }
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(literal: "b'")
        for byte in payload {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "'"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x20..<0x7F: bytes.append(byte)
            default: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        bytes.append(UInt8(ascii: "'"))
    }
}
