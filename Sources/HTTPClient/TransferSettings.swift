import Glibc

/// What all transfers of a client have in common.
struct TransferSettings: Sendable {
    let userAgent: String
    /// A file of certificates to trust instead of the system's.
    let certificateFile: String?
    /// A folder of certificates to trust instead of the system's.
    let certificateFolder: String?
    /// Set when all requests share one connection: says when a socket may be opened.
    let gate: SocketGate?

    /// Takes the certificates from the environment, which libcurl leaves to its callers: curl(1), ENVIRONMENT.
    init(userAgent: String, gate: SocketGate? = nil) {
        self.gate = gate
        self.userAgent = userAgent
        self.certificateFile = Self.variable("CURL_CA_BUNDLE") ?? Self.variable("SSL_CERT_FILE")
        self.certificateFolder = Self.variable("SSL_CERT_DIR")
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
