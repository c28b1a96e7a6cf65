public import Market

/// What came back for an HTTP request, as far as a session needs it.
public struct HTTPAnswer: Sendable {
    /// The status code.
    public var status: Int
    /// The headers.
    public var headers: [Header]
    /// When it came.
    public var receivedTime: Timestamp
    /// What the feed's rules made of the body; `nil` when there was none to decode.
    public var outcome: FrameOutcome?

    /// Makes an answer.
    public init(status: Int, headers: [Header] = [], receivedTime: Timestamp, outcome: FrameOutcome? = nil) {
        self.status = status
        self.headers = headers
        self.receivedTime = receivedTime
        self.outcome = outcome
    }

    /// The value of the first header with this name, in any letter case; `nil` when it is missing or empty.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        let value = self.headers.first { $0.name.lowercased() == name }?.value
        return value?.isEmpty == false ? value : nil
    }

    var retryAfter: Duration? {
        self.header("Retry-After").flatMap {
            RetryAfter.parse($0, date: self.header("Date"), receivedTime: self.receivedTime)
        }
    }
}
