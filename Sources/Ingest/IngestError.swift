/// What can go wrong while reading upstream feeds.
public enum IngestError: Error, Equatable, CustomStringConvertible {
    /// The text is not a `ws://` or `wss://` URL.
    case invalidURL(String)
    /// The server answered the WebSocket handshake with an ordinary HTTP response.
    case upgradeRefused(url: String, status: Int)
    /// A message was longer than `limit` bytes.
    case messageTooLarge(limit: Int)
    /// The peer broke RFC 6455.
    case protocolViolation(String)
    /// The port is taken.
    case portInUse(host: String, port: Int)
    /// A recording cannot be read.
    case unreadableRecording(String)
    /// A recording cannot be written.
    case cannotRecord(path: String, reason: String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .invalidURL(let text):
            // A query may carry a key.
            "'\(text.prefix { $0 != "?" })' is not a WebSocket URL. Write ws://HOST[:PORT][/PATH] or wss://…"
        case .upgradeRefused(let url, let status):
            "\(url) answered the WebSocket handshake with \(status == 0 ? "something else than HTTP" : "HTTP status \(status)"). Check the URL and whether the provider blocks this address."
        case .messageTooLarge(let limit):
            "A message was longer than \(limit) bytes."
        case .protocolViolation(let what):
            "The server broke the WebSocket protocol: \(what)."
        case .unreadableRecording(let path):
            "The recording '\(path)' cannot be read. Check the path."
        case .cannotRecord(let path, let reason):
            "The recording '\(path)' cannot be written: \(reason)."
        case .portInUse(let host, let port):
            "Port \(port) on \(host) is in use. Stop the other program or choose another port with --port."
        }
    }
}
