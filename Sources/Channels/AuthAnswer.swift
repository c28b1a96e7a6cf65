/// What an auth endpoint answers to a client it lets in (protocol section 4).
public struct AuthAnswer: Sendable {
    private let signatures: ChannelAuth
    private let encryption: ChannelEncryption?

    /// Answers for `app`.
    ///
    /// - Parameters:
    ///   - app: Whose key signs.
    ///   - encryption: Gives out the secrets of encrypted channels; `nil` when the app has none.
    public init(app: App, encryption: ChannelEncryption?) {
        self.signatures = ChannelAuth(app: app)
        self.encryption = encryption
    }

    /// The JSON that lets a user join a channel.
    ///
    /// - Parameters:
    ///   - channel: Of a kind that needs a signature.
    ///   - socketID: The connection.
    ///   - userID: Who joins; goes to presence channels only.
    ///   - userName: What others see; goes to presence channels only.
    /// - Returns: `{auth}`, `{auth, channel_data}` or `{auth, shared_secret}`.
    public func channel(_ channel: ChannelName, socketID: SocketID, userID: String, userName: String) -> String {
        let socketID = socketID.description
        if channel.kind.isPresence {
            let data = #"{"user_id":\#(JSONText.quoted(userID)),"user_info":{"name":\#(JSONText.quoted(userName))}}"#
            let auth = self.signatures.sign(socketID: socketID, channel: channel.text, channelData: data)
            return #"{"auth":\#(JSONText.quoted(auth)),"channel_data":\#(JSONText.quoted(data))}"#
        }
        let auth = self.signatures.sign(socketID: socketID, channel: channel.text)
        guard channel.kind.isEncrypted, let encryption else { return #"{"auth":\#(JSONText.quoted(auth))}"# }
        let secret = encryption.sharedSecret(of: channel.text)
        return #"{"auth":\#(JSONText.quoted(auth)),"shared_secret":\#(JSONText.quoted(secret))}"#
    }

    /// The JSON that signs a user in: `{auth, user_data}`.
    public func user(socketID: SocketID, userID: String, userName: String) -> String {
        let data = #"{"id":\#(JSONText.quoted(userID)),"user_info":{"name":\#(JSONText.quoted(userName))}}"#
        let auth = self.signatures.signUser(socketID: socketID.description, userData: data)
        return #"{"auth":\#(JSONText.quoted(auth)),"user_data":\#(JSONText.quoted(data))}"#
    }
}
