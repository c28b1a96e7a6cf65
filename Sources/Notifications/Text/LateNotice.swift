public import Market

/// What a notification says that is sent long after what it tells: that it is late, and what the price is now.
///
/// Computed when it is sent, so that nobody acts on a price that is an hour old.
public struct LateNotice: Hashable, Sendable {
    /// A price as it is now.
    public struct Price: Hashable, Sendable {
        /// The last price.
        public var price: Decimal64
        /// When it was made.
        public var time: Timestamp
        /// How it is written.
        public var format: PriceFormat

        /// Makes a price.
        public init(_ price: Decimal64, time: Timestamp, format: PriceFormat) {
            self.price = price
            self.time = time
            self.format = format
        }
    }

    /// From this age on a notification says that it is late, and a price that it is old, in seconds.
    public static let lateSeconds: Int64 = 60

    private let seconds: Int64
    private let price: Price?
    private let now: Timestamp

    /// Makes a notice; `nil` when it is not late.
    ///
    /// - Parameters:
    ///   - firedAt: When the alert fired.
    ///   - price: The present price, if it is known.
    ///   - now: The time of sending.
    public init?(firedAt: Timestamp, price: Price?, now: Timestamp) {
        let seconds = (now.microseconds - firedAt.microseconds) / 1_000_000
        guard seconds > Self.lateSeconds else { return nil }
        self.seconds = seconds
        self.price = price
        self.now = now
    }

    /// `sent 5 min late, now 64100.00`.
    public var text: String {
        let minutes = self.seconds / 60
        let age = minutes < 120 ? "\(minutes) min" : "\(minutes / 60) h"
        guard let price = self.price else { return "sent \(age) late" }
        let number = price.format.text(price.price)
        let old = (self.now.microseconds - price.time.microseconds) / 1_000_000
        if old <= Self.lateSeconds { return "sent \(age) late, now \(number)" }
        let clock = price.time.description.dropFirst(11).prefix(8)
        let day = price.time.description.prefix(10)
        let isToday = self.now.description.prefix(10) == day
        return "sent \(age) late, last \(number) at \(isToday ? "" : "\(day) ")\(clock) UTC"
    }

    /// The content with the notice at the end of its text; silent ones and those that somebody else wrote stay as they are.
    public func added(to content: PushContent) -> PushContent {
        guard !content.isSilent, content.finishedPayload == nil else { return content }
        var content = content
        content.body += content.body.isEmpty ? self.text : "; \(self.text)"
        content.data.append(PushField("sentLate", String(self.seconds)))
        return content
    }
}
