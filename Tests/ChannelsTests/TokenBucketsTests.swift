import Testing

@testable import Channels

@Suite("A bucket for each of many")
struct TokenBucketsTests {
    private let start = ContinuousClock.now

    @Test("One who asks too often is held back, the others are not")
    func apart() {
        var buckets = TokenBuckets<String>(perSecond: 1, burst: 2)
        let taken = ["a", "a", "a", "b"].map { buckets.take($0, now: self.start) }
        #expect(taken == [true, true, false, true])
        let later = ["a", "a"].map { buckets.take($0, now: self.start + .seconds(1)) }
        #expect(later == [true, false])
    }

    @Test("Full buckets make room for new ones, and those that are not stay")
    func room() {
        var buckets = TokenBuckets<Int>(perSecond: 1, burst: 1, keysMax: 2)
        _ = buckets.take(1, now: self.start)
        _ = buckets.take(2, now: self.start + .milliseconds(1_500))
        // The first is full again.
        let taken = [3, 2].map { buckets.take($0, now: self.start + .seconds(2)) }
        #expect(taken == [true, false])
    }

    @Test("When too many are used at once, all begin anew: there are never more than allowed")
    func flood() {
        var buckets = TokenBuckets<Int>(perSecond: 1, burst: 1, keysMax: 2)
        let taken = [1, 2, 3, 1].map { buckets.take($0, now: self.start) }
        #expect(taken == [true, true, true, true])
    }
}
