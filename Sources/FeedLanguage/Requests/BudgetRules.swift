/// How often a provider may be asked: `budget` of a feed file.
public struct BudgetRules: Hashable, Sendable {
    /// At most so many requests in any stretch of a length.
    public struct Window: Hashable, Sendable {
        /// The file's word for it: `perMinute`.
        public let name: String
        /// The most requests.
        public let limit: Int
        /// How long the window is.
        public let length: Duration
    }

    /// A header in which the provider tells what has been used of the present minute.
    package struct Weight: Hashable, Sendable {
        package var header: String
        var max: Int
    }

    /// The windows, all of which must be kept.
    public internal(set) var windows: [Window] = []
    package internal(set) var weight: Weight?

    /// The windows that a file may name, shortest first.
    static let lengths: [(name: String, length: Duration)] = [
        ("perSecond", .seconds(1)), ("perMinute", .seconds(60)), ("perHour", .seconds(3600)),
        ("perDay", .seconds(86400)), ("perMonth", .seconds(31 * 86400)),
    ]

    /// How often each of `requests` can be sent so that every one gets its turn: `every`, or longer when a window does not
    /// suffice for that.
    ///
    /// - Parameters:
    ///   - requests: How many there are in one round.
    ///   - every: How often they are wanted.
    ///   - openShare: The part of a day in which requests are sent at all, above 0 up to 1.
    /// - Returns: From one request to the same request again.
    func interval(requests: Int, every: Duration, openShare: Double = 1) -> Duration {
        self.windows.reduce(every) { longest, window in
            let share = window.length >= .seconds(86400) ? openShare : 1
            return max(longest, window.length * requests / window.limit * share)
        }
    }
}
