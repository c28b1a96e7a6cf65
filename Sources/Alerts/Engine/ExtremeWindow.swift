import Market

/// A price with the time at which it was traded.
struct PricePoint: Sendable, Equatable {
    var price: Decimal64
    /// Nanoseconds since the Unix epoch.
    var time: Int64
}

/// Steps into which a window's time is cut; a trade leaves when its step is older than the window.
struct WindowSteps: Sendable, Equatable {
    /// The window's length in nanoseconds.
    let length: Int64
    /// The length of one step in nanoseconds.
    let step: Int64

    init(length: Int64) {
        self.length = length
        self.step = max(length / 600, 1_000_000_000)
    }

    func index(of time: Int64) -> Int64 {
        let index = time / self.step
        return time % self.step < 0 ? index - 1 : index
    }

    /// When a trade leaves the window: from then on it is not in it.
    func leaving(_ time: Int64) -> Int64 { self.leaving(step: self.index(of: time)) }

    /// When the step of `time` ends.
    func end(of time: Int64) -> Int64 { (self.index(of: time) + 1) * self.step }

    func leaving(step index: Int64) -> Int64 { (index + 1) * self.step + self.length }
}

/// The prices of a window that can still become its highest one (or its lowest), newest last.
///
/// At most one a step is held, and of a price only what no later one hides: O(1) a trade, spread over all.
struct ExtremeQueue: Sendable {
    private let isHighest: Bool
    private var points: ContiguousArray<PricePoint> = []
    /// Points before this index have left.
    private var head = 0

    init(isHighest: Bool) { self.isHighest = isHighest }

    var extreme: PricePoint? { self.head < self.points.count ? self.points[self.head] : nil }
    var count: Int { self.points.count - self.head }

    @inline(__always)
    private func hides(_ newer: Decimal64, _ older: Decimal64) -> Bool {
        self.isHighest ? newer >= older : newer <= older
    }

    /// Adds a trade that is the newest one.
    mutating func append(_ point: PricePoint, _ steps: WindowSteps) {
        while self.points.count > self.head, let last = self.points.last, self.hides(point.price, last.price) {
            self.points.removeLast()
        }
        if self.points.count > self.head, let last = self.points.last,
            steps.index(of: last.time) == steps.index(of: point.time)
        {
            return
        }
        if self.points.count == self.head {
            self.points.removeAll(keepingCapacity: true)
            self.head = 0
        }
        self.points.append(point)
    }

    /// Adds a trade at any time.
    mutating func insert(_ point: PricePoint, _ steps: WindowSteps) {
        var index = self.points.count
        while index > self.head, self.points[index - 1].time > point.time { index -= 1 }
        guard index < self.points.count else { return self.append(point, steps) }
        if self.hides(self.points[index].price, point.price) { return }
        if index > self.head, !self.hides(point.price, self.points[index - 1].price),
            steps.index(of: self.points[index - 1].time) == steps.index(of: point.time)
        {
            return
        }
        self.points.insert(point, at: index)
        while index > self.head, self.hides(point.price, self.points[index - 1].price) {
            self.points.remove(at: index - 1)
            index -= 1
        }
        // The point behind it may be of the same step, and then leaves with it.
        if index + 1 < self.points.count,
            steps.index(of: self.points[index + 1].time) == steps.index(of: point.time)
        {
            self.points.remove(at: index + 1)
        }
    }

    /// Lets go of what was traded at `time` and later.
    mutating func forget(from time: Int64) {
        while self.points.count > self.head, let last = self.points.last, last.time >= time { self.points.removeLast() }
    }

    /// Lets leave what is older than the window.
    mutating func advance(to now: Int64, _ steps: WindowSteps) {
        while self.head < self.points.count, steps.leaving(self.points[self.head].time) <= now { self.head += 1 }
        if self.head > 32, self.head * 2 > self.points.count {
            self.points.removeFirst(self.head)
            self.head = 0
        }
    }
}

/// The highest and the lowest price of the last so long, exact to a step.
struct ExtremeWindow: Sendable {
    let steps: WindowSteps
    private(set) var highs = ExtremeQueue(isHighest: true)
    private(set) var lows = ExtremeQueue(isHighest: false)
    /// Since when no trade is missing; `nil` before the first one that was seen here.
    private(set) var since: Int64?
    /// When the first live trade came.
    private var liveSince: Int64?
    /// When the next trade leaves.
    private(set) var nextLeaving = Int64.max

    init(length: Int64) { self.steps = WindowSteps(length: length) }

    var high: PricePoint? { self.highs.extreme }
    var low: PricePoint? { self.lows.extreme }

    /// Whether everything of the window before `now` is known.
    func isCovered(at now: Int64) -> Bool { self.since.map { $0 <= now - self.steps.length } ?? false }

    mutating func add(_ point: PricePoint) {
        if self.liveSince == nil {
            self.liveSince = point.time
            if self.since == nil { self.since = point.time }
        }
        self.highs.append(point, self.steps)
        self.lows.append(point, self.steps)
        self.nextLeaving = min(self.nextLeaving, self.steps.leaving(point.time))
    }

    /// Takes in a trade that was missed when it happened.
    mutating func insert(_ point: PricePoint, now: Int64) {
        guard self.steps.leaving(point.time) > now else { return }
        self.highs.insert(point, self.steps)
        self.lows.insert(point, self.steps)
        self.nextLeaving = min(self.nextLeaving, self.steps.leaving(point.time))
    }

    mutating func seed(_ history: AlertHistory) {
        for bar in history.bars where self.liveSince.map({ bar.start.nanoseconds < $0 }) ?? true {
            self.highs.insert(PricePoint(price: bar.high, time: bar.start.nanoseconds), self.steps)
            self.lows.insert(PricePoint(price: bar.low, time: bar.start.nanoseconds), self.steps)
        }
        if let since = history.completeSince { self.since = min(self.since ?? .max, since.nanoseconds) }
        self.nextLeaving = .min
    }

    /// Lets go of what was traded at `time` and later.
    mutating func forget(from time: Int64) {
        self.highs.forget(from: time)
        self.lows.forget(from: time)
    }

    mutating func advance(to now: Int64) {
        guard now >= self.nextLeaving else { return }
        self.highs.advance(to: now, self.steps)
        self.lows.advance(to: now, self.steps)
        self.nextLeaving = min(self.highLeaving, self.lowLeaving)
    }

    /// When the highest price leaves.
    var highLeaving: Int64 { self.high.map { self.steps.leaving($0.time) } ?? .max }
    /// When the lowest price leaves.
    var lowLeaving: Int64 { self.low.map { self.steps.leaving($0.time) } ?? .max }
}
