/// Why a connection is closed: the number and the reason a client sees, and whether it comes back by itself.
public enum CloseCode: UInt16, Sendable, Hashable, CaseIterable {
    /// The client asked for it.
    case normal = 1000
    /// The other side broke the WebSocket protocol.
    case protocolError = 1002
    /// A text frame that is not UTF-8.
    case invalidText = 1007
    /// More messages a second than a client may send.
    case tooManyMessages = 1008
    /// A message over the size limit.
    case messageTooBig = 1009
    /// The application's clients must use TLS.
    case requiresTLS = 4000
    /// No application has this key.
    case unknownApp = 4001
    /// The application is switched off.
    case appDisabled = 4003
    /// The application has as many connections as it may.
    case overQuota = 4004
    /// The path behind the application's key leads nowhere.
    case pathNotFound = 4005
    /// The client's protocol version is not a number.
    case malformedVersion = 4006
    /// The client speaks a protocol version that is not served.
    case unsupportedProtocol = 4007
    /// The client does not say its protocol version.
    case missingProtocol = 4008
    /// The application ended this user's connections.
    case unauthorised = 4009
    /// The server is full, or the client does not read fast enough.
    case overCapacity = 4100
    /// The server restarts.
    case reconnect = 4200
    /// A ping stayed without answer.
    case pongTimeout = 4201

    /// The number on the wire.
    public var code: UInt16 { self.rawValue }

    /// A short reason for the client; fits into a close frame.
    public var reason: String {
        switch self {
        case .normal: ""
        case .protocolError: "WebSocket protocol error"
        case .invalidText: "Text frame is not valid UTF-8"
        case .tooManyMessages: "Too many messages a second"
        case .messageTooBig: "Message exceeds the size limit"
        case .requiresTLS: "Application only accepts TLS connections, reconnect using wss://"
        case .appDisabled: "Application disabled"
        case .overQuota: "Application is over connection quota"
        case .pathNotFound: "Path not found"
        case .missingProtocol: "No protocol version supplied"
        case .unknownApp: "Application does not exist"
        case .malformedVersion: "Invalid version string format"
        case .unsupportedProtocol: "Unsupported protocol version"
        case .unauthorised: "Connection not authorized"
        case .overCapacity: "Over capacity"
        case .reconnect: "Server restarts, reconnect"
        case .pongTimeout: "Pong reply not received"
        }
    }

    /// Whether Pusher clients reconnect by themselves after it.
    public var clientReconnects: Bool {
        switch self {
        case .normal, .protocolError, .invalidText, .tooManyMessages, .messageTooBig, .overCapacity,
            .reconnect, .pongTimeout:
            true
        case .requiresTLS, .unknownApp, .appDisabled, .overQuota, .pathNotFound, .malformedVersion,
            .unsupportedProtocol,
            .missingProtocol, .unauthorised:
            false
        }
    }
}
