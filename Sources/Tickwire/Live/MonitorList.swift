import Ingest
import Synchronization

/// The feeds of a supervisor that is made later than who asks about them.
final class MonitorList: Sendable {
    private let supervisor = Mutex<FeedSupervisor?>(nil)

    func attach(_ supervisor: FeedSupervisor) { self.supervisor.withLock { $0 = supervisor } }

    /// The names of those that are not connected.
    var dead: Set<String> {
        let monitors = self.supervisor.withLock { $0 }?.monitors ?? []
        return Set(monitors.filter { $0.live == 0 && $0.polling == nil }.map(\.name))
    }
}
