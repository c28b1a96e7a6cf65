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
        let digest = HexDigest.hmac(Self.text(socketID, channel, channelData).utf8, key: pair.signingKey)
        return pair.key + ":" + String(decoding: digest, as: UTF8.self)
    }

    /// The `auth` text `KEY:HEX` for a user-auth endpoint's answer.
    ///
    /// - Parameters:
    ///   - socketID: The connection's socket id, as the client sent it; check it with ``SocketID`` first.
    ///   - userData: Exactly the text that goes into `user_data`.
    /// - Returns: `KEY:` and the digest in lower-case hexadecimal digits.
    public func signUser(socketID: String, userData: String) -> String {
        let pair = self.app.signingCredentials
        let digest = HexDigest.hmac((socketID + "::user::" + userData).utf8, key: pair.signingKey)
        return pair.key + ":" + String(decoding: digest, as: UTF8.self)
    }

    /// Why `auth` does not let the connection in; `nil` when it does.
    ///
    /// Constant time in the digest.
    func refusal(auth: String?, socketID: SocketID, channel: ChannelName, channelData: String?) -> String? {
        guard let auth, !auth.isEmpty else {
            return "Missing auth for channel \(channel): the client's auth endpoint must sign the subscription"
        }
        return self.refusal(
            auth: auth, text: Self.text(socketID.description, channel.text, channelData),
            shown: channelData == nil ? "\(socketID):\(channel)" : "\(socketID):\(channel):CHANNEL_DATA",
            purpose: "subscription auth data"
        )
    }

    /// Why `auth` does not prove who the user is; `nil` when it does.
    ///
    /// Constant time in the digest.
    func refusal(auth: String?, socketID: SocketID, userData: String) -> String? {
        guard let auth, !auth.isEmpty else { return "auth is missing: the client's user-auth endpoint must sign it" }
        return self.refusal(
            auth: auth, text: "\(socketID)::user::" + userData, shown: "\(socketID)::user::USER_DATA",
            purpose: "sign-in auth data"
        )
    }

    private func refusal(auth: String, text: String, shown: String, purpose: String) -> String? {
        guard let colon = auth.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            return "Invalid \(purpose): KEY:SIGNATURE is expected"
        }
        let key = auth[..<colon]
        guard let pair = self.app.credentials(for: key) else {
            return "Invalid key in \(purpose): '\(ChannelsError.shortened(String(key)))'"
        }
        let given = auth.utf8[auth.utf8.index(after: colon)...]
        guard HexDigest.isEqual(HexDigest.hmac(text.utf8, key: pair.signingKey), given) else {
            return "Invalid signature: Expected HMAC SHA256 hex digest of \(shown)"
        }
        return nil
    }

    private static func text(_ socketID: String, _ channel: String, _ channelData: String?) -> String {
        let text = socketID + ":" + channel
        guard let channelData else { return text }
        return text + ":" + channelData
    }
}
