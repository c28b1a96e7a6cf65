/// Signatures that let a connection join a channel (protocol section 4).
public struct ChannelAuth: Sendable {
    private let app: App

    /// Signs and checks for `app`.
    public init(app: App) {
        self.app = app
    }

    /// The `auth` text `KEY:HEX` for an auth endpoint's answer.
    ///
    /// - Parameters:
    ///   - socketID: The connection's socket id, as the client sent it; check it with ``SocketID`` first.
    ///   - channel: The channel's name.
    ///   - channelData: For presence channels: exactly the text that goes into `channel_data`.
    /// - Returns: `KEY:` and the digest in lower-case hexadecimal digits.
    public func sign(socketID: String, channel: String, channelData: String? = nil) -> String {
        let pair = self.app.signingCredentials
        let digest = Self.digest(pair, socketID: socketID, channel: channel, channelData: channelData)
        return pair.key + ":" + String(decoding: digest, as: UTF8.self)
    }

    /// Why `auth` does not let the connection in; `nil` when it does.
    ///
    /// Constant time in the digest.
    func refusal(auth: String?, socketID: SocketID, channel: ChannelName, channelData: String?) -> String? {
        guard let auth, !auth.isEmpty else {
            return "Missing auth for channel \(channel): the client's auth endpoint must sign the subscription"
        }
        guard let colon = auth.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            return "Invalid auth for channel \(channel): KEY:SIGNATURE is expected"
        }
        let key = auth[..<colon]
        guard let pair = self.app.credentials(for: key) else {
            return "Invalid key in subscription auth data: '\(ChannelsError.shortened(String(key)))'"
        }
        let expected = Self.digest(
            pair, socketID: socketID.description, channel: channel.text, channelData: channelData)
        let given = auth.utf8[auth.utf8.index(after: colon)...]
        guard HexDigest.isEqual(expected, given) else {
            let signed = channelData == nil ? "\(socketID):\(channel)" : "\(socketID):\(channel):CHANNEL_DATA"
            return "Invalid signature: Expected HMAC SHA256 hex digest of \(signed)"
        }
        return nil
    }

    private static func digest(
        _ pair: App.Credentials,
        socketID: String,
        channel: String,
        channelData: String?
    ) -> [UInt8] {
        var text = socketID + ":" + channel
        if let channelData { text += ":" + channelData }
        return HexDigest.hmac(text.utf8, key: pair.signingKey)
    }
}
