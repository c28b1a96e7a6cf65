/// One client connection's side of the Pusher protocol, version 7, without I/O.
///
/// Events come in as calls with the time as an argument, what to do comes out as one ``Action``.
public struct PusherConnection: Sendable {
    /// What the server must do for this connection now.
    public enum Action: Equatable, Sendable {
        /// Nothing.
        case doNothing
        /// Send one frame.
        case send(ServerFrame)
        /// Add the connection to the channel, confirm, then replay the snapshot.
        case subscribe(ChannelName)
        /// Already subscribed: confirm once more, count nothing twice.
        case confirm(ChannelName)
        /// Take the connection off the channel; no answer.
        case unsubscribe(ChannelName)
        /// Say why a subscription was refused: `pusher:error`, then `pusher:subscription_error`.
        ///
        /// The connection stays.
        case refuseSubscription(channel: String, message: String)
        /// Ask whether the client still lives: a control ping and `pusher:ping`.
        case probe
        /// Close with a code.
        case close(CloseCode)
    }

    /// Times and limits of connections.
    public struct Limits: Sendable {
        /// Seconds of silence after which a client pings, as told in the greeting.
        ///
        /// Default 120.
        public var activityTimeout: Int
        /// How long the answer to a probe may take.
        ///
        /// Default 30 s.
        public var pongTimeout: Duration
        /// Subscriptions a connection may hold.
        ///
        /// Default 1000.
        public var subscriptionsMax: Int

        /// The defaults of the hosted service where it has them.
        public init(activityTimeout: Int = 120, pongTimeout: Duration = .seconds(30), subscriptionsMax: Int = 1000) {
            self.activityTimeout = activityTimeout
            self.pongTimeout = pongTimeout
            self.subscriptionsMax = subscriptionsMax
        }

        /// The silence after which the server asks: 1.5 times ``activityTimeout``.
        var silenceMax: Duration { .milliseconds(self.activityTimeout * 1500) }
    }

    /// A point on the monotonic clock.
    public typealias Instant = ContinuousClock.Instant

    private enum State {
        case opening
        case open(App, SocketID, Set<ChannelName>)
        case closed
    }

    private enum Liveness {
        case heard(Instant)
        case probed(Instant)
    }

    private let limits: Limits
    private var state = State.opening
    private var liveness: Liveness

    /// A connection whose WebSocket has just opened.
    public init(limits: Limits, now: Instant) {
        self.limits = limits
        self.liveness = .heard(now)
    }

    /// The channels this connection is on.
    public var subscriptions: Set<ChannelName> {
        switch self.state {
        case .open(_, _, let channels): channels
        case .opening, .closed: []
        }
    }

    /// The WebSocket opened: greets, or refuses with a close code and no frame.
    ///
    /// - Parameters:
    ///   - app: The application whose key the path named; `nil` when there is none.
    ///   - protocolVersion: The query's `protocol`; absent counts as 7.
    ///   - hasCapacity: Whether the server takes one more connection.
    ///   - socketID: The name this connection gets.
    /// - Returns: The greeting to send, or the close code.
    public mutating func opened(
        app: App?,
        protocolVersion: String?,
        hasCapacity: Bool,
        socketID: SocketID
    ) -> Action {
        guard case .opening = self.state else { preconditionFailure("opened in state \(self.state)") }
        self.state = .closed
        guard let app else { return .close(.unknownApp) }
        if let protocolVersion {
            guard let version = Int(protocolVersion) else { return .close(.malformedVersion) }
            guard (5...7).contains(version) else { return .close(.unsupportedProtocol) }
        }
        guard hasCapacity else { return .close(.overCapacity) }
        self.state = .open(app, socketID, [])
        return .send(.connectionEstablished(socketID, activityTimeout: self.limits.activityTimeout))
    }

    /// A complete text message arrived.
    ///
    /// - Parameters:
    ///   - text: Valid UTF-8.
    ///   - now: The current time.
    ///   - validate: Asked for each channel somebody wants to join; returns why not, or `nil`.
    /// - Returns: What to do.
    public mutating func received(
        text: UnsafeBufferPointer<UInt8>,
        now: Instant,
        validate: (ChannelName) -> String? = { _ in nil }
    ) -> Action {
        self.heard(now: now)
        guard case .open = self.state else { return .doNothing }
        do throws(ChannelsError) {
            return self.received(try ClientFrame(parsing: text), validate: validate)
        } catch {
            return .send(.error(code: nil, message: error.description))
        }
    }

