public import Channels

/// Where and how clients without a WebSocket are served.
public struct FallbackOptions: Sendable {
    /// What stands before `/app/KEY/…` of the paths that pusher-js uses: its `httpPath`.
    ///
    /// Begins with a slash and does not end with one. Default `/pusher`, pusher-js's own.
    public var basePath: String
    /// Sessions of `xhr_streaming` and `xhr` at once; more are closed with 4100.
    ///
    /// Default 5000.
    public var sessionsMax: Int
    /// Times and limits of those sessions.
    public var session: FallbackSession.Limits
    /// The path of the event stream.
    ///
    /// Default `/v1/stream`.
    public var streamPath: String
    /// Channels of one event stream.
    ///
    /// Default 100.
    public var streamChannelsMax: Int
    /// How often an event stream carries a comment, which keeps proxies from closing it.
    ///
    /// Default 15 s.
    public var streamHeartbeat: Duration
    /// What an event stream's client is told to wait before it connects again.
    ///
    /// Default 1 s.
    public var streamRetry: Duration
    /// How long sent bytes may stay without acknowledgement before the peer of an open response counts as gone.
    ///
    /// Default 60 s.
    public var acknowledgementTimeout: Duration

    /// Times and limits with their defaults.
    public init(
        basePath: String = "/pusher",
        sessionsMax: Int = 5000,
        session: FallbackSession.Limits = .init(),
        streamPath: String = "/v1/stream",
        streamChannelsMax: Int = 100,
        streamHeartbeat: Duration = .seconds(15),
        streamRetry: Duration = .seconds(1),
        acknowledgementTimeout: Duration = .seconds(60)
    ) {
        precondition(basePath.hasPrefix("/") && !basePath.hasSuffix("/"), "basePath '\(basePath)' is no path prefix")
        self.basePath = basePath
        self.sessionsMax = sessionsMax
        self.session = session
        self.streamPath = streamPath
        self.streamChannelsMax = streamChannelsMax
        self.streamHeartbeat = streamHeartbeat
        self.streamRetry = streamRetry
        self.acknowledgementTimeout = acknowledgementTimeout
    }

    /// Whether a request for `uri` is for the fallback or the event stream.
    func serves(_ uri: String) -> Bool {
        if uri.hasPrefix(self.basePath) {
            return uri.utf8.dropFirst(self.basePath.utf8.count).starts(with: "/app/".utf8)
        }
        guard uri.hasPrefix(self.streamPath) else { return false }
        let rest = uri.utf8.dropFirst(self.streamPath.utf8.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "?")
    }
}
