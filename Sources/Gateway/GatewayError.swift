/// What can keep the gateway from serving.
public enum GatewayError: Error, Equatable, CustomStringConvertible {
    /// Another program listens on the port.
    case addressInUse(host: String, port: Int)
    /// The process may not listen on the port.
    case notPermitted(host: String, port: Int)
    /// The address is none of this machine's, or the host name is unknown.
    case addressNotAvailable(host: String, port: Int, reason: String)
    /// A file of the TLS certificate or its key cannot be used.
    case certificate(file: String, reason: String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "Port \(port) on \(host) is in use. Stop the other program or choose another port with --port."
        case .notPermitted(let host, let port):
            "Port \(port) on \(host) needs a privilege this process does not have. Choose a port above 1023 with --port."
        case .addressNotAvailable(let host, let port, let reason):
            "Cannot listen on \(host):\(port): \(reason). Choose an address of this machine with --bind, 127.0.0.1 or 0.0.0.0."
        case .certificate(let file, let reason):
            "TLS does not work with '\(file)': \(reason). Check tls.certificate and tls.key."
        }
    }
}
