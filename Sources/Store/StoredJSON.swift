import Glibc

/// JSON for PostgreSQL, which cannot hold the character U+0000.
enum StoredJSON {
    /// The text of `json`, with `replacement` for each escaped U+0000.
    static func text(_ json: [UInt8], replacement: String) -> String {
        let text = String(decoding: json, as: UTF8.self)
        // Looked for among the bytes first: among characters it takes longer than all else that storing an event takes.
        let isClean = text.withCString { strstr($0, "\\u0000") == nil }
        return isClean ? text : text.replacing("\\u0000", with: replacement)
    }
}
