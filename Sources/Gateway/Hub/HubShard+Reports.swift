import Channels
import NIOCore

/// What operators see of the connections of one event loop.
extension HubShard {
    /// A connection of an app; `nil` when it is not here.
    ///
    /// From the first call on, and for a minute after the last, the heads of its frames are recorded.
    func report(of id: SocketID, app: Int32) -> ConnectionReport? {
        guard let slot = self.socketIDs[id], let subscriber = self.subscribers[Int(slot)], subscriber.app == app else {
            return nil
        }
        var report = self.report(slot, id, subscriber)
        report.channels = self.channels.names(of: slot).sorted()
        let now = self.eventLoop.now
        self.watch(slot)
        report.frames = (self.recorders[slot]?.records ?? []).map {
            ConnectionReport.Frame(age: (now - $0.sentAt).nanoseconds / 1_000_000, bytes: $0.bytes, head: $0.head)
        }
        return report
    }

    /// How many connections an app has here, and the slowest of them.
    func slowest(_ count: Int, app: Int32) -> (connections: Int, slowest: [ConnectionReport]) {
        var connections = 0
        var slow: [ConnectionReport] = []
        for (id, slot) in self.socketIDs {
            guard let subscriber = self.subscribers[Int(slot)], subscriber.app == app else { continue }
            connections += 1
            let state = self.table.slots[Int(slot)]
            if state.isBacklogged || state.isOverBudget || state.merges > 0 || state.bytesPending > 0 {
                slow.append(self.report(slot, id, subscriber))
            }
        }
        return (connections, Array(slow.sorted(by: Self.isSlower).prefix(count)))
    }

    /// The order of the list: what waits now before what was merged before.
    static func isSlower(_ left: ConnectionReport, _ right: ConnectionReport) -> Bool {
        let (leftBytes, rightBytes) = (left.bytesWaiting + left.bytesHeld, right.bytesWaiting + right.bytesHeld)
        return leftBytes == rightBytes ? left.merges > right.merges : leftBytes > rightBytes
    }

    private func report(_ slot: Int32, _ id: SocketID, _ subscriber: any Subscriber) -> ConnectionReport {
        let state = self.table.slots[Int(slot)]
        return ConnectionReport(
            id: "\(id)", app: subscriber.app, transport: subscriber.transportName,
            age: Int((.now - self.epoch).components.seconds) - Int(state.openedAt), bytesWaiting: state.bytesPending,
            bytesHeld: self.held.bytes(slot), channelsHeld: self.held.count(slot),
            isCongested: state.isBacklogged || state.isOverBudget, merges: state.merges,
            bytesPerSecondMax: self.meter.bytesPerSecond(slot)
        )
    }
}
