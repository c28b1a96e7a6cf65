import Channels
import Synchronization

/// One app's activities on their way to its endpoints.
final class WebhookLane: Sendable {
    let lines: [WebhookLine]
    /// What at least one endpoint wants, with the other half of a pair that may undo each other.
    private let kinds: Set<WebhookEventKind>
    private let delay: Mutex<ActivityDelay>
    private let held: AsyncStream<Void>
    private let hold: AsyncStream<Void>.Continuation

    init(app: App, endpoints: [WebhookEndpoint], limits: WebhookService.Limits) {
        self.lines = endpoints.map { WebhookLine(app: app, endpoint: $0, limits: limits.queue) }
        var kinds = endpoints.reduce(into: Set<WebhookEventKind>()) { $0.formUnion($1.kinds) }
        for pair in [[WebhookEventKind.channelOccupied, .channelVacated], [.memberAdded, .memberRemoved]]
        where !kinds.isDisjoint(with: pair) {
            kinds.formUnion(pair)
        }
        self.kinds = kinds
        self.delay = Mutex(ActivityDelay(limits: limits.delay))
        (self.held, self.hold) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func take(_ activity: ChannelActivity) {
        guard self.kinds.contains(activity.webhookKind) else { return }
        let now = ContinuousClock.now
        // Handed on under the lock: two loops must not swap what they tell.
        let isFirstHeld = self.delay.withLock { delay in
            let wasEmpty = delay.deadline == nil
            let passed = delay.happened(activity, now: now)
            if !passed.isEmpty { for line in self.lines { line.add(passed, now: now) } }
            return wasEmpty && delay.deadline != nil
        }
        if isFirstHeld { self.hold.yield() }
    }

    /// Lets go what was held back, in time, until cancelled.
    func releaseHeld() async {
        for await _ in self.held {
            while let deadline = self.delay.withLock({ $0.deadline }) {
                do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
                self.passOn { $0.timerFired(now: .now) }
            }
        }
    }

    /// Lets go all that is held back.
    func flush() { self.passOn { $0.flush() } }

    private func passOn(_ released: (inout ActivityDelay) -> [ChannelActivity]) {
        self.delay.withLock { delay in
            let activities = released(&delay)
            for line in self.lines { line.add(activities, now: .now) }
        }
    }
}
