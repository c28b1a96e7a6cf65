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
        var rest = bytes[...]
        while rest.count >= 2 {
            let header = WebSocketHeader.length(of: rest)
            guard rest.count >= header else { return }
            let first = rest.startIndex
            let length: Int
            switch header {
            case 4: length = Int(rest[first + 2]) << 8 | Int(rest[first + 3])
            case 10: length = rest[(first + 2)..<(first + 10)].reduce(0) { $0 << 8 | Int($1) }
            default: length = Int(rest[first + 1] & 0x7F)
            }
            guard length >= 0, rest.count - header >= length else { return }
            let payload = rest[(first + header)..<(first + header + length)]
            let head = String(decoding: payload.prefix(Self.headMax), as: UTF8.self)
            if self.records.count == Self.recordsMax { self.records.removeFirst() }
            self.records.append(Record(sentAt: now, bytes: header + length, head: head))
            rest = rest[(first + header + length)...]
        }
    }
}
