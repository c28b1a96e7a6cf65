import Channels

/// Recognises the head of a plain publish among the bytes of a connection, before the HTTP decoder sees them.
///
/// Plain is what libraries send: `POST /apps/ID/events?QUERY HTTP/1.1`, every line ended by CR LF, header fields of visible
/// ASCII, exactly one `Content-Length` of digits, and nothing that says more about body or connection
/// (`Transfer-Encoding`, `Expect`, `Upgrade`, `Connection` other than `keep-alive`). Whatever else comes, broken or only
/// rare, is ``Outcome/other``: it is never repaired or guessed at but left to the decoder with all its bytes, so that
/// there is one opinion on where such a request ends. What is recognised here means the same to the decoder.
struct PublishHeadReader {
    /// What is known of the request.
    enum Outcome: Equatable {
        /// It may be a plain publish: more bytes will tell.
        case more
        /// It is a plain publish.
        case publish(PublishHead)
        /// It is something else.
        case other
    }

    /// What the next byte belongs to.
    private enum Part {
        case method, path, query, version, fieldName, fieldValue(Field), end, other
    }

    /// What a header field's name says.
    private enum Field {
        case irrelevant, contentLength, connection
    }

    private static let prefix: StaticString = "POST /apps/"
    private static let version: StaticString = " HTTP/1.1\r\n"

    private let headBytesMax: Int
    private var part = Part.method
    /// Where the path, the query, the version or the line of a field begins.
    private var start = 0
    /// Up to where the bytes have been looked at.
    private var position = 0
    private var head = PublishHead(app: 0..<0, path: 0..<0, query: 0..<0, isBatch: false, headBytes: 0, bodyBytes: 0)
    /// Where the digits of `Content-Length` are; `nil` before it.
    private var length: Range<Int>?

    /// A reader at the start of a request, whose head has at most `headBytesMax` bytes.
    init(headBytesMax: Int) {
        self.headBytesMax = headBytesMax
    }

