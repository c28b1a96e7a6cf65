import Delivery
import Foundation
import Logging
import Market
import Notifications
import Store
import Synchronization

extension LivePriceService {
    /// Sends pushes that were decided together, each unless another process has just sent one.
    func send(_ work: [LivePriceState.Work]) async {
        let claimed = await self.claimed(work)
        await withDiscardingTaskGroup { group in
            for item in claimed { group.addTask { await self.send(item) } }
        }
    }

    /// The pushes this process may send, with timestamps that are newer than everybody's; the others have ended.
    private func claimed(_ work: [LivePriceState.Work]) async -> [LivePriceState.Work] {
        // Clocks of two machines differ a little within a cadence.
        let spacing = self.cadence * 19 / 20
        var channelClaims: [LiveClaim<LiveChannel.Key>] = []
        var activityClaims: [LiveClaim<LiveActivity.Key>] = []
        for item in work {
            switch item.target {
            case .channel(let channel):
                channelClaims.append(
                    LiveClaim(key: channel.key, timestamp: item.push.timestamp, isUrgent: item.isUrgent))
            case .activity(let activity):
                activityClaims.append(
                    LiveClaim(key: activity.key, timestamp: item.push.timestamp, isUrgent: item.isUrgent))
            }
        }
        let channels: [LiveChannel.Key: Int64]
        let activities: [LiveActivity.Key: Int64]
        do {
            channels = try await self.store.claim(channelClaims, topic: self.all.topic, spacing: spacing)
            activities = try await self.store.claim(activityClaims, spacing: spacing)
        } catch {
            // Screens go on while the database is away; two processes may then both send.
            self.all.logger.debug("Live prices sent without asking", metadata: ["error": "\(error)"])
            return work
        }
        return work.compactMap { item in
            let stamp =
                switch item.target {
                case .channel(let channel): channels[channel.key]
                case .activity(let activity): activities[activity.key]
                }
            guard let stamp else {
                self.state.withLock { $0.ended(item.target, isTaken: true) }
                return nil
            }
            var item = item
            item.push.timestamp = stamp
            return item
        }
    }

    private func send(_ item: LivePriceState.Work) async {
        let outcome: LivePriceOutcome
        switch item.target {
        case .channel(let channel):
            guard let id = channel.id else { return }
            outcome = await self.all.sender.broadcast(
                item.push, to: APNsChannel(id: id, topic: channel.topic, environment: channel.environment),
                eventID: UUID().uuidString)
        case .activity(let activity):
            let validity = Int64(self.cadence * 3 / .nanoseconds(1))
            outcome = await self.all.sender.send(
                item.push, to: activity.device, hasSucceededBefore: activity.hasSucceeded,
                expiresAt: self.all.now().advanced(byNanoseconds: validity), eventID: UUID().uuidString)
        }
        self.note(outcome, item.target)
        do { try await self.keep(outcome, item) } catch {
            if !Task.isCancelled {
                self.all.logger.warning("Outcome of a live price not kept", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Counts, and lets the governor know.
    private func note(_ outcome: LivePriceOutcome, _ target: LivePriceState.Work.Target) {
        let refusal = self.state.withLock { state -> String? in
            switch outcome {
            case .taken:
                state.counters.sent += 1
                state.ended(target, isTaken: true)
            case .gone:
                state.counters.removed += 1
                state.ended(target, isTaken: false)
                state.gone(target)
            case .missed(let reason), .held(let reason):
                state.counters.refused += 1
                state.ended(target, isTaken: false)
                return reason
            case .interrupted: state.ended(target, isTaken: false)
            }
            return nil
        }
        if let refusal { self.all.logger.debug("Live price not taken", metadata: ["error": "\(refusal)"]) }
    }

    /// Writes down what the outcome means for the next time.
    private func keep(_ outcome: LivePriceOutcome, _ item: LivePriceState.Work) async throws {
        switch (outcome, item.target) {
        case (.taken(let isAtOther), .activity(let activity)):
            if item.push.isEnd {
                self.state.withLock { $0.gone(item.target) }
                try await self.store.remove(device: activity.deviceID)
            } else if isAtOther || !activity.hasSucceeded {
                let environment = activity.device.environment
                try await self.store.succeeded(
                    device: activity.deviceID, environment: isAtOther ? environment.other : environment)
                self.mustReload()
            }
        case (.gone(_, let reason), .channel(let channel)):
            self.all.logger.warning(
                "Broadcast channel is gone and made anew",
                metadata: ["symbol": "\(channel.symbol)", "error": "\(reason)"])
            try await self.store.forget(channel)
            self.mustReload()
        case (.gone(let time, let reason), .activity(let activity)):
            self.all.logger.info(
                "Live activity is gone", metadata: ["device.id": "\(activity.deviceID)", "error": "\(reason)"])
            if try await !self.store.remove(device: activity.deviceID, unlessRegisteredAfter: time) {
                // It was registered again meanwhile.
                self.mustReload()
            }
        case (.taken, .channel), (.missed, _), (.held, _), (.interrupted, _): break
        }
    }

    /// Begins an activity by push, unless another process has.
    func begin(_ activity: LiveActivity, _ push: LiveActivityPush) async {
        do {
            guard try await self.store.claimStart(activity) else { return self.mustReload() }
            if case .start(let start, _) = push.event, case .channel = start.updates {
                // It is used as long as this activity lives.
                _ = try await self.store.want(
                    activity.symbol, topic: activity.device.topic, environment: activity.device.environment)
            }
            let validity: Int64 = 600_000_000_000
            let outcome = await self.all.sender.send(
                push, to: activity.device, hasSucceededBefore: activity.hasSucceeded,
                expiresAt: self.all.now().advanced(byNanoseconds: validity), eventID: UUID().uuidString)
            switch outcome {
            case .taken(let isAtOther):
                self.state.withLock { $0.counters.started += 1 }
                let environment = activity.device.environment
                if isAtOther || !activity.hasSucceeded {
                    try await self.store.succeeded(
                        device: activity.deviceID, environment: isAtOther ? environment.other : environment)
                }
            case .gone(let time, _):
                self.state.withLock { state in
                    state.counters.removed += 1
                    state.gone(.activity(activity))
                }
                try await self.store.remove(device: activity.deviceID, unlessRegisteredAfter: time)
            case .missed(let reason), .held(let reason):
                self.state.withLock { $0.counters.refused += 1 }
                self.all.logger.debug("Live activity not begun", metadata: ["error": "\(reason)"])
                try await self.store.releaseStart(activity)
            case .interrupted: try await self.store.releaseStart(activity)
            }
        } catch {
            if !Task.isCancelled {
                self.all.logger.warning("Live activity not begun", metadata: ["error": "\(error)"])
            }
        }
        self.mustReload()
    }
}
