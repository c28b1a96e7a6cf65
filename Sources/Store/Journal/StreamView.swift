/// What can be read of a stream at one moment.
struct StreamView: Sendable {
    /// In order.
    let segments: [SegmentInfo]
    /// The position after what can be read.
    let end: Int64
    /// Tells whether segments were shed since.
    let sheddings: Int
}
