/// What an open connection has: its channels, whom it is signed in as, how fast it may talk.
struct OpenConnection: Sendable {
    typealias Action = PusherConnection.Action

    let app: App
    let socketID: SocketID
    let limits: PusherConnection.Limits
    private(set) var channels: Set<ChannelName> = []
    /// Whom the connection is on its presence channels.
    private var userIDs: [ChannelName: String] = [:]
    private var user: SignedInUser?
    private var clientEvents: TokenBucket

    init(app: App, socketID: SocketID, limits: PusherConnection.Limits, now: ContinuousClock.Instant) {
        self.app = app
        self.socketID = socketID
        self.limits = limits
        self.clientEvents = TokenBucket(
            perSecond: limits.clientEventsPerSecond, burst: limits.clientEventsPerSecond, now: now)
    }

    // MARK: Subscriptions

    mutating func subscribe(
        _ text: String,
        auth: String?,
        channelData: String?,
        validate: (ChannelName) -> String?
    ) -> Action {
        let channel: ChannelName
        do throws(ChannelsError) {
            channel = try ChannelName(text)
        } catch {
            return .refuseSubscription(channel: ChannelsError.shortened(text), message: error.description)
        }
        if self.channels.contains(channel) { return .confirm(channel) }
        let member: PresenceMember?
        do throws(Refusal) {
            member = try self.admit(to: channel, auth: auth, channelData: channelData)
        } catch {
            return .refuseSubscription(channel: text, message: error.message)
        }
        if let refusal = validate(channel) { return .refuseSubscription(channel: text, message: refusal) }
        guard self.channels.count < self.limits.subscriptionsMax else {
            let message =
                "Cannot subscribe to channel \(text): a connection may hold \(self.limits.subscriptionsMax) subscriptions"
            return .refuseSubscription(channel: text, message: message)
        }
        self.channels.insert(channel)
        if let member { self.userIDs[channel] = member.userID }
        return .subscribe(channel, member: member)
    }

    mutating func unsubscribe(_ text: String) -> Action {
        guard let channel = try? ChannelName(text),  // An invalid name has no subscription either: one answer for both.
            self.forget(channel)
        else {
            let name = ChannelsError.shortened(text)
            let message = "No current subscription to channel \(name), or subscription in progress"
            return .send(.error(code: nil, message: message))
        }
        return .unsubscribe(channel)
    }

    /// Takes back a subscription.
    ///
    /// - Returns: Whether there was one.
    mutating func forget(_ channel: ChannelName) -> Bool {
        self.userIDs[channel] = nil
        return self.channels.remove(channel) != nil
    }

    private struct Refusal: Error {
        let message: String
    }

    /// Checks whether the connection may join, and as whom.
    private func admit(
        to channel: ChannelName,
        auth: String?,
        channelData: String?
    ) throws(Refusal) -> PresenceMember? {
        switch channel.kind {
        case .public, .cache: return nil
        case .private, .privateCache, .privateEncrypted, .privateEncryptedCache:
            try self.checkSignature(auth, channel, channelData)
            return nil
        case .presence, .presenceCache:
            try self.checkSignature(auth, channel, channelData)
            return try self.member(of: channel, channelData: channelData)
        case .serverToUser:
            guard let user, channel.text == ChannelName.serverToUserPrefix + user.id else {
                throw Refusal(message: "Cannot subscribe to \(channel): the connection is not signed in as this user")
            }
            return nil
        }
    }

    private func checkSignature(_ auth: String?, _ channel: ChannelName, _ channelData: String?) throws(Refusal) {
        let auth = ChannelAuth(app: self.app).refusal(
            auth: auth, socketID: self.socketID, channel: channel, channelData: channelData)
        if let auth { throw Refusal(message: auth) }
    }

