public import Channels

/// Times and limits of the gateway.
public struct GatewayOptions: Sendable {
    /// WebSocket connections open at once; more are closed with 4100.
    ///
    /// Default 10 000.
    public var connectionsMax: Int
    /// Bytes of a message from a client, over all its fragments.
    ///
    /// Default 64 KiB.
    public var messageBytesMax: Int
    /// How long a client may take to send a request, headers and body.
    ///
    /// Default 10 s.
    public var requestTimeout: Duration
    /// How long an HTTP connection may wait for its next request.
    ///
    /// Default 75 s.
    public var idleTimeout: Duration
    /// How long a client may take to answer a close frame.
    ///
    /// Default 500 ms.
    public var closeTimeout: Duration
    /// Over how long connections are closed when the server ends: the only jitter that reaches clients.
    ///
    /// Default 1 s.
    public var drainWindow: Duration
    /// Limits of what is published over HTTP.
    public var publish: PublishRequest.Limits
    /// Times and limits of WebSocket connections.
    public var connection: PusherConnection.Limits

    /// Limits with their defaults.
    public init(
        connectionsMax: Int = 10_000,
        messageBytesMax: Int = 64 * 1024,
        requestTimeout: Duration = .seconds(10),
        idleTimeout: Duration = .seconds(75),
        closeTimeout: Duration = .milliseconds(500),
        drainWindow: Duration = .seconds(1),
        publish: PublishRequest.Limits = .init(),
        connection: PusherConnection.Limits = .init()
    ) {
        self.connectionsMax = connectionsMax
        self.messageBytesMax = messageBytesMax
        self.requestTimeout = requestTimeout
        self.idleTimeout = idleTimeout
        self.closeTimeout = closeTimeout
        self.drainWindow = drainWindow
        self.publish = publish
        self.connection = connection
    }
}
