public import Channels

/// Times and limits of the gateway.
public struct GatewayOptions: Sendable {
    /// WebSocket connections open at once; more are closed with 4100.
    ///
    /// Default 10 000.
    public var connectionsMax: Int
    /// Connections open at once from one client address; `nil` counts none.
    ///
    /// An IPv6 address counts as its network of 64 bits. Further requests are answered with 503 and WebSockets closed with
    /// 4100. Behind a proxy all clients have the proxy's address: leave it off there. Default `nil`.
    public var connectionsPerAddressMax: Int?
    /// Messages a second that a WebSocket's client may send for long, control frames and fragments included.
    ///
    /// A client may save up four seconds for a burst; one that has used them up is closed with 1008. Default 500.
    public var messagesPerSecondMax: Int
    /// The web pages that may open a WebSocket; others are closed with 4009.
    ///
    /// Default ``OriginRules/all``.
    public var origins: OriginRules
    /// The proxies that are believed when they say with `X-Forwarded-Proto` that their client's side is encrypted.
    ///
    /// Default ``AddressRanges/loopback``: whoever else says so could be the client itself.
    public var trustedProxies: AddressRanges
    /// Whether clients may have messages compressed (permessage-deflate).
    ///
    /// Default `false`: it saves bytes and costs time.
    public var isCompressionEnabled: Bool
    /// The certificate and key for TLS; `nil` serves in the clear.
    ///
    /// Default `nil`.
    public var tls: TLSFiles?
    /// Bytes of a request's header fields.
    ///
    /// Default 64 KiB.
    public var headerBytesMax: Int
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
    /// Whether text and binary messages are sent back as they are, in place of the Pusher protocol: what conformance
    /// suites for WebSockets ask for.
    package var echoesMessages = false
    /// Limits of what is published over HTTP.
    public var publish: PublishRequest.Limits
    /// Times and limits of WebSocket connections.
    public var connection: PusherConnection.Limits
    /// Paths, times and limits of clients without a WebSocket.
    public var fallback = FallbackOptions()

    /// Limits with their defaults.
    public init(
        connectionsMax: Int = 10_000,
        connectionsPerAddressMax: Int? = nil,
        messagesPerSecondMax: Int = 500,
        origins: OriginRules = .all,
        trustedProxies: AddressRanges = .loopback,
        isCompressionEnabled: Bool = false,
        tls: TLSFiles? = nil,
        headerBytesMax: Int = 64 * 1024,
        messageBytesMax: Int = 64 * 1024,
        requestTimeout: Duration = .seconds(10),
        idleTimeout: Duration = .seconds(75),
        closeTimeout: Duration = .milliseconds(500),
        drainWindow: Duration = .seconds(1),
        publish: PublishRequest.Limits = .init(),
        connection: PusherConnection.Limits = .init()
    ) {
        self.connectionsMax = connectionsMax
        self.connectionsPerAddressMax = connectionsPerAddressMax
        self.messagesPerSecondMax = messagesPerSecondMax
        self.origins = origins
        self.trustedProxies = trustedProxies
        self.isCompressionEnabled = isCompressionEnabled
        self.tls = tls
        self.headerBytesMax = headerBytesMax
        self.messageBytesMax = messageBytesMax
        self.requestTimeout = requestTimeout
        self.idleTimeout = idleTimeout
        self.closeTimeout = closeTimeout
        self.drainWindow = drainWindow
        self.publish = publish
        self.connection = connection
    }
}
