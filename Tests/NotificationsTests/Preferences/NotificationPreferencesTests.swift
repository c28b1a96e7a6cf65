import Market
import Notifications
import Testing

@Suite("A user's wishes about notifications")
struct NotificationPreferencesTests {
    /// Noon of a Friday in Greenwich.
    private static let now = Timestamp(microseconds: 1_795_780_800_000_000)

    private static func levels() -> NotificationPreferences.Levels {
        .init(usual: .init(fullAt: Self.now), urgent: .init(fullAt: Self.now))
    }

    private static func decide(
        _ preferences: NotificationPreferences, _ priority: NotificationPriority = .active, validSeconds: Int64 = 900
    ) -> NotificationPreferences.Decision {
        var levels = Self.levels()
        return preferences.decide(
            priority: priority, expiresAt: Self.now.advanced(byNanoseconds: validSeconds * 1_000_000_000),
            now: Self.now,
            levels: &levels, offset: { _ in 0 })
    }

    @Test("Without wishes everything is sent")
    func standard() { #expect(Self.decide(NotificationPreferences()) == .send) }

    @Test("Quiet hours silence, defer or drop; urgent ones are sent all the same", arguments: QuietAction.allCases)
    func quiet(action: QuietAction) throws {
        let wishes = NotificationPreferences(quietHours: try QuietHours("11:00-12:10"), quietAction: action)
        let end = Self.now.advanced(byNanoseconds: 600_000_000_000)
        switch action {
        case .silent: #expect(Self.decide(wishes) == .sendSilently)
        case .defer: #expect(Self.decide(wishes) == .sendLater(end))
        case .drop: #expect(Self.decide(wishes) == .drop(reason: "it came in the user's quiet hours"))
        }
        #expect(Self.decide(wishes, .urgent) == .send)
    }

    @Test("What would be worthless at the end of the quiet hours comes silently instead")
    func deferTooLong() throws {
        let wishes = NotificationPreferences(quietHours: try QuietHours("11:00-12:10"), quietAction: .defer)
        #expect(Self.decide(wishes, validSeconds: 600) == .sendSilently)
        #expect(Self.decide(wishes, validSeconds: 601) != .sendSilently)
    }

    @Test("Outside of them nothing is held back")
    func outside() throws {
        #expect(
            Self.decide(NotificationPreferences(quietHours: try QuietHours("22:00-07:00"), quietAction: .drop)) == .send
        )
    }

    @Test("A budget gives so many at once, then one every interval; the urgent have their own")
    func budget() {
        let wishes = NotificationPreferences(budget: NotificationBudget(burst: 3, interval: .seconds(30)))
        var levels = Self.levels()
        func decide(_ priority: NotificationPriority, after seconds: Int64) -> NotificationPreferences.Decision {
            let now = Self.now.advanced(byNanoseconds: seconds * 1_000_000_000)
            return wishes.decide(
                priority: priority, expiresAt: now.advanced(byNanoseconds: 900_000_000_000), now: now, levels: &levels,
                offset: { _ in 0 })
        }
        func merge(at seconds: Int64) -> NotificationPreferences.Decision {
            .merge(Self.now.advanced(byNanoseconds: seconds * 1_000_000_000), isSilent: false, isDeferred: false)
        }
        for _ in 0..<3 { #expect(decide(.active, after: 0) == .send) }
        #expect(decide(.urgent, after: 29) == .send)
        #expect(decide(.active, after: 30) == .send)
        // One is reserved, and all that comes before it is told with it.
        for second in [Int64(31), 40, 59] { #expect(decide(.passive, after: second) == merge(at: 60)) }
        // The one of second 60 is spent by then.
        for second in [Int64(60), 89] { #expect(decide(.active, after: second) == merge(at: 90)) }
        for second in Int64(300)...302 { #expect(decide(.active, after: second) == .send) }
    }

    @Test("What goes beyond the budget in quiet hours waits for their end too, or comes silently")
    func budgetInQuietHours() throws {
        let end = Self.now.advanced(byNanoseconds: 600_000_000_000)
        let earned = Self.now.advanced(byNanoseconds: 30_000_000_000)
        for (action, expected) in [
            (QuietAction.defer, NotificationPreferences.Decision.merge(end, isSilent: false, isDeferred: true)),
            (.silent, .merge(earned, isSilent: true, isDeferred: false)),
        ] {
            let wishes = NotificationPreferences(
                quietHours: try QuietHours("11:00-12:10"), quietAction: action,
                budget: NotificationBudget(burst: 1, interval: .seconds(30)))
            var levels = Self.levels()
            let decisions = (0..<2).map { _ in
                wishes.decide(
                    priority: .active, expiresAt: Self.now.advanced(byNanoseconds: 900_000_000_000), now: Self.now,
                    levels: &levels, offset: { _ in 0 })
            }
            #expect(decisions == [action == .defer ? .sendLater(end) : .sendSilently, expected])
        }
    }

    @Test("What is dropped in quiet hours costs nothing of the budget")
    func droppedIsFree() throws {
        let wishes = NotificationPreferences(
            quietHours: try QuietHours("11:00-12:10"), quietAction: .drop,
            budget: NotificationBudget(burst: 1, interval: .seconds(60)))
        var levels = Self.levels()
        let before = levels
        _ = wishes.decide(
            priority: .active, expiresAt: Self.now.advanced(byNanoseconds: 1), now: Self.now, levels: &levels,
            offset: { _ in 0 })
        #expect(levels == before)
    }
}

@Suite("A budget of notifications")
struct NotificationBudgetTests {
    private static let now = Timestamp(microseconds: 1_795_780_800_000_000)

    @Test("Over any time no more come than the burst and one an interval", arguments: UInt64(0)..<50)
    func bounded(seed: UInt64) {
        let budget = NotificationBudget(burst: Int(seed % 7) + 1, interval: .milliseconds(Int64(seed % 900) + 100))
        var level = NotificationBudget.Level(fullAt: Self.now)
        var state = seed &* 2_654_435_761 &+ 1
        var time = Self.now
        var taken = 0
        for _ in 0..<500 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            time = time.advanced(byNanoseconds: Int64(state >> 40) * 50)
            if budget.take(from: &level, now: time) == nil { taken += 1 }
        }
        let elapsed = Duration.nanoseconds(time.nanoseconds - Self.now.nanoseconds)
        #expect(Double(taken) <= Double(budget.burst) + elapsed / budget.interval + 1e-6)
        #expect(taken >= budget.burst)
    }

    @Test("What is missing is how long until the next")
    func wait() {
        let budget = NotificationBudget(burst: 1, interval: .seconds(10))
        var level = NotificationBudget.Level(fullAt: Self.now)
        #expect(budget.take(from: &level, now: Self.now) == nil)
        for (second, wait) in [
            (Int64(4), Duration.seconds(6)), (5, .seconds(5)), (10, .seconds(10)), (12, .seconds(8)),
        ] {
            let later = Self.now.advanced(byNanoseconds: second * 1_000_000_000)
            #expect(budget.take(from: &level, now: later) == wait)
        }
        #expect(budget.take(from: &level, now: Self.now.advanced(byNanoseconds: 30_000_000_000)) == nil)
    }

    @Test("A level from a clock that was ahead counts as an empty bucket, not as one empty for ever")
    func clockAhead() {
        let budget = NotificationBudget(burst: 2, interval: .seconds(10))
        var level = NotificationBudget.Level(fullAt: Self.now.advanced(byNanoseconds: 86_400_000_000_000))
        #expect(budget.take(from: &level, now: Self.now) == .seconds(10))
    }
}
