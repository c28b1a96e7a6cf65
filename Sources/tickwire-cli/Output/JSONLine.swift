import Market

/// A JSON object with text members, keys sorted.
struct JSONLine {
    private let members: [String: String]

    init(_ members: [String: String]) { self.members = members }

    var text: String {
        let pairs = self.members.sorted { $0.key < $1.key }.map { "\(Self.string($0.key)):\(Self.string($0.value))" }
        return "{" + pairs.joined(separator: ",") + "}"
    }

    /// `text` as a JSON string with its quotes.
    static func string(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.appendJSONString(text)
        return String(decoding: bytes, as: UTF8.self)
    }
}
