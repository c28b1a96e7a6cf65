import NIOCore

/// The heads of the frames last sent to one connection, while somebody looks at it.
struct FrameRecorder {
    /// One frame.
    struct Record {
        var sentAt: NIODeadline
        /// Of the whole frame.
        var bytes: Int
        /// How its payload begins, as text.
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
    mutating func add(_ bytes: UnsafeRawBufferPointer, now: NIODeadline) {
        var rest = bytes
        while let (header, length) = WebSocketHeader.lengths(rest) {
            let head = String(decoding: rest[header..<(header + length)].prefix(Self.headMax), as: UTF8.self)
            if self.records.count == Self.recordsMax { self.records.removeFirst() }
            self.records.append(Record(sentAt: now, bytes: header + length, head: head))
            rest = UnsafeRawBufferPointer(rebasing: rest[(header + length)...])
        }
    }
}
