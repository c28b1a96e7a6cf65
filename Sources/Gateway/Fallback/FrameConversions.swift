import Channels
import Glibc

/// Frames as clients without a WebSocket get them: each converted once for all such clients of one event loop.
///
/// An event reaches its subscribers one after the other, and each gets the same events in the same order. So the frames
/// converted last are kept, and the one behind the last hit is tried first: mostly one comparison of memory in place of
/// reading and quoting JSON. It belongs to its event loop.
final class FrameConversions {
    private struct Entry {
        var frame: [UInt8]
        var line: FallbackFrame?
        var message: EventStreamMessage?
    }

    /// Frames kept: what one tick of a loop mostly brings.
    private static let entriesMax = 64
    /// Longer frames are converted for each client: 64 of them would take too much memory.
    private static let frameBytesMax = 16 * 1024

    private var entries: [Entry] = []
    /// Where the next frame is kept.
    private var next = 0
    /// The entry that is tried first.
    private var expected = 0
    /// How many conversions there were.
    private(set) var count = 0

    /// A frame for lines of the HTTP fallback.
    func line(_ frame: UnsafeBufferPointer<UInt8>) -> FallbackFrame {
        let place = self.place(of: frame)
        if let place, let line = self.entries[place].line { return line }
        self.count += 1
        let line = FallbackFrame(frame)
        if let place { self.entries[place].line = line }
        return line
    }

    /// A frame for event streams; `nil` for what is no JSON object.
    func message(_ frame: UnsafeBufferPointer<UInt8>) -> EventStreamMessage? {
        let place = self.place(of: frame)
        if let place, let message = self.entries[place].message { return message }
        self.count += 1
        let message = EventStreamMessage(frame)
        if let place { self.entries[place].message = message }
        return message
    }

    /// The entry of a frame, a new one where there was none; `nil` for one that is too long.
    private func place(of frame: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = frame.baseAddress, frame.count <= Self.frameBytesMax else { return nil }
        for offset in 0..<self.entries.count {
            let place = (self.expected + offset) % self.entries.count
            guard self.entries[place].frame.count == frame.count else { continue }
            let isEqual = self.entries[place].frame.withUnsafeBytes { kept in
                kept.baseAddress.map { memcmp($0, base, frame.count) } == 0
            }
            guard isEqual else { continue }
            self.expected = (place + 1) % Self.entriesMax
            return place
        }
        let place = self.next
        self.next = (self.next + 1) % Self.entriesMax
        let entry = Entry(frame: Array(frame))
        if place < self.entries.count { self.entries[place] = entry } else { self.entries.append(entry) }
        self.expected = self.next
        return place
    }
}
