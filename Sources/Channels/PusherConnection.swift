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
        /// Add the connection to the channel, as a member when it is a presence channel; confirm, then replay what the
        /// channel holds.
        ///
        /// When that is refused, call ``PusherConnection/subscriptionRefused(_:message:)``.
        case subscribe(ChannelName, member: PresenceMember? = nil)
        /// Already subscribed: confirm once more, count nothing twice.
        case confirm(ChannelName)
        /// Take the connection off the channel; no answer.
        case unsubscribe(ChannelName)
        /// Say why a subscription was refused: `pusher:error`, then `pusher:subscription_error`.
        ///
        /// The connection stays.
        case refuseSubscription(channel: String, message: String)
        /// Note whom the connection belongs to, confirm, and tell it about the users it watches.
        case signIn(SignedInUser)
        /// Hand the event to everybody else on the channel.
        case broadcast(ClientEvent)
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
        /// Bytes of a presence subscription's `channel_data`: the user's id and info.
        ///
        /// Default 1024, as hosted.
        public var presenceDataBytesMax: Int
        /// Bytes of a client event's data.
        ///
        /// Default 10 240, as hosted.
        public var clientEventBytesMax: Int
        /// Client events a connection may send in a second; 1 or more.
        ///
        /// Default 10, as hosted.
        public var clientEventsPerSecond: Int
        /// Users a connection may watch.
        ///
        /// Default 100, as hosted.
        public var watchlistMax: Int
        /// Whether a client that does not say its protocol version is closed with 4008, rather than taken for 7.
        ///
        /// Default `false`.
        public var requiresProtocolVersion: Bool

        /// The defaults of the hosted service where it has them.
        public init(
            activityTimeout: Int = 120,
            pongTimeout: Duration = .seconds(30),
            subscriptionsMax: Int = 1000,
            presenceDataBytesMax: Int = 1024,
            clientEventBytesMax: Int = 10_240,
            clientEventsPerSecond: Int = 10,
            watchlistMax: Int = 100,
            requiresProtocolVersion: Bool = false
        ) {
            self.activityTimeout = activityTimeout
            self.pongTimeout = pongTimeout
            self.subscriptionsMax = subscriptionsMax
            self.presenceDataBytesMax = presenceDataBytesMax
            self.clientEventBytesMax = clientEventBytesMax
            self.clientEventsPerSecond = clientEventsPerSecond
            self.watchlistMax = watchlistMax
            self.requiresProtocolVersion = requiresProtocolVersion
        }

        /// The silence after which the server asks: 1.5 times ``activityTimeout``.
        var silenceMax: Duration { .milliseconds(self.activityTimeout * 1500) }
    }

    /// A point on the monotonic clock.
    public typealias Instant = ContinuousClock.Instant

    private enum State {
        case opening
        case open(OpenConnection)
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
        case .open(let connection): connection.channels
        case .opening, .closed: []
        }
    }

    /// The transport opened: greets, or refuses with a close code and no frame.
    ///
    /// - Parameters:
    ///   - app: The application whose key the path named; `nil` when there is none.
    ///   - isPathKnown: Whether the path ends behind the key.
    ///   - protocolVersion: The query's `protocol`; absent counts as 7 unless the limits demand it.
    ///   - isSecure: Whether the connection is encrypted.
    ///   - hasCapacity: Whether the server takes one more connection.
    ///   - isWithinQuota: Whether the application's own quota has room for one more.
    ///   - socketID: The name this connection gets.
    ///   - now: The current time.
    /// - Returns: The greeting to send, or the close code.
    public mutating func opened(
        app: App?,
        isPathKnown: Bool = true,
        protocolVersion: String?,
        isSecure: Bool = false,
        hasCapacity: Bool,
        isWithinQuota: Bool = true,
        socketID: SocketID,
        now: Instant
    ) -> Action {
        guard case .opening = self.state else { preconditionFailure("opened in state \(self.state)") }
        self.state = .closed
        guard let app else { return .close(.unknownApp) }
        guard isPathKnown else { return .close(.pathNotFound) }
        guard isSecure || !app.options.requiresTLS else { return .close(.requiresTLS) }
        guard app.options.isEnabled else { return .close(.appDisabled) }
        if let protocolVersion {
            guard let version = Int(protocolVersion) else { return .close(.malformedVersion) }
            guard (5...7).contains(version) else { return .close(.unsupportedProtocol) }
        } else if self.limits.requiresProtocolVersion {
            return .close(.missingProtocol)
        }
        guard hasCapacity else { return .close(.overCapacity) }
        guard isWithinQuota else { return .close(.overQuota) }
        self.state = .open(OpenConnection(app: app, socketID: socketID, limits: self.limits, now: now))
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
        guard case .open(var connection) = self.state else { return .doNothing }
        // Gives up the second reference to what the connection holds, so that it changes in place.
        self.state = .closed
        defer { self.state = .open(connection) }
        do throws(ChannelsError) {
            let frame = try ClientFrame(parsing: text)
            return Self.received(frame, on: &connection, now: now, validate: validate)
        } catch {
            return .send(.error(code: nil, message: error.description))
        }
    }

    /// A channel could not be joined after all, for example because it is full.
    public mutating func subscriptionRefused(_ channel: ChannelName, message: String) -> Action {
        guard case .open(var connection) = self.state else { return .doNothing }
        self.state = .closed
        _ = connection.forget(channel)
        self.state = .open(connection)
        return .refuseSubscription(channel: channel.text, message: message)
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

    private static func received(
        _ frame: ClientFrame,
        on connection: inout OpenConnection,
        now: Instant,
        validate: (ChannelName) -> String?
    ) -> Action {
        switch frame {
        case .ping: return .send(.pong)
        case .pong: return .doNothing
        case .subscribe(let channel, let auth, let channelData):
            return connection.subscribe(channel, auth: auth, channelData: channelData, validate: validate)
        case .unsubscribe(let channel):
            return connection.unsubscribe(channel)
        case .signIn(let auth, let userData):
            return connection.signIn(auth: auth, userData: userData)
        case .clientEvent(let name, let channel, let data):
            return connection.clientEvent(name: name, channel: channel, data: data, now: now)
        case .unsupported(let event):
            let message = "Unsupported event received on socket: '\(ChannelsError.shortened(event))'"
            return .send(.error(code: nil, message: message))
        }
    }
}
