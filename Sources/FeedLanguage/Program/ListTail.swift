/// One of a list's last members, for a rule that counts from the end.
struct ListTail {
    /// Where it starts.
    var start: UnsafePointer<UInt8>
    /// The place behind it.
    var end: UnsafePointer<UInt8>

    /// How many of them a list keeps, a power of two: paths go back so far.
    static let count = 8
}
