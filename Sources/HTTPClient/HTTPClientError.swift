/// Why there is no answer.
///
/// Messages name the host, never the path, the query or the user information of a URL.
public enum HTTPClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The request cannot be sent as it is.
    case invalidRequest(String)
    /// The name has no address.
    case cannotResolve(host: String)
    /// No address of the host accepted a connection.
    case cannotConnect(host: String, reason: String)
    /// The address policy refuses an address of the host.
    case addressRefused(host: String, address: String)
    /// TLS could not be established or the certificate is not trusted.
    case tls(host: String, reason: String)
    /// The answer was not complete in time.
    case timedOut(host: String, limit: Duration)
    /// The answer's body is larger than the request allows.
    case bodyTooLarge(host: String, limit: Int)
    /// The connection broke or the host does not speak HTTP.
    case transferFailed(host: String, reason: String)
    /// The host gave up this one request; the connection goes on.
    case streamReset(host: String)
    /// Too many requests wait for a connection.
    case busy(host: String, limit: Int)
    /// The task that waited was cancelled.
    case cancelled
    /// The client was shut down.
    case shutDown
    /// The client's thread could not be started.
    case cannotStart(reason: String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .invalidRequest(let reason): "The HTTP request cannot be sent: \(reason)."
        case .cannotResolve(let host):
            "No address found for '\(host)'. Check the spelling of the host and this machine's DNS."
        case .cannotConnect(let host, let reason):
            "Cannot connect to '\(host)': \(reason). Check that it runs and that no firewall is in between."
        case .addressRefused(let host, let address):
            "'\(host)' has the address \(address), which is not public. Use a public host, or allow private addresses."
        case .tls(let host, let reason):
            "No secure connection to '\(host)': \(reason). Check its certificate, or this machine's clock and CA list."
        case .timedOut(let host, let limit):
            "'\(host)' did not answer within \(limit). Check the host, or raise the time-out."
        case .bodyTooLarge(let host, let limit):
            "The answer of '\(host)' is larger than \(limit) bytes. Ask for less, or raise the limit."
        case .transferFailed(let host, let reason):
            "The transfer with '\(host)' failed: \(reason). Try again, and check that the port speaks HTTP."
        case .streamReset(let host): "'\(host)' gave up the request without an answer. Try again."
        case .busy(let host, let limit):
            "More than \(limit) requests wait for a connection to '\(host)'. Send fewer at once, or allow more connections."
        case .cancelled: "The HTTP request was cancelled."
        case .shutDown: "The HTTP client is shut down. Send requests before the service stops."
        case .cannotStart(let reason):
            "The HTTP client cannot start: \(reason). Check the limits on threads and memory."
        }
    }
}
