/// One thing that another node says about its own connections, or this node about its.
///
/// It is said as it is now: hearing it twice changes nothing.
enum DirectoryChange: Equatable {
    /// A user on a presence channel; `info` is `nil` when it has left.
    struct Member: Equatable {
        var id: String
        var info: String?
    }

    /// How many connections are on a channel, and members that changed; in a full state, all of them.
    case channel(ChannelKey, count: Int, members: [Member])
    /// Whether a connection is signed in as a user.
    case user(UserKey, isOnline: Bool)
    /// A subscriber found a cache channel empty.
    case cacheMiss(ChannelKey)
    /// The user's connections shall be closed.
    case terminate(UserKey)
}
