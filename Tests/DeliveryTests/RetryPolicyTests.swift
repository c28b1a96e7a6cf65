import Delivery
import Market
import Testing

@Suite("When a delivery is tried again")
struct RetryPolicyTests {
    private static let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)

    private static func decide(
        wanted: Duration? = nil, tries: Int = 1, age: Int64 = 0, left: Int64? = nil, random: UInt64 = .max
    ) -> RetryPolicy.Decision {
        RetryPolicy().decide(
            wanted: wanted, tries: tries, createdAt: Self.now.advanced(byNanoseconds: -age * 1_000_000_000),
            expiresAt: left.map { Self.now.advanced(byNanoseconds: $0 * 1_000_000_000) }, now: Self.now, random: random)
    }

    @Test(
        "The bound of the pause doubles from 5 s to 6 h",
        arguments: [
            (1, 5), (2, 10), (3, 20), (5, 80), (10, 2_560), (13, 20_480), (14, 21_600), (100, 21_600),
            (Int.max, 21_600),
        ])
    func bounds(tries: Int, seconds: Int) {
        // The largest random number below a multiple of the bound gives the bound itself.
        #expect(Self.decide(tries: tries, random: UInt64(seconds) * 1_000) == .retry(after: .seconds(seconds)))
    }

    @Test("The pause is anywhere from one second to the bound", arguments: UInt64(0)..<200)
    func fullJitter(seed: UInt64) {
        let tries = Int(seed % 20) + 1
        guard case .retry(let pause) = Self.decide(tries: tries, random: seed &* 0x9E37_79B9_7F4A_7C15) else {
            Issue.record("not tried again")
            return
        }
        #expect(pause >= .seconds(1) && pause <= min(Duration.seconds(21_600), .seconds(5 << (tries - 1))))
    }

    @Test("What the service asks for wins over the back-off", arguments: [(120, 120), (0, 1), (100_000, 100_000)])
    func wanted(asked: Int, seconds: Int) {
        #expect(Self.decide(wanted: .seconds(asked), random: 4_000) == .retry(after: .seconds(seconds)))
    }

    @Test("Nothing is tried when it is worthless, whatever the service asks for")
    func expires() {
        #expect(Self.decide(left: 5, random: 4_000) == .retry(after: .seconds(4)))
        #expect(Self.decide(left: 4, random: 4_000) == .expire)
        #expect(Self.decide(wanted: .seconds(60), left: 60) == .expire)
        #expect(Self.decide(left: -1, random: 0) == .expire)
    }

    @Test("What does not say when it is worthless is tried for three days")
    func standard() {
        let day: Int64 = 86_400
        #expect(Self.decide(tries: 3, age: 3 * day - 21, random: 20_000) == .retry(after: .seconds(20)))
        #expect(Self.decide(tries: 3, age: 3 * day - 20, random: 20_000) == .expire)
        #expect(Self.decide(wanted: .seconds(4 * day)) == .expire)
        // A long life of its own counts instead.
        #expect(Self.decide(tries: 3, age: 4 * day, left: day, random: 20_000) == .retry(after: .seconds(20)))
    }

    @Test(
        "A webhook of Beams is tried again after 10, 30, 120 and 300 s, as Pusher does, and then on for three days",
        arguments: [(1, 10), (2, 30), (3, 120), (4, 300), (5, 1_200), (6, 2_400), (100, 21_600)])
    func beamsWebhooks(tries: Int, seconds: Int) {
        let decision = LaneProfile.profile(lane: "beamsWebhook:example.com").retries.decide(
            wanted: nil, tries: tries, createdAt: Self.now, expiresAt: nil, now: Self.now,
            random: UInt64(seconds) * 1_000)
        #expect(decision == .retry(after: .seconds(seconds)))
    }
}
