import Delivery
import Market
import Testing

@Suite("Retry decisions")
struct RetryPolicyTests {
    private static let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)

    private static func decide(
        _ answer: DeliveryAnswer, attempt: Int = 1, age: Int64 = 0, random: UInt64 = .max
    ) -> DeliveryDecision {
        RetryPolicy().decide(
            answer, attempt: attempt, createdAt: Self.now.advanced(byNanoseconds: -age * 1_000_000_000), now: Self.now,
            random: random)
    }

    @Test("Any status from 200 to 299 is success", arguments: [200, 201, 202, 204, 299])
    func success(status: Int) {
        #expect(Self.decide(.status(status, retryAfter: nil)) == .complete)
        #expect(Self.decide(.status(status, retryAfter: "60"), attempt: 30, age: 10_000_000) == .complete)
    }

    @Test("410 disables the target")
    func gone() {
        #expect(Self.decide(.status(410, retryAfter: "5")) == .disableTarget(reason: "the receiver answered 410 Gone"))
    }

    @Test(
        "Every other status is tried again",
        arguments: [100, 199, 301, 302, 400, 401, 403, 404, 408, 409, 411, 429, 500, 503, 599])
    func failures(status: Int) {
        guard case .retry = Self.decide(.status(status, retryAfter: nil)) else {
            Issue.record("\(status) was not tried again")
            return
        }
    }

    @Test("What can never succeed is given up at once")
    func impossible() {
        #expect(Self.decide(.impossible(reason: "no such thing")) == .abandon(reason: "no such thing"))
    }

    @Test(
        "The bound of the pause doubles from 5 s to 6 h",
        arguments: [
            (1, 5), (2, 10), (3, 20), (5, 80), (10, 2_560), (13, 20_480), (14, 21_600), (100, 21_600),
            (Int.max, 21_600),
        ])
    func bounds(attempt: Int, seconds: Int) {
        // The largest random number below a multiple of the bound gives the bound itself.
        let longest = UInt64(seconds) * 1_000
        #expect(
            Self.decide(.noAnswer(reason: ""), attempt: attempt, random: longest) == .retry(after: .seconds(seconds)))
    }

    @Test("The pause is anywhere from one second to the bound", arguments: UInt64(0)..<200)
    func fullJitter(seed: UInt64) {
        let attempt = Int(seed % 20) + 1
        let random = seed &* 0x9E37_79B9_7F4A_7C15
        guard case .retry(let pause) = Self.decide(.noAnswer(reason: ""), attempt: attempt, random: random) else {
            Issue.record("not tried again")
            return
        }
        let bound = min(Duration.seconds(21_600), .seconds(5 << (attempt - 1)))
        #expect(pause >= .seconds(1) && pause <= bound)
    }

    @Test(
        "Retry-After wins over the back-off, in seconds or as a date",
        arguments: [
            ("120", 120), ("0", 1), ("100000", 100_000), ("Mon, 23 Nov 2026 12:10:00 GMT", 600),
            ("Mon, 23 Nov 2026 11:00:00 GMT", 1),
        ] as [(String, Int64)])
    func retryAfter(text: String, seconds: Int64) {
        for status in [429, 503, 500, 302] {
            #expect(Self.decide(.status(status, retryAfter: text), random: 4_000) == .retry(after: .seconds(seconds)))
        }
    }

    @Test(
        "A Retry-After that is neither is ignored",
        arguments: [
            "", "soon", "-5", "1.5", "Mon, 23 Nov 2026", "Mon, 99 Nov 2026 12:10:00 GMT",
            "Mon, 23 Xxx 2026 12:10:00 GMT",
        ])
    func badRetryAfter(text: String) {
        #expect(Self.decide(.status(503, retryAfter: text), random: 4_000) == .retry(after: .seconds(4)))
    }

    @Test("Nothing is tried past its expiry, whatever the receiver asks for")
    func expiry() {
        let day: Int64 = 86_400
        let early = Self.decide(.status(500, retryAfter: nil), attempt: 3, age: 3 * day - 21, random: 20_000)
        #expect(early == .retry(after: .seconds(20)))
        let late = Self.decide(.status(500, retryAfter: nil), attempt: 3, age: 3 * day - 20, random: 20_000)
        #expect(late == .abandon(reason: "expired after 3 attempts, the last: the receiver answered 500"))
        guard case .abandon = Self.decide(.status(429, retryAfter: "\(4 * day)")) else {
            Issue.record("a pause beyond the expiry was accepted")
            return
        }
    }

    @Test("A clock that was set back does not lengthen a delivery's life")
    func clockSetBack() {
        #expect(Self.decide(.noAnswer(reason: ""), age: -1_000, random: 3_000) == .retry(after: .seconds(3)))
    }
}