    private func member(of channel: ChannelName, channelData: String?) throws(Refusal) -> PresenceMember {
        guard let channelData else {
            if let user {
                let bytes = user.id.utf8.count + user.userInfo.utf8.count
                guard bytes <= self.limits.presenceDataBytesMax else {
                    throw Refusal(
                        message: """
                            Cannot subscribe to \(channel): the signed-in user's id and user_info have \(bytes) bytes, \
                            at most \(self.limits.presenceDataBytesMax) are allowed
                            """)
                }
                return user.member
            }
            throw Refusal(
                message:
                    "Cannot subscribe to \(channel): channel_data with a user_id is missing, and nobody is signed in")
        }
        guard channelData.utf8.count <= self.limits.presenceDataBytesMax else {
            throw Refusal(
                message: """
                    Cannot subscribe to \(channel): channel_data has \(channelData.utf8.count) bytes, at most \
                    \(self.limits.presenceDataBytesMax) are allowed
                    """
            )
        }
        do throws(ChannelsError) {
            return try PresenceMember(parsing: channelData)
        } catch {
            throw Refusal(message: "Cannot subscribe to \(channel): \(error.description)")
        }
    }

    // MARK: Users

    mutating func signIn(auth: String?, userData: String?) -> Action {
        guard let userData else { return Self.refuseSignIn("user_data is missing") }
        if let refusal = ChannelAuth(app: self.app).refusal(auth: auth, socketID: self.socketID, userData: userData) {
            return Self.refuseSignIn(refusal)
        }
        let user: SignedInUser
        do throws(ChannelsError) {
            user = try SignedInUser(parsing: userData, watchlistMax: self.limits.watchlistMax)
        } catch {
            return Self.refuseSignIn(error.description)
        }
        if let current = self.user, current.id != user.id {
            return Self.refuseSignIn(
                "the connection is signed in as '\(current.id)' already, reconnect to change the user")
        }
        self.user = user
        return .signIn(user)
    }

    private static func refuseSignIn(_ reason: String) -> Action {
        .send(.error(code: nil, message: "Cannot sign in: \(reason)"))
    }

    // MARK: Client events

    mutating func clientEvent(
        name: String,
        channel text: String?,
        data: String?,
        now: ContinuousClock.Instant
    ) -> Action {
        func refuse(_ reason: String, code: Int? = nil) -> Action {
            let target = text.map { " to channel \(ChannelsError.shortened($0))" } ?? ""
            let event = ChannelsError.shortened(name)
            return .send(.error(code: code, message: "Cannot broadcast client event '\(event)'\(target): \(reason)"))
        }
        guard self.app.options.hasClientEvents else { return refuse("client events are not enabled for this app") }
        guard name.count <= PublishRequest.eventNameLengthMax else {
            return refuse("the name is longer than \(PublishRequest.eventNameLengthMax) characters")
        }
        guard let text, let channel = try? ChannelName(text) else {  // The answer is the same for any bad name.
            return refuse("the frame needs 'channel', the name of a channel")
        }
        guard channel.kind.hasClientEvents else {
            return refuse("only private and presence channels that are not encrypted have client events")
        }
        guard self.channels.contains(channel) else { return refuse("connection not subscribed to channel \(channel)") }
        let content = Self.content(of: data)
        guard content.utf8.count <= self.limits.clientEventBytesMax else {
            return refuse(
                "the data has \(content.utf8.count) bytes, at most \(self.limits.clientEventBytesMax) are allowed")
        }
        guard self.clientEvents.take(now: now) else {
            return refuse("more than \(self.limits.clientEventsPerSecond) in a second", code: 4301)
        }
        return .broadcast(
            ClientEvent(name: name, channel: channel, data: content, userID: self.userIDs[channel]))
    }

    /// The content of the data string that others get: a string's own, or any other value's JSON text.
    private static func content(of json: String?) -> String {
        guard var json else { return "null" }
        guard json.utf8.first == UInt8(ascii: "\"") else { return json }
        return json.withUTF8 { bytes in
            String(
                decoding: JSONText.unescaped(UnsafeBufferPointer(rebasing: bytes[1..<(bytes.count - 1)])), as: UTF8.self
            )
        }
    }
}
