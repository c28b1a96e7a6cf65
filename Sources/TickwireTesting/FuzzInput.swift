/// One input of the fuzzer: a first line that says what is tried, and the bytes to try it with.
public enum FuzzInput: Sendable {
    /// Frames for a feed by its name; after the first line, divided by zero bytes.
    case frames(feed: String, [[UInt8]])
    /// The text of a feed file; the first line is `file`.
    case file(String)

    private static let framesMax = 16
    /// A first line is never longer; the fuzzer need not try.
    private static let nameMax = 64

    /// Divides an input; `nil` when it has no first line.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let end = bytes.prefix(Self.nameMax).firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let name = String(decoding: bytes[..<end], as: UTF8.self)
        let rest = bytes[bytes.index(after: end)...]
        if name == "file" {
            self = .file(String(decoding: rest, as: UTF8.self))
        } else {
            let parts = rest.split(separator: 0, maxSplits: Self.framesMax - 1, omittingEmptySubsequences: false)
            self = .frames(feed: name, parts.map { Array($0) })
        }
    }
}
