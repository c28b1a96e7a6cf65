/// Takes messages between nodes: NATS, or what stands for it in a test.
///
/// Nothing here blocks; everything may be called from any thread.
public protocol MessageBus: Sendable {
    /// This node's number: none of its own messages come back.
    var node: UInt64 { get }
    /// Connects; `onItems` is called when ``takeItems()`` has something again.
    func start(onItems: @escaping @Sendable () -> Void)
    /// What has come since the last call, in its order.
    func takeItems() -> [BusItem]
    /// Sends a message; lost while there is no connection.
    func publish(_ subject: String, _ bytes: [UInt8])
    /// Sends events as ``EventMessage/bytes(of:)`` encodes them; those of one subject that wait together leave in one message.
    func publishEvents(_ events: [(subject: String, bytes: [UInt8])])
    /// Asks for a subject's messages, also after the connection was lost.
    func subscribe(_ subject: String)
    /// Ends that.
    func unsubscribe(_ subject: String)
    /// Disconnects after what waits has been sent.
    func stop() async
    /// What has happened so far.
    var counters: BusCounters { get }
}

/// What comes from the bus.
public enum BusItem: Sendable, Equatable {
    /// A message of another node.
    case message(subject: String, [UInt8])
    /// The connection is there, subscriptions are made.
    case connected
    /// The connection is lost.
    case disconnected
    /// Messages were lost on their way in, because they came faster than they were taken.
    case lost
}

/// What a bus has done so far.
public struct BusCounters: Sendable, Equatable {
    /// Whether it is connected now.
    public var isConnected = false
    /// Messages sent.
    public var sent = 0
    /// Events in them; several share a message.
    public var eventsSent = 0
    /// Messages received.
    public var received = 0
    /// Messages not sent: there was no connection, or too many waited, or one was too large.
    public var sendDropped = 0
    /// Messages lost on their way in.
    public var receiveDropped = 0
    /// Connections made.
    public var connects = 0
    /// Subscriptions held.
    public var subscriptions = 0

    /// Nothing has happened.
    public init() {}
}
