public import Market

/// What the receiver of a delivery did.
public enum DeliveryAnswer: Hashable, Sendable {
    /// It answered with a status, and perhaps a `Retry-After`.
    case status(Int, retryAfter: String?)
    /// There was no answer.
    case noAnswer(reason: String)
    /// No attempt can ever succeed.
    case impossible(reason: String)
}

/// What becomes of a delivery.
public enum DeliveryDecision: Hashable, Sendable {
    /// It is done.
    case complete
    /// It is tried again after this time.
    case retry(after: Duration)
    /// It is given up.
    case abandon(reason: String)
    /// It is given up, and nothing more is sent to its target.
    case disableTarget(reason: String)
}

/// When a delivery is tried again: exponential back-off with full jitter, and a hard stop.
///
/// Sources: Standard Webhooks specification 1.0, "Webhook delivery"; M. Brooker, "Exponential Backoff and
/// Jitter", AWS Architecture Blog, for the full jitter.
public struct RetryPolicy: Hashable, Sendable {
    /// The longest pause after the first attempt; each further attempt doubles it.
    public var base: Duration
    /// The longest pause of all.
    public var longest: Duration
    /// How long after its creation a delivery may still be tried.
    public var expiry: Duration

    /// Makes a policy.
    public init(
        base: Duration = .seconds(5), longest: Duration = .seconds(6 * 3_600), expiry: Duration = .seconds(3 * 86_400)
    ) {
        self.base = base
        self.longest = longest
        self.expiry = expiry
    }

    /// Decides from the answer.
    ///
    /// Success is any status from 200 to 299; 410 means that the receiver wants nothing more. Everything else is tried
    /// again, redirects too, which are not followed. `Retry-After` wins over the back-off, the expiry over both.
    ///
    /// - Parameters:
    ///   - answer: What the receiver did.
    ///   - attempt: The number of the attempt that it answered, from 1.
    ///   - createdAt: When the delivery was put into the queue.
    ///   - now: The time of the decision.
    ///   - random: Any number, evenly distributed: the jitter.
    /// - Returns: What becomes of the delivery.
    public func decide(
        _ answer: DeliveryAnswer, attempt: Int, createdAt: Timestamp, now: Timestamp, random: UInt64
    ) -> DeliveryDecision {
        let failure: String
        var pause = self.pause(attempt: attempt, random: random)
        switch answer {
        case .status(200...299, _): return .complete
        case .status(410, _): return .disableTarget(reason: "the receiver answered 410 Gone")
        case .impossible(let reason): return .abandon(reason: reason)
        case .noAnswer(let reason): failure = reason
        case .status(let status, let retryAfter):
            failure = "the receiver answered \(status)"
            if let wanted = retryAfter.flatMap({ RetryAfter.pause($0, now: now) }) {
                pause = max(wanted, .seconds(1))
            }
        }
        let age = Duration.nanoseconds(max(0, now.nanoseconds - createdAt.nanoseconds))
        guard age + pause < self.expiry else {
            return .abandon(reason: "expired after \(attempt) attempts, the last: \(failure)")
        }
        return .retry(after: pause)
    }

    /// Evenly from one second to the bound, which doubles with every attempt.
    private func pause(attempt: Int, random: UInt64) -> Duration {
        var bound = self.base
        for _ in 1..<max(1, min(attempt, 40)) where bound < self.longest { bound = bound * 2 }
        bound = min(bound, self.longest)
        let milliseconds = UInt64(max(1, bound / .milliseconds(1)))
        return max(.seconds(1), .milliseconds(Int64(random % (milliseconds + 1))))
    }
}

/// The header `Retry-After`: RFC 9110, section 10.2.3.
enum RetryAfter {
    private static let longestSeconds: Int64 = 30 * 86_400
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Reads seconds or an HTTP date.
    ///
    /// `nil` when it is neither. Never negative, at most 30 days.
    static func pause(_ text: String, now: Timestamp) -> Duration? {
        if let seconds = Int64(text), seconds >= 0 { return .seconds(min(seconds, Self.longestSeconds)) }
        guard let time = Self.date(text) else { return nil }
        return .seconds(min(max(0, time - now.microseconds / 1_000_000), Self.longestSeconds))
    }

    /// Unix seconds of `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), (1...31).contains(day),
            let month = Self.months.firstIndex(of: String(words[2])), let year = Int(words[3]),
            (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        let days = CivilDate.daysSinceEpoch(year: year, month: month + 1, day: day)
        return Int64(days) * 86_400 + Int64(clock[0] * 3_600 + clock[1] * 60 + clock[2])
    }
}
