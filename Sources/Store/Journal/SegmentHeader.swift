/// The first bytes of a segment file.
struct SegmentHeader {
    /// The version of the format that this program writes and reads.
    static let version: UInt16 = 1
}
