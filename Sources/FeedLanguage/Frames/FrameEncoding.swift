/// What a feed's frames and answers are packed into: `decode` of a feed file.
public enum FrameEncoding: String, Hashable, Sendable, CaseIterable {
    /// JSON, or a plain text, in UTF-8; binary WebSocket frames count too.
    case text
    /// The same in binary WebSocket frames: says so to readers, and changes nothing.
    case binary
    /// GZIP, RFC 1952.
    case gzip
    /// Raw DEFLATE, RFC 1951.
    case deflate
    /// Comma-separated values with a line of names, RFC 4180: read as a list of objects whose values are texts.
    case csv
    /// One JSON value a line: read as a list of them.
    case ndjson
}
