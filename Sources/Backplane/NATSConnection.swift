import CNATS
import Dispatch
public import Logging
import Synchronization

/// A connection to NATS that comes back by itself.
///
/// What is sent waits in a bounded outbox for a queue of its own, on which every call is made that may wait for the
/// socket. What comes is handed over by cnats' delivery thread into a bounded inbox; the callback does nothing else.
/// cnats uses one delivery thread for all connections of the process: messages keep their order over all subjects.
///
/// SAFETY: `@unchecked Sendable` because `handle` and `subscriptions` are used on `queue` only; all else is behind mutexes.
public final class NATSConnection: MessageBus, @unchecked Sendable {
    /// This node's number.
    public let node: UInt64
    /// The servers.
    public let servers: NATSServers
    private let logger: Logger
    private let queue = DispatchQueue(label: "tickwire.nats")
    private let outbox: Mutex<BusOutbox>
    private let inbox = Mutex(BusInbox())
    private let tally = Mutex(BusCounters())
    private let wake = Mutex<(@Sendable () -> Void)?>(nil)
    private var handle: OpaquePointer?
    private var subscriptions: [String: OpaquePointer] = [:]
    private var isStopped = false

    /// A connection that is not made before ``start(onItems:)``.
    ///
    /// - Parameters:
    ///   - servers: Where to.
    ///   - node: This node's number, which no other node has.
    ///   - logger: Where the connection's coming and going is told.
    public init(servers: NATSServers, node: UInt64 = .random(in: 1...UInt64.max), logger: Logger) {
        self.servers = servers
        self.node = node
        self.logger = logger
        self.outbox = Mutex(BusOutbox(node: node))
    }

    /// What has happened so far.
    public var counters: BusCounters {
        var counters = self.tally.withLock { $0 }
        counters.sendDropped += self.outbox.withLock { $0.dropped }
        counters.receiveDropped += self.inbox.withLock { $0.dropped }
        return counters
    }

    // MARK: Sending

    /// Connects, now or as soon as a server is there.
    public func start(onItems: @escaping @Sendable () -> Void) {
        self.wake.withLock { $0 = onItems }
        // cnats' threads call back with a plain pointer, even a moment after the end: a connection lives as long as the process.
        _ = Unmanaged.passRetained(self)
        self.queue.async { self.connect() }
    }

    /// Sends a message.
    public func publish(_ subject: String, _ bytes: [UInt8]) {
        self.enqueue { $0.append(.publish(subject: subject, bytes: bytes, events: 0)) }
    }

    /// Sends events.
    public func publishEvents(_ events: [(subject: String, bytes: [UInt8])]) {
        self.enqueue { outbox in
            for event in events { outbox.append(event: event.bytes, subject: event.subject) }
        }
    }

    /// Subscribes.
    public func subscribe(_ subject: String) { self.enqueue { $0.append(.subscribe(subject)) } }

    /// Unsubscribes.
    public func unsubscribe(_ subject: String) { self.enqueue { $0.append(.unsubscribe(subject)) } }