    /// Looks at what has arrived since the last call.
    ///
    /// - Parameter bytes: All bytes of the request that are here, from the first.
    /// - Returns: What they are; after `publish` and `other` nothing else.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        let end = min(bytes.count, self.headBytesMax)
        while self.position < end {
            let byte = bytes[self.position]
            let isRight =
                switch self.part {
                case .method: self.readMethod(byte)
                case .path: self.readPath(byte, bytes)
                case .query: self.readQuery(byte)
                case .version: self.readVersion(byte)
                case .fieldName: self.readName(byte, bytes)
                case .fieldValue(let field): self.readValue(byte, of: field, bytes)
                case .end: byte == UInt8(ascii: "\n")
                case .other: false
                }
            guard isRight else { return self.giveUp() }
            self.position += 1
            if case .end = self.part, byte == UInt8(ascii: "\n") { return self.finish() }
        }
        return bytes.count >= self.headBytesMax ? self.giveUp() : .more
    }

    private mutating func giveUp() -> Outcome {
        self.part = .other
        return .other
    }

    private mutating func finish() -> Outcome {
        guard self.length != nil else { return self.giveUp() }
        self.head.headBytes = self.position
        return .publish(self.head)
    }

    // MARK: The request line

    private mutating func readMethod(_ byte: UInt8) -> Bool {
        guard byte == Self.prefix.utf8Start[self.position] else { return false }
        if self.position == Self.prefix.utf8CodeUnitCount - 1 {
            self.part = .path
            self.start = self.position + 1
        }
        return true
    }

    private mutating func readPath(_ byte: UInt8, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard byte == UInt8(ascii: "?") else { return Self.isInPath(byte) }
        let rest = self.start..<self.position
        guard let slash = bytes[rest].firstIndex(of: UInt8(ascii: "/")), slash > self.start else { return false }
        let route = UnsafeRawBufferPointer(rebasing: bytes[slash..<self.position])
        self.head.isBatch = route.reads("/batch_events")
        guard self.head.isBatch || route.reads("/events") else { return false }
        self.head.app = self.start..<slash
        self.head.path = "POST ".utf8.count..<self.position
        self.part = .query
        self.start = self.position + 1
        return true
    }

    private mutating func readQuery(_ byte: UInt8) -> Bool {
        guard byte == UInt8(ascii: " ") else { return Self.isInPath(byte) || byte == UInt8(ascii: "?") }
        self.head.query = self.start..<self.position
        self.part = .version
        self.start = self.position
        return true
    }

    private mutating func readVersion(_ byte: UInt8) -> Bool {
        let place = self.position - self.start
        guard byte == Self.version.utf8Start[place] else { return false }
        if place == Self.version.utf8CodeUnitCount - 1 { self.beginField() }
        return true
    }

    /// RFC 3986, section 3.3: what a path may consist of, with slashes and percent signs.
    private static func isInPath(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "@")...UInt8(ascii: "Z"),
            UInt8(ascii: "&")...UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "%"):
            true
        default: false
        }
    }

    // MARK: Header fields

    private mutating func beginField() {
        self.part = .fieldName
        self.start = self.position + 1
    }

    private mutating func readName(_ byte: UInt8, _ bytes: UnsafeRawBufferPointer) -> Bool {
        if Self.isInName(byte) { return true }
        if byte == UInt8(ascii: "\r"), self.position == self.start {
            self.part = .end
            return true
        }
        guard byte == UInt8(ascii: ":"), self.position > self.start,
            let field = Self.field(UnsafeRawBufferPointer(rebasing: bytes[self.start..<self.position]))
        else { return false }
        if case .contentLength = field {
            guard self.length == nil else { return false }
            self.length = self.position + 1..<self.position + 1
        }
        self.part = .fieldValue(field)
        self.start = self.position + 1
        return true
    }

    private mutating func readValue(_ byte: UInt8, of field: Field, _ bytes: UnsafeRawBufferPointer) -> Bool {
        if self.position > self.start, bytes[self.position - 1] == UInt8(ascii: "\r") {
            self.beginField()
            return byte == UInt8(ascii: "\n")
        }
        let isEnd = byte == UInt8(ascii: "\r")
        switch field {
        case .irrelevant: return isEnd || byte >= 0x20 && byte <= 0x7E || byte == UInt8(ascii: "\t")
        case .contentLength: return self.readLength(byte, isEnd: isEnd)
        case .connection:
            guard isEnd else { return byte >= 0x20 && byte <= 0x7E }
            let value = bytes[self.start..<self.position].drop { $0 == UInt8(ascii: " ") }
            return Self.isEqual(UnsafeRawBufferPointer(rebasing: value), "keep-alive")
        }
    }

    /// Spaces, one to nine digits, the end: nothing else and nothing between.
    private mutating func readLength(_ byte: UInt8, isEnd: Bool) -> Bool {
        guard let digits = self.length else { return false }
        if isEnd { return !digits.isEmpty }
        if byte == UInt8(ascii: " ") {
            self.length = self.position + 1..<self.position + 1
            return digits.isEmpty
        }
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits.count < 9 else { return false }
        self.length = digits.lowerBound..<self.position + 1
        self.head.bodyBytes = self.head.bodyBytes * 10 + Int(byte - UInt8(ascii: "0"))
        return true
    }

    /// What the name says; `nil` when the field changes what the request is.
    private static func field(_ name: UnsafeRawBufferPointer) -> Field? {
        switch name.count {
        case 14 where Self.isEqual(name, "content-length"): .contentLength
        case 10 where Self.isEqual(name, "connection"): .connection
        case 6 where Self.isEqual(name, "expect"), 7 where Self.isEqual(name, "upgrade"),
            16 where Self.isEqual(name, "proxy-connection"), 17 where Self.isEqual(name, "transfer-encoding"):
            nil
        default: .irrelevant
        }
    }

    /// RFC 9110, section 5.6.2: `tchar`.
    private static func isInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// Whether `bytes`, checked to be neither controls nor beyond ASCII, read `lower` in upper or lower case.
    private static func isEqual(_ bytes: UnsafeRawBufferPointer, _ lower: StaticString) -> Bool {
        guard bytes.count == lower.utf8CodeUnitCount else { return false }
        for index in bytes.indices {
            let byte = bytes[index]
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            guard (isUpper ? byte | 0x20 : byte) == lower.utf8Start[index] else { return false }
        }
        return true
    }
}
