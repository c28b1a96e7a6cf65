import NIOCore

/// The heads of the frames last sent to one connection, while somebody looks at it.
struct FrameRecorder {
    /// One frame.
    struct Record {
        var sentAt: NIODeadline
        /// Of the whole frame.
        var bytes: Int
        /// How its payload begins, as text; of a compressed one, unpacked.
        var head: String
    }

    /// Frames kept, and bytes of each.
    private static let recordsMax = 16
    private static let headMax = 160
    /// How long frames are recorded after somebody has asked.
    private static let duration = TimeAmount.seconds(60)

    /// The oldest first.
    private(set) var records: [Record] = []
    private var until = NIODeadline.distantPast

    /// Somebody wants to see frames.
    mutating func asked(now: NIODeadline) { self.until = now + Self.duration }

    /// Whether somebody has asked lately.
    func isWanted(now: NIODeadline) -> Bool { now < self.until }

    /// Takes whole WebSocket frames, one after the other; what is none ends the record.
    ///
    /// - Parameters:
    ///   - bytes: The frames.
    ///   - now: The current time.
    ///   - unpack: Gives the text of a compressed payload, `nil` when it cannot.
    mutating func add(
        _ bytes: UnsafeRawBufferPointer, now: NIODeadline, unpack: (UnsafeRawBufferPointer) -> [UInt8]?
    ) {
        var rest = bytes
        while let (header, length) = WebSocketHeader.lengths(rest) {
            let payload = UnsafeRawBufferPointer(rebasing: rest[header..<(header + length)])
            let head: String
            if !WebSocketHeader.isCompressed(rest) {
                head = String(decoding: payload.prefix(Self.headMax), as: UTF8.self)
            } else if let text = unpack(payload) {
                head = String(decoding: text.prefix(Self.headMax), as: UTF8.self)
            } else {
                head = "compressed, \(length) bytes"
            }
            if self.records.count == Self.recordsMax { self.records.removeFirst() }
            self.records.append(Record(sentAt: now, bytes: header + length, head: head))
            rest = UnsafeRawBufferPointer(rebasing: rest[(header + length)...])
        }
    }
}
