/// The files that TLS is made of.
public struct TLSFiles: Sendable, Equatable {
    /// The certificate and those that it needs up to a known one, in PEM, its own first.
    public var certificate: String
    /// The private key in PEM, without a passphrase.
    public var key: String
    /// How often the files are looked at.
    ///
    /// A change is taken over at the second look that finds the same, so that half-written files are not. Default 2 s.
    public var checkInterval: Duration

    /// Two files.
    public init(certificate: String, key: String, checkInterval: Duration = .seconds(2)) {
        self.certificate = certificate
        self.key = key
        self.checkInterval = checkInterval
    }
}
