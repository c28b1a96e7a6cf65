/// What can go wrong between this process and NATS.
public enum BackplaneError: Error, Equatable, CustomStringConvertible {
    /// A server's address is not one; secrets in it are left out.
    case invalidServer(String)
    /// NATS is not there, or does not let us in.
    case unavailable(servers: String, reason: String)
    /// A message that no node of this version sends.
    case malformed(String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .invalidServer(let text):
            "'\(text)' is no NATS server. Write nats://HOST:4222 or tls://USER:PASSWORD@HOST:4222, several separated by commas."
        case .unavailable(let servers, let reason):
            "NATS at \(servers) is not available: \(reason). Check nats.url, and that the server runs."
        case .malformed(let reason):
            "Malformed message from another node: \(reason). Run the same version of Tickwire on all nodes."
        }
    }
}
