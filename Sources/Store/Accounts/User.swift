public import Market

/// Somebody who has tokens.
public struct User: Sendable, Hashable {
    /// What alerts, presence channels and sign-ins call the user.
    public let id: String
    /// What other people see.
    public let name: String
    /// When the user was created.
    public let createdAt: Timestamp
    /// How many tokens are neither revoked nor expired.
    public let tokenCount: Int

    /// The longest name, in characters.
    static let nameLengthMax = 100

    /// Whether `id` can be part of a channel's name: 1 to 100 of letters, digits and `_ - = @ .`.
    public static func isValidID(_ id: String) -> Bool {
        (1...100).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "="),
                    UInt8(ascii: "@"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
