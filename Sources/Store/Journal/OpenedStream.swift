/// A stream's segments as they were found, or repaired, when the journal was opened.
struct OpenedStream: Sendable {
    let stream: JournalStream
    /// In order; the last one is written to.
    var segments: [SegmentInfo] = []
    /// The last segment, open for writing; `nil` when the next record shall begin a new one.
    var file: Int32?
    /// The id in the last segment's header.
    var headerID: String?
    /// The position after the last tick.
    var end: Int64 = 0
}
