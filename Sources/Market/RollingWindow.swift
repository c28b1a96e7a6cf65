/// Open, high, low and volume of the last `length`, kept in one-minute buckets.
///
/// Memory is one bucket a minute that had a trade. Adding is O(1); once a minute, when a bucket leaves that held an extreme, the
/// extremes are found anew among the buckets left.
public struct RollingWindow: Sendable, Equatable {
    /// One minute of trades.
    public struct Bucket: Sendable, Equatable {
        /// Minutes since the Unix epoch.
        public var minute: Int64
        /// The minute's first price.
        public var open: Decimal64
        /// The minute's highest price.
        public var high: Decimal64
        /// The minute's lowest price.
        public var low: Decimal64
        /// The minute's last price.
        public var close: Decimal64
        /// The sum of the minute's sizes.
        public var volume: DecimalSum
        /// When ``open`` and ``close`` traded, in nanoseconds since the Unix epoch, so that late trades fall into place.
        var openTime: Int64
        var closeTime: Int64

        /// Makes a bucket, for example out of stored ticks.
        public init(
            minute: Int64, open: Decimal64, high: Decimal64, low: Decimal64, close: Decimal64, volume: DecimalSum
        ) {
            self.minute = minute
            self.open = open
            self.high = high
            self.low = low
            self.close = close
            self.volume = volume
            // Of a stored minute only this is known; what comes later moves its close.
            self.openTime = minute * RollingWindow.nanosecondsPerMinute
            self.closeTime = self.openTime
        }

        init(price: Decimal64, volume: DecimalSum, minute: Int64, time: Int64) {
            self.minute = minute
            self.open = price
            self.high = price
            self.low = price
            self.close = price
            self.volume = volume
            self.openTime = time
            self.closeTime = time
        }

        /// Equal prices and volume: a restored minute equals the one that saw the trades.
        public static func == (left: Bucket, right: Bucket) -> Bool {
            left.minute == right.minute && left.open == right.open && left.high == right.high && left.low == right.low
                && left.close == right.close && left.volume == right.volume
        }
    }

    private static let nanosecondsPerMinute: Int64 = 60_000_000_000

    /// The window's length in minutes.
    public let minutes: Int64
    private var buckets: [Bucket] = []
    /// Buckets before this index have left; they are cut off now and then.
    private var firstIndex = 0
    private var closeBeforeWindow: Decimal64?
    private var volumeSum = DecimalSum()
    /// The highest price in the window, `nil` without trades.
    public private(set) var high: Decimal64?
    /// The lowest price in the window, `nil` without trades.
    public private(set) var low: Decimal64?

    /// An empty window over the last `minutes`; 1440 is a day.
    public init(minutes: Int64 = 1440) { self.minutes = minutes }

    /// The price at the window's start.
    ///
    /// The last one before it, else the first one in it. `nil` without trades.
    public var open: Decimal64? {
        self.closeBeforeWindow ?? (self.firstIndex < self.buckets.count ? self.buckets[self.firstIndex].open : nil)
    }

    /// The sum of the sizes in the window.
    public var volume: Decimal64 { self.volumeSum.value }

    /// Adds a trade; one older than the window is left out.
    ///
    /// - Parameters:
    ///   - price: The executed price.
    ///   - size: The executed size, if known.
    ///   - time: Event time; trades may come out of order.
    public mutating func add(price: Decimal64, size: Decimal64?, at time: Timestamp) {
        let minute = Self.minute(of: time)
        var volume = DecimalSum()
        if let size { volume.add(size) }
        self.add(Bucket(price: price, volume: volume, minute: minute, time: time.nanoseconds))
    }

    /// Adds a minute's worth of trades at once.
    public mutating func add(_ bucket: Bucket) {
        if let newest = self.buckets.last?.minute, bucket.minute <= newest {
            guard bucket.minute > newest - self.minutes else { return }
            self.mergeBackwards(bucket)
        } else {
            self.advance(to: bucket.minute)
            self.buckets.append(bucket)
        }
        self.volumeSum.add(bucket.volume.value)
        self.high = max(self.high ?? bucket.high, bucket.high)
        self.low = min(self.low ?? bucket.low, bucket.low)
    }

    /// Lets everything leave that is older than the window ending in the minute of `time`.
    public mutating func advance(to time: Timestamp) { self.advance(to: Self.minute(of: time)) }

    private mutating func mergeBackwards(_ bucket: Bucket) {
        var index = self.buckets.count
        while index > self.firstIndex, self.buckets[index - 1].minute > bucket.minute { index -= 1 }
        guard index > self.firstIndex, self.buckets[index - 1].minute == bucket.minute else {
            self.buckets.insert(bucket, at: index)
            return
        }
        self.buckets[index - 1].high = max(self.buckets[index - 1].high, bucket.high)
        self.buckets[index - 1].low = min(self.buckets[index - 1].low, bucket.low)
        if bucket.openTime < self.buckets[index - 1].openTime {
            self.buckets[index - 1].open = bucket.open
            self.buckets[index - 1].openTime = bucket.openTime
        }
        if bucket.closeTime >= self.buckets[index - 1].closeTime {
            self.buckets[index - 1].close = bucket.close
            self.buckets[index - 1].closeTime = bucket.closeTime
        }
        self.buckets[index - 1].volume.add(bucket.volume.value)
    }

    private mutating func advance(to minute: Int64) {
        var lostExtreme = false
        while self.firstIndex < self.buckets.count, self.buckets[self.firstIndex].minute <= minute - self.minutes {
            let leaving = self.buckets[self.firstIndex]
            self.closeBeforeWindow = leaving.close
            self.volumeSum.subtract(leaving.volume)
            lostExtreme = lostExtreme || leaving.high == self.high || leaving.low == self.low
            self.firstIndex += 1
        }
        if self.firstIndex > 256, self.firstIndex * 2 > self.buckets.count {
            self.buckets.removeFirst(self.firstIndex)
            self.firstIndex = 0
        }
        if lostExtreme {
            let left = self.buckets[self.firstIndex...]
            self.high = left.lazy.map(\.high).max()
            self.low = left.lazy.map(\.low).min()
        }
    }

    private static func minute(of time: Timestamp) -> Int64 {
        let minute = time.nanoseconds / Self.nanosecondsPerMinute
        return time.nanoseconds % Self.nanosecondsPerMinute < 0 ? minute - 1 : minute
    }
}
