/// The user a connection signed in as with `pusher:signin`.
public struct SignedInUser: Hashable, Sendable {
    /// The user's id; `#server-to-user-ID` is a valid channel name.
    public let id: String
    /// JSON text about the user; `{}` when nothing was said.
    public let userInfo: String
    /// The ids of the users this one wants to know about, each once; no more than the limit.
    public let watchlist: [String]
    /// How many ids the watchlist had, each counted once.
    public let watchlistCount: Int
    /// What the application's server said and signed, as received: goes back to the client.
    public let userData: String

    /// This user on a presence channel.
    var member: PresenceMember { PresenceMember(userID: self.id, userInfo: self.userInfo) }

    /// Reads `user_data`: `{"id":"7","user_info":{…},"watchlist":["8"]}`.
    ///
    /// - Throws: ``ChannelsError`` when it is no such object; the id must be a string, because clients drop any other.
    init(parsing userData: String, watchlistMax: Int) throws(ChannelsError) {
        var text = userData
        let result: Result<Members, ChannelsError> = text.withUTF8 { bytes in
            do throws(ChannelsError) {
                return .success(try Members(bytes))
            } catch { return .failure(error) }
        }
        let members = try result.get()
        guard let id = members.id, !id.isEmpty else {
            throw .invalidFrame("user_data must have an 'id', a string that is not empty")
        }
        guard id.count <= PresenceMember.idLengthMax,
            (try? ChannelName(ChannelName.serverToUserPrefix + id)) != nil  // Which rule it breaks is said below.
        else {
            throw .invalidFrame(
                """
                Invalid user id '\(ChannelsError.shortened(id))': use 1 to \(PresenceMember.idLengthMax) of \
                A-Z a-z 0-9 _ - = @ , . ;
                """
            )
        }
        self.id = id
        self.userInfo = members.info ?? "{}"
        var seen: Set<String> = []
        let watchlist = members.watchlist.filter { seen.insert($0).inserted }
        self.watchlist = Array(watchlist.prefix(watchlistMax))
        self.watchlistCount = watchlist.count
        self.userData = userData
    }

    private struct Members {
        var id: String?
        var info: String?
        var watchlist: [String] = []

        init(_ bytes: UnsafeBufferPointer<UInt8>) throws(ChannelsError) {
            var id: String?
            var info: String?
            var watchlist: [String] = []
            var reader = JSONReader(bytes)
            try reader.readObject { (reader, key) throws(ChannelsError) in
                let kind = try reader.peek()
                if reader.matches(key, "id"), kind == .string {
                    id = reader.decode(try reader.readString())
                } else if reader.matches(key, "user_info"), kind != .null {
                    info = String(decoding: bytes[try reader.skipValue()], as: UTF8.self)
                } else if reader.matches(key, "watchlist"), kind == .array {
                    try reader.readArray { (reader) throws(ChannelsError) in
                        if try reader.peek() == .string {
                            watchlist.append(reader.decode(try reader.readString()))
                        } else {
                            _ = try reader.skipValue()
                        }
                    }
                } else {
                    _ = try reader.skipValue()
                }
            }
            try reader.finish()
            self.id = id
            self.info = info
            self.watchlist = watchlist
        }
    }
}
