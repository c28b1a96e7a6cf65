/// A bucket of tokens for each of many, told apart by a key.
///
/// Full buckets are forgotten when there are too many, and if that does not help all are: who floods with ever new keys gains
/// what the limit over all keys, which goes with this one, leaves.
package struct TokenBuckets<Key: Hashable & Sendable>: Sendable {
    private let perSecond: Int
    private let burst: Int
    private let keysMax: Int
    private var buckets: [Key: TokenBucket] = [:]

    /// Full buckets for everybody.
    package init(perSecond: Int, burst: Int, keysMax: Int = 10_000) {
        self.perSecond = perSecond
        self.burst = burst
        self.keysMax = keysMax
    }

    /// Takes one token of `key`.
    ///
    /// - Returns: `false` when there is none.
    package mutating func take(_ key: Key, now: TokenBucket.Instant) -> Bool {
        if self.buckets[key] == nil, self.buckets.count >= self.keysMax {
            self.buckets = self.buckets.filter { !$0.value.isFull(now: now) }
            if self.buckets.count >= self.keysMax { self.buckets = [:] }
        }
        let full = TokenBucket(perSecond: self.perSecond, burst: self.burst, now: now)
        return self.buckets[key, default: full].take(now: now)
    }
}