    /// A control frame arrived: it counts as activity.
    public mutating func heard(now: Instant) {
        self.liveness = .heard(now)
    }

    /// The connection is gone, or the server decided to close it.
    ///
    /// - Returns: The channels it was on.
    public mutating func closed() -> Set<ChannelName> {
        let channels = self.subscriptions
        self.state = .closed
        return channels
    }

    /// When ``timerFired(now:)`` wants to be called next.
    public var deadline: Instant {
        switch self.liveness {
        case .heard(let at): at.advanced(by: self.limits.silenceMax)
        case .probed(let at): at.advanced(by: self.limits.pongTimeout)
        }
    }

    /// Time passed: asks a silent client for a sign of life, closes one that gave none.
    public mutating func timerFired(now: Instant) -> Action {
        guard case .open = self.state, now >= self.deadline else { return .doNothing }
        switch self.liveness {
        case .heard:
            self.liveness = .probed(now)
            return .probe
        case .probed:
            self.state = .closed
            return .close(.pongTimeout)
        }
    }

    private mutating func received(_ frame: ClientFrame, validate: (ChannelName) -> String?) -> Action {
        switch frame {
        case .ping: return .send(.pong)
        case .pong: return .doNothing
        case .subscribe(let channel, let auth, let channelData):
            return self.subscribe(channel, auth: auth, channelData: channelData, validate: validate)
        case .unsubscribe(let channel): return self.unsubscribe(channel)
        case .signIn:
            return .send(.error(code: nil, message: "Sign-in is not enabled on this server"))
        case .clientEvent(let name, let channel, _):
            let target = channel.map { " to channel \(ChannelsError.shortened($0))" } ?? ""
            let message =
                "Cannot broadcast client event '\(ChannelsError.shortened(name))'\(target): client events are not enabled"
            return .send(.error(code: nil, message: message))
        case .unsupported(let event):
            let message = "Unsupported event received on socket: '\(ChannelsError.shortened(event))'"
            return .send(.error(code: nil, message: message))
        }
    }

    private mutating func subscribe(
        _ text: String,
        auth: String?,
        channelData: String?,
        validate: (ChannelName) -> String?
    ) -> Action {
        guard case .open(let app, let socketID, var channels) = self.state else { return .doNothing }
        let channel: ChannelName
        do throws(ChannelsError) {
            channel = try ChannelName(text)
        } catch {
            return .refuseSubscription(channel: ChannelsError.shortened(text), message: error.description)
        }
        if channels.contains(channel) { return .confirm(channel) }
        if let refusal = Self.refusal(channel, app, socketID, auth, channelData) ?? validate(channel) {
            return .refuseSubscription(channel: text, message: refusal)
        }
        guard channels.count < self.limits.subscriptionsMax else {
            let message =
                "Cannot subscribe to channel \(text): a connection may hold \(self.limits.subscriptionsMax) subscriptions"
            return .refuseSubscription(channel: text, message: message)
        }
        self.state = .closed  // Gives up the set's second reference, so that it grows in place.
        channels.insert(channel)
        self.state = .open(app, socketID, channels)
        return .subscribe(channel)
    }

    private mutating func unsubscribe(_ text: String) -> Action {
        guard case .open(let app, let socketID, var channels) = self.state else { return .doNothing }
        self.state = .closed
        defer { self.state = .open(app, socketID, channels) }
        guard let channel = try? ChannelName(text),  // An invalid name has no subscription either: one answer for both.
            channels.remove(channel) != nil
        else {
            let name = ChannelsError.shortened(text)
            let message = "No current subscription to channel \(name), or subscription in progress"
            return .send(.error(code: nil, message: message))
        }
        return .unsubscribe(channel)
    }

    private static func refusal(
        _ channel: ChannelName,
        _ app: App,
        _ socketID: SocketID,
        _ auth: String?,
        _ channelData: String?
    ) -> String? {
        switch channel.kind {
        case .public: nil
        case .private, .privateEncrypted:
            ChannelAuth(app: app).refusal(auth: auth, socketID: socketID, channel: channel, channelData: channelData)
        case .presence, .presenceCache:
            "Cannot subscribe to \(channel): presence channels are not enabled on this server"
        case .cache, .privateCache, .privateEncryptedCache:
            "Cannot subscribe to \(channel): cache channels are not enabled on this server"
        case .serverToUser: "Cannot subscribe to \(channel): the connection is not signed in as this user"
        }
    }
}
