extension FallbackSession {
    /// Times and limits of sessions.
    public struct Limits: Sendable {
        /// How long a session waits for its next receive request before it counts as gone.
        ///
        /// Default 5 s.
        public var resumeTimeout: Duration
        /// How long a client may take to read a streaming response to its end, once that is full, and to ask for the next.
        ///
        /// Default 60 s.
        public var fullResponseTimeout: Duration
        /// How long a receive request stays silent before an `h` is sent.
        ///
        /// Default 25 s: proxies often give up after 30 s or more.
        public var heartbeatInterval: Duration
        /// Bytes that wait while no response is open; beyond them the session is closed with 4100.
        ///
        /// Default 4 MiB, as for a WebSocket.
        public var queueBytesMax: Int
        /// The length, as a browser counts it, beyond which a streaming response waits for its successor.
        ///
        /// Default 256 KiB: pusher-js drops a response once it has read more than that, and with it whatever came behind.
        public var responseLengthMax: Int

        /// Times and limits with their defaults.
        public init(
            resumeTimeout: Duration = .seconds(5),
            fullResponseTimeout: Duration = .seconds(60),
            heartbeatInterval: Duration = .seconds(25),
            queueBytesMax: Int = 4 * 1024 * 1024,
            responseLengthMax: Int = 256 * 1024
        ) {
            self.resumeTimeout = resumeTimeout
            self.fullResponseTimeout = fullResponseTimeout
            self.heartbeatInterval = heartbeatInterval
            self.queueBytesMax = queueBytesMax
            self.responseLengthMax = responseLengthMax
        }
    }
}
