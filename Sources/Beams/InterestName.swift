/// What devices subscribe to and publishers publish to.
public struct InterestName: Hashable, Sendable, CustomStringConvertible {
    /// The most characters of a name.
    public static let lengthMax = 164
    /// How names begin that only those may subscribe to who are told so by the application's server.
    public static let privatePrefix = "private-"

    /// The name.
    public let text: String

    /// Checks a name: 1 to 164 of letters, digits and `_-=@,.;`.
    ///
    /// - Throws: ``BeamsError`` with status 422.
    public init(_ text: String) throws(BeamsError) {
        guard (1...Self.lengthMax).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else {
            throw .unprocessable(
                "'\(text.prefix(200))' is not an interest: write 1 to \(Self.lengthMax) of letters, digits and _-=@,.;")
        }
        self.text = text
    }

    /// Whether subscribing needs a token that allows it.
    public var isPrivate: Bool { self.text.hasPrefix(Self.privatePrefix) }

    /// The name.
    public var description: String { self.text }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: ","),
            UInt8(ascii: "."), UInt8(ascii: ";"):
            true
        default: false
        }
    }
}

/// A user id as the application knows it.
public struct BeamsUserID: Hashable, Sendable, CustomStringConvertible {
    /// The most bytes of an id.
    public static let bytesMax = 164

    /// The id.
    public let text: String

    /// Checks an id: 1 to 164 bytes.
    ///
    /// - Throws: ``BeamsError`` with status 422.
    public init(_ text: String) throws(BeamsError) {
        guard (1...Self.bytesMax).contains(text.utf8.count) else {
            throw .unprocessable(
                "A user id has \(text.utf8.count) bytes, allowed are 1 to \(Self.bytesMax): '\(text.prefix(60))'")
        }
        self.text = text
    }

    /// The id.
    public var description: String { self.text }
}
