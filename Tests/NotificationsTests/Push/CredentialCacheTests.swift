import Market
import Testing

@testable import Notifications

@Suite("Short-lived credentials")
struct CredentialCacheTests {
    private let start = Samples.now

    private func after(_ minutes: Int64) -> Timestamp { self.start.advanced(by: .seconds(minutes * 60)) }

    private func holding(_ policy: CredentialCache.Policy, jitter: Double = 0) -> CredentialCache {
        var cache = CredentialCache(policy: policy)
        #expect(cache.needed(now: self.start) == .renew(current: nil))
        cache.renewed("one", issuedAt: self.start, jitter: jitter)
        return cache
    }

    @Test("The first asker renews, the others wait for it")
    func first() {
        var cache = CredentialCache(policy: .apns)
        #expect(cache.needed(now: self.start) == .renew(current: nil))
        let patience = self.start.advanced(by: .seconds(10))
        #expect(cache.needed(now: self.start) == .wait(until: patience))
        #expect(cache.needed(now: patience) == .renew(current: nil))
    }

    @Test("A provider token is renewed at 45 minutes, two earlier or later by chance", arguments: [-1.0, 0, 1])
    func renewal(jitter: Double) {
        var cache = self.holding(.apns, jitter: jitter)
        let due: Int64 = 45 + 2 * Int64(jitter)
        #expect(cache.needed(now: self.after(due - 1)) == .use("one"))
        #expect(cache.needed(now: self.after(due)) == .renew(current: "one"))
        #expect(cache.needed(now: self.after(due)) == .use("one"))
        cache.renewed("two", issuedAt: self.after(due), jitter: 0)
        #expect(cache.needed(now: self.after(due + 1)) == .use("two"))
    }

    @Test("A provider token is not used after 59 minutes")
    func ended() {
        var cache = self.holding(.apns)
        _ = cache.needed(now: self.after(46))
        cache.renewalFailed(now: self.after(58))
        #expect(cache.needed(now: self.after(58)) == .use("one"))
        #expect(cache.needed(now: self.after(60)) == .renew(current: nil))
    }

    @Test("A rejected provider token is renewed at once, but not before it is 20 minutes old")
    func rejected() {
        var young = self.holding(.apns)
        let isYoungRenewed = young.rejected("one", now: self.after(19))
        #expect(!isYoungRenewed)
        #expect(young.needed(now: self.after(19)) == .use("one"))
        var old = self.holding(.apns)
        let isOldRenewed = old.rejected("one", now: self.after(21))
        #expect(isOldRenewed)
        #expect(old.needed(now: self.after(21)) == .renew(current: nil))
    }

    @Test("A rejection of an earlier credential says nothing about the present one")
    func rejectedEarlier() {
        var cache = self.holding(.oauth)
        cache.renewed("two", issuedAt: self.after(30), jitter: 0)
        let isRenewed = cache.rejected("one", now: self.after(40))
        #expect(!isRenewed)
        #expect(cache.needed(now: self.after(40)) == .use("two"))
    }

    @Test("After too many renewals the present one stays for another 20 minutes")
    func tooOften() {
        var cache = self.holding(.apns)
        cache.renewedTooOften(now: self.after(40))
        #expect(cache.needed(now: self.after(50)) == .use("one"))
        #expect(cache.needed(now: self.after(59)) == .wait(until: self.after(60)))
        #expect(cache.needed(now: self.after(60)) == .renew(current: nil))
    }

    @Test("An access token is renewed five minutes before it ends")
    func oauth() {
        var cache = CredentialCache(policy: .oauth)
        _ = cache.needed(now: self.start)
        cache.renewed("one", issuedAt: self.start, validFor: .seconds(3_600), jitter: 0)
        #expect(cache.needed(now: self.after(54)) == .use("one"))
        #expect(cache.needed(now: self.after(55)) == .renew(current: "one"))
    }

    @Test("An issuer that says when to come back is obeyed")
    func retryAfter() {
        var cache = CredentialCache(policy: .oauth)
        _ = cache.needed(now: self.start)
        cache.renewalFailed(now: self.start, retryAfter: .seconds(120))
        #expect(cache.needed(now: self.after(1)) == .wait(until: self.after(2)))
        #expect(cache.needed(now: self.after(2)) == .renew(current: nil))
    }

    @Test("A VAPID token is renewed after eleven of its twelve hours")
    func vapid() {
        var cache = self.holding(.vapid)
        #expect(cache.needed(now: self.after(11 * 60 - 1)) == .use("one"))
        #expect(cache.needed(now: self.after(11 * 60)) == .renew(current: "one"))
    }

    @Test("A credential taken over from another process does not replace a newer one")
    func adopted() {
        var cache = self.holding(.apns)
        cache.renewed("old", issuedAt: self.start.advanced(by: .seconds(-60)), jitter: 0)
        #expect(cache.needed(now: self.after(1)) == .use("one"))
        #expect(cache.age(now: self.after(1)) == .seconds(60))
    }
}
