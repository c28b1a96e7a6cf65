/// Whom a connection is on a presence channel, as the application's own server said it.
public struct PresenceMember: Hashable, Sendable {
    /// The longest user id, in characters.
    static let idLengthMax = 128

    /// The user's id; a number came as its decimal text.
    public let userID: String
    /// JSON text about the user; `{}` when nothing was said.
    public let userInfo: String

    /// A member.
    ///
    /// - Parameters:
    ///   - userID: The user's id.
    ///   - userInfo: JSON text.
    public init(userID: String, userInfo: String = "{}") {
        self.userID = userID
        self.userInfo = userInfo
    }

    /// Reads a subscription's `channel_data`: `{"user_id": "7" or 7, "user_info": …}`.
    ///
    /// - Throws: ``ChannelsError`` when it is no such object.
    init(parsing channelData: String) throws(ChannelsError) {
        var text = channelData
        let result: Result<PresenceMember, ChannelsError> = text.withUTF8 { bytes in
            do throws(ChannelsError) {
                return .success(try Self.read(bytes))
            } catch { return .failure(error) }
        }
        self = try result.get()
    }

    private static func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(ChannelsError) -> PresenceMember {
        var id: String?
        var info: String?
        var reader = JSONReader(bytes)
        try reader.readObject { (reader, key) throws(ChannelsError) in
            let kind = try reader.peek()
            if reader.matches(key, "user_id"), kind == .string {
                id = reader.decode(try reader.readString())
            } else if reader.matches(key, "user_id"), kind == .number {
                id = String(decoding: bytes[try reader.skipValue()], as: UTF8.self)
            } else if reader.matches(key, "user_info"), kind != .null {
                info = String(decoding: bytes[try reader.skipValue()], as: UTF8.self)
            } else {
                _ = try reader.skipValue()
            }
        }
        try reader.finish()
        guard let id else { throw .invalidFrame("channel_data must have a user_id, a string or a number") }
        guard (1...Self.idLengthMax).contains(id.count) else {
            throw .invalidFrame(
                "The user_id '\(ChannelsError.shortened(id))' must have 1 to \(Self.idLengthMax) characters")
        }
        return PresenceMember(userID: id, userInfo: info ?? "{}")
    }
}
