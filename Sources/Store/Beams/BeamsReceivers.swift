/// Who is told what becomes of a publication.
public struct BeamsReceivers: Sendable, Hashable {
    /// Told of publications to users, and of what devices report: URLs.
    public var webhooks: [String]
    /// Told of one publication to interests, with what was asked for.
    public var own: Own?

    /// The receiver that a publication to interests names.
    public struct Own: Sendable, Hashable {
        /// Where to.
        public let url: String
        /// The body of the publication's request.
        public let request: [UInt8]
        /// The message that it has started.
        public let started: [UInt8]

        /// Makes a receiver from its parts.
        public init(url: String, request: [UInt8], started: [UInt8]) {
            self.url = url
            self.request = request
            self.started = started
        }
    }

    /// Makes receivers; without arguments nobody is told.
    public init(webhooks: [String] = [], own: Own? = nil) {
        self.webhooks = webhooks
        self.own = own
    }
}