    /// Sends what waits, for a second at most, and disconnects.
    public func stop() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            self.queue.async {
                self.send()
                self.isStopped = true
                if let handle = self.handle {
                    // What ends on purpose is not lost.
                    self.tally.withLock { $0.isConnected = false }
                    // Not being able to flush is not worth a word at the end.
                    if natsConnection_Status(handle) == NATS_CONN_STATUS_CONNECTED {
                        _ = natsConnection_FlushTimeout(handle, 1000)
                    }
                    natsConnection_Close(handle)
                    for subscription in self.subscriptions.values { natsSubscription_Destroy(subscription) }
                    natsConnection_Destroy(handle)
                    self.subscriptions = [:]
                    self.handle = nil
                }
                continuation.resume()
            }
        }
    }

    private func enqueue(_ change: (inout BusOutbox) -> Void) {
        let isFirst = self.outbox.withLock { outbox in
            let wasEmpty = outbox.isEmpty
            change(&outbox)
            return wasEmpty && !outbox.isEmpty
        }
        if isFirst { self.queue.async { self.send() } }
    }

    private func send() {
        let commands = self.outbox.withLock { $0.take() }
        guard !self.isStopped, let handle = self.handle else {
            self.remember(commands)
            return
        }
        let isConnected = natsConnection_Status(handle) == NATS_CONN_STATUS_CONNECTED
        var (sent, events, dropped) = (0, 0, 0)
        for command in commands {
            switch command {
            case .publish(let subject, let bytes, let count):
                // cnats would keep it and send it late, when it is old.
                let status =
                    isConnected
                    ? natsConnection_Publish(handle, subject, bytes, Int32(clamping: bytes.count)) : NATS_ERR
                if status == NATS_OK {
                    sent += 1
                    events += count
                } else {
                    dropped += 1
                    if status == NATS_MAX_PAYLOAD { self.tooLarge(subject, bytes.count, handle) }
                }
            case .subscribe(let subject): self.subscribe(subject, handle)
            case .unsubscribe(let subject):
                guard let subscription = self.subscriptions.removeValue(forKey: subject) else { continue }
                _ = natsSubscription_Unsubscribe(subscription)  // Without a connection there is nothing to end.
                natsSubscription_Destroy(subscription)
            }
        }
        let subscriptions = self.subscriptions.count
        self.tally.withLock { tally in
            tally.sent += sent
            tally.eventsSent += events
            tally.sendDropped += dropped
            tally.subscriptions = subscriptions
        }
    }

    /// Before the first connection only subscriptions matter.
    private func remember(_ commands: [BusOutbox.Command]) {
        guard !self.isStopped else { return }
        var dropped = 0
        for command in commands {
            switch command {
            case .publish: dropped += 1
            case .subscribe, .unsubscribe: self.early.append(command)
            }
        }
        self.tally.withLock { $0.sendDropped += dropped }
    }

    private var early: [BusOutbox.Command] = []

    private func subscribe(_ subject: String, _ handle: OpaquePointer) {
        guard self.subscriptions[subject] == nil else { return }
        var subscription: OpaquePointer?
        let status = natsConnection_Subscribe(
            &subscription, handle, subject, { _, _, message, context in NATSConnection.received(message, context) },
            Unmanaged.passUnretained(self).toOpaque())
        guard status == NATS_OK, let subscription else {
            self.logger.error(
                "NATS subscription failed", metadata: ["error": "\(Self.text(status))", "nats.subject": "\(subject)"])
            return
        }
        self.subscriptions[subject] = subscription
    }

    private func tooLarge(_ subject: String, _ bytes: Int, _ handle: OpaquePointer) {
        self.logger.warning(
            "Message too large for NATS: raise max_payload there",
            metadata: [
                "nats.subject": "\(subject)", "bytes": "\(bytes)",
                "bytes.max": "\(natsConnection_GetMaxPayload(handle))",
            ])
    }

    // MARK: Connecting

    private func connect() {
        guard !self.isStopped else { return }
        var options: OpaquePointer?
        var status = natsOptions_Create(&options)
        defer { natsOptions_Destroy(options) }
        if status == NATS_OK { status = self.configure(options) }
        var handle: OpaquePointer?
        if status == NATS_OK { status = natsConnection_Connect(&handle, options) }
        guard status == NATS_OK || status == NATS_NOT_YET_CONNECTED, let handle else {
            let reason = Self.text(status)
            self.tally.withLock { $0.isConnected = false }
            self.logger.error(
                "NATS cannot be used, this node stays alone",
                metadata: ["nats.servers": "\(self.servers)", "error": "\(reason)"])
            // A wrong file of credentials may become a right one.
            self.queue.asyncAfter(deadline: .now() + .seconds(5)) { self.connect() }
            return
        }
        self.handle = handle
        for command in self.early {
            switch command {
            case .subscribe(let subject): self.subscribe(subject, handle)
            case .unsubscribe(let subject):
                if let subscription = self.subscriptions.removeValue(forKey: subject) {
                    natsSubscription_Destroy(subscription)
                }
            case .publish: break
            }
        }
        self.early = []
        if status == NATS_OK {
            self.cameUp()
        } else {
            self.logger.warning(
                "NATS does not let us in, this node is alone until it does",
                metadata: ["nats.servers": "\(self.servers)", "error": "\(Self.lastError(handle))"])
        }
        self.send()
    }

    private func configure(_ options: OpaquePointer?) -> natsStatus {
        let context = Unmanaged.passUnretained(self).toOpaque()
        var status = Self.apply(self.servers, to: options)
        func set(_ step: () -> natsStatus) { if status == NATS_OK { status = step() } }
        set { natsOptions_SetName(options, "tickwire \(String(self.node, radix: 16))") }
        set { natsOptions_SetNoEcho(options, true) }
        set { natsOptions_UseGlobalMessageDelivery(options, true) }
        set { natsOptions_SetMaxReconnect(options, -1) }
        set { natsOptions_SetPingInterval(options, 2000) }
        set { natsOptions_SetMaxPingsOut(options, 2) }
        set { natsOptions_SetMaxPendingMsgs(options, 262_144) }
        // Goes at once when a server drops us, then from 0.1 to 2 s with jitter, for ever.
        set {
            natsOptions_SetCustomReconnectDelay(
                options,
                { _, attempts, _ in
                    let most = min(Int64(100) << Int64(min(max(attempts - 1, 0), 5)), 2000)
                    return most / 2 + Int64.random(in: 0...most / 2)
                }, nil)
        }
        set {
            natsOptions_SetRetryOnFailedConnect(
                options, true, { _, context in NATSConnection.from(context)?.cameUp() }, context)
        }
        set { natsOptions_SetReconnectedCB(options, { _, context in NATSConnection.from(context)?.cameUp() }, context) }
        set {
            natsOptions_SetDisconnectedCB(options, { _, context in NATSConnection.from(context)?.wentDown() }, context)
        }
        set {
            natsOptions_SetErrorHandler(
                options, { _, _, status, context in NATSConnection.from(context)?.failed(status) }, context)
        }
        return status
    }

    static func apply(_ servers: NATSServers, to options: OpaquePointer?) -> natsStatus {
        var status = servers.urls.withCStrings { pointers in
            natsOptions_SetServers(options, pointers.baseAddress, Int32(pointers.count))
        }
        func set(_ step: () -> natsStatus) { if status == NATS_OK { status = step() } }
        set { natsOptions_SetTimeout(options, 2000) }
        if servers.isSecure { set { natsOptions_SetSecure(options, true) } }
        if let file = servers.authorityFile { set { natsOptions_LoadCATrustedCertificates(options, file) } }
        if let file = servers.credentialsFile {
            set { natsOptions_SetUserCredentialsFromFiles(options, file, nil) }
        }
        return status
    }

    static func text(_ status: natsStatus) -> String {
        natsStatus_GetText(status).map { String(cString: $0) } ?? "status \(status.rawValue)"
    }

    /// Why the connection is not there, as cnats says it; it does not repeat passwords.
    private static func lastError(_ handle: OpaquePointer) -> String {
        var text: UnsafePointer<CChar>?
        let status = natsConnection_GetLastError(handle, &text)
        let said = text.map { String(cString: $0) } ?? ""
        return said.isEmpty ? Self.text(status == NATS_OK ? NATS_NO_SERVER : status) : said
    }

    // MARK: Callbacks, on cnats' threads

    private static func from(_ context: UnsafeMutableRawPointer?) -> NATSConnection? {
        context.map { Unmanaged<NATSConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func received(_ message: OpaquePointer?, _ context: UnsafeMutableRawPointer?) {
        defer { natsMsg_Destroy(message) }
        guard let connection = Self.from(context), let subject = natsMsg_GetSubject(message) else { return }
        let count = Int(natsMsg_GetDataLength(message))
        let bytes = natsMsg_GetData(message).map { data in
            Array(UnsafeRawBufferPointer(start: data, count: count))
        }
        connection.tally.withLock { $0.received += 1 }
        connection.put(.message(subject: String(cString: subject), bytes ?? []))
    }

    private func cameUp() {
        self.tally.withLock { tally in
            tally.isConnected = true
            tally.connects += 1
        }
        self.logger.info("NATS connected", metadata: ["nats.servers": "\(self.servers)"])
        self.put(.connected)
    }

    private func wentDown() {
        let wasConnected = self.tally.withLock { tally in
            defer { tally.isConnected = false }
            return tally.isConnected
        }
        guard wasConnected else { return }
        self.logger.warning(
            "NATS lost, this node is alone until it is back", metadata: ["nats.servers": "\(self.servers)"])
        self.put(.disconnected)
    }

    private func failed(_ status: natsStatus) {
        if status == NATS_SLOW_CONSUMER {
            self.tally.withLock { $0.receiveDropped += 1 }
            self.put(.lost)
        }
        self.logger.warning("NATS reports an error", metadata: ["error": "\(Self.text(status))"])
    }

    private func put(_ item: BusItem) {
        guard self.inbox.withLock({ $0.append(item) }) else { return }
        self.wake.withLock { $0 }?()
    }

    /// What has come since the last call.
    public func takeItems() -> [BusItem] { self.inbox.withLock { $0.take() } }
}

extension [String] {
    /// Lends the texts as an array of C strings.
    fileprivate func withCStrings<Result>(
        _ body: (UnsafeMutableBufferPointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let owned = self.map { text in
            text.utf8CString.withUnsafeBufferPointer { UnsafeMutableBufferPointer.copy(of: $0) }
        }
        defer { for buffer in owned { buffer.deallocate() } }
        var pointers: [UnsafePointer<CChar>?] = owned.map { $0.baseAddress.map { UnsafePointer($0) } }
        return pointers.withUnsafeMutableBufferPointer { body($0) }
    }
}

extension UnsafeMutableBufferPointer<CChar> {
    /// A copy that the caller must deallocate.
    fileprivate static func copy(of source: UnsafeBufferPointer<CChar>) -> Self {
        let copy = Self.allocate(capacity: source.count)
        _ = copy.initialize(from: source)
        return copy
    }
}
