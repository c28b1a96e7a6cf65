public import Backplane
public import Logging
import NIOCore
import Synchronization

extension Hub {
    /// How other nodes are reached.
    public struct Backplane: Sendable {
        /// What takes messages.
        public var bus: any MessageBus
        /// Whether market data comes from this node, too.
        public var isFeeding: Bool
        /// Where nodes that come and go are told.
        public var logger: Logger
        var times = Cluster.Times()
        var limits = PeerTable.Limits()

        /// A way to other nodes.
        ///
        /// - Parameters:
        ///   - bus: What takes messages; not started yet.
        ///   - isFeeding: Whether market data comes from this node.
        ///   - logger: Where nodes that come and go are told.
        public init(bus: any MessageBus, isFeeding: Bool, logger: Logger) {
            self.bus = bus
            self.isFeeding = isFeeding
            self.logger = logger
        }
    }

    /// Connects to the other nodes, if there may be any; call when everything that joins in is set up.
    public func startCluster() { self.cluster?.start() }

    /// Says goodbye to the other nodes.
    public func stopCluster() async { await self.cluster?.stop() }

    /// Why the node should not have clients yet: it does not know the others; `nil` when it does, or is alone.
    public var clusterReason: String? {
        guard let cluster = self.cluster, !cluster.isReady else { return nil }
        return "Learning what the other nodes know"
    }

    /// The other nodes that have been heard of within the lease.
    public var peerNodes: [UInt64] { self.cluster?.knownNodes.withLock { $0 } ?? [] }

    /// Messages of other nodes that made no sense.
    public var malformedMessages: Int { self.cluster?.malformedCount.withLock { $0 } ?? 0 }
}
