import Channels

/// What the ``Directory`` tells an event loop, to be acted on in the order given.
enum Notice: Equatable {
    /// A finished WebSocket frame for everybody on the channel.
    case frame(ChannelKey, ArraySlice<UInt8>)
    /// Users who came or went, for those who watch them.
    case userStates(app: Int32, [UserState])
    /// The user's connections must be closed.
    case terminate(UserKey)
    /// Something the app's own server may want to know; told to the first loop only, so that it has one order.
    ///
    /// `isOurs` says whether this node is the one of the cluster that tells it.
    case activity(app: Int32, ChannelActivity, isOurs: Bool = true)
    /// An activity that was another node's to tell, which has died.
    case lateActivity(app: Int32, ChannelActivity)

    /// Whether a user is there.
    struct UserState: Equatable {
        var id: String
        var isOnline: Bool
    }
}
