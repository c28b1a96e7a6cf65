/// Why bytes cannot be unpacked or packed.
public enum CompressionError: Error, Equatable, CustomStringConvertible {
    /// The bytes are not of the expected format, or are damaged.
    case malformed
    /// The bytes end before the data does.
    case truncated
    /// What comes out is larger than allowed.
    case tooLarge(bytesMax: Int)
    /// zlib refuses to work: out of memory, or not the version this was compiled for.
    case unavailable(status: Int32)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .malformed: "the compressed data is damaged or of another format"
        case .truncated: "the compressed data ends too early"
        case .tooLarge(let bytesMax): "the compressed data unpacks to more than \(bytesMax) bytes"
        case .unavailable(let status): "zlib does not start (status \(status)): check the installed zlib and the memory"
        }
    }
}
