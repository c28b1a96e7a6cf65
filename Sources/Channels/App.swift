/// One application: who may connect and publish, and with which limits.
public struct App: Sendable {
    /// A key and the secret that signs with it.
    public struct Credentials: Sendable, CustomStringConvertible, CustomReflectable {
        /// The public key, in the WebSocket's path and in signatures.
        public let key: String
        /// The secret; never printed.
        public let secret: String
        /// ``secret`` as a key for HMAC, made once.
        let signingKey: SigningKey
        /// ``key`` as it stands in a request.
        let keyBytes: [UInt8]

        /// A key pair.
        public init(key: String, secret: String) {
            self.key = key
            self.secret = secret
            self.signingKey = SigningKey(secret.utf8)
            self.keyBytes = Array(key.utf8)
        }

        /// The key without the secret.
        public var description: String { "Credentials(key: \(self.key))" }
        /// The key without the secret.
        public var customMirror: Mirror { Mirror(self, children: ["key": self.key]) }
    }

    /// What an application may and may not do.
    public struct Options: Sendable, Hashable {
        /// Whether its clients may connect: otherwise they are closed with 4003.
        ///
        /// Default `true`.
        public var isEnabled = true
        /// Whether clients must use TLS: others are closed with 4000.
        ///
        /// Default `false`.
        public var requiresTLS = false
        /// Connections at once; more are closed with 4004.
        ///
        /// Default `nil`: no quota of its own.
        public var connectionsMax: Int?
        /// Whether clients may send `client-` events.
        ///
        /// Default `false`, as hosted.
        public var hasClientEvents = false
        /// Whether subscribers are told how many they are.
        ///
        /// Default `false`, as hosted.
        public var hasSubscriptionCounts = false

        /// The defaults.
        public init() {}
    }

    /// The id in the HTTP API's paths.
    public let id: String
    /// The key pairs that hold now, oldest first; more than one while keys are changed.
    public let credentials: [Credentials]
    /// What it may do.
    public let options: Options
    /// ``id`` as it stands in a request.
    package let idBytes: [UInt8]

    /// An application.
    ///
    /// - Parameters:
    ///   - id: The id in the HTTP API's paths.
    ///   - credentials: At least one key pair, oldest first.
    ///   - options: What it may do.
    public init(id: String, credentials: [Credentials], options: Options = Options()) {
        precondition(!credentials.isEmpty, "app \(id) without a key")
        self.id = id
        self.idBytes = Array(id.utf8)
        self.credentials = credentials
        self.options = options
    }

    /// An application with one key pair.
    public init(id: String, key: String, secret: String, options: Options = Options()) {
        self.init(id: id, credentials: [Credentials(key: key, secret: secret)], options: options)
    }

    /// The key pair that signs what this process sends: the oldest, which every receiver knows.
    public var signingCredentials: Credentials { self.credentials[0] }

    /// The key pair with this key; `nil` when the app has none.
    public func credentials(for key: some StringProtocol) -> Credentials? {
        self.credentials.first { $0.key == key }
    }
}
