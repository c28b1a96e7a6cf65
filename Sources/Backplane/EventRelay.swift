public import Channels
public import Logging
import Synchronization

/// An ingester's place among the nodes: publishes market events, and has the last value of each channel for who asks.
///
/// What is published and what is answered go out in one order: an answer is never older than an event sent before it.
public final class EventRelay: EventPublisher {
    /// How often a node shows that it lives.
    package static let heartbeatInterval = Duration.seconds(1)

    /// What a channel's last value is.
    private struct Kept {
        var name: String
        var escapedData: [UInt8]
        var time: Int64
    }

    private struct State {
        var kept: [String: Kept] = [:]
        /// Where each channel's events go, one subject an app.
        var subjects: [String: [String]] = [:]
        var malformed = 0
    }

    /// Channels whose last value, and whose subjects, are kept.
    private static let channelsMax = 200_000

    private let bus: any MessageBus
    private let apps: [String]
    private let encryptions: [(app: String, encryption: ChannelEncryption)]
    private let epoch = UInt64(WallTime.microseconds())
    private let logger: Logger
    private let state = Mutex(State())

    /// A relay.
    ///
    /// - Parameters:
    ///   - bus: Where to.
    ///   - apps: The ids of the apps that see the market.
    ///   - encryptions: Those that get `private-encrypted-…` copies of market channels, too.
    ///   - logger: Where malformed messages are told.
    public init(
        bus: any MessageBus, apps: [String], encryptions: [(app: String, encryption: ChannelEncryption)], logger: Logger
    ) {
        self.bus = bus
        self.apps = apps
        self.encryptions = encryptions
        self.logger = logger
    }

    /// Messages of others that made no sense.
    public var malformed: Int { self.state.withLock { $0.malformed } }

    /// Sends events to every gateway that has subscribers for them.
    public func publish(_ events: [ChannelEvent]) {
        let time = WallTime.microseconds()
        self.state.withLock { state in
            var messages: [(subject: String, bytes: [UInt8])] = []
            messages.reserveCapacity(events.count * self.apps.count)
            for event in events {
                let escaped = Self.escaped(event.data)
                if event.retention != .none, state.kept[event.channel] != nil || state.kept.count < Self.channelsMax {
                    state.kept[event.channel] = Kept(name: event.name, escapedData: escaped, time: time)
                }
                if event.retention == .keepOnly { continue }
                let bytes = EventMessage.bytes(of: Self.entry(event, escaped, time))
                for subject in self.subjects(event.channel, &state) { messages.append((subject, bytes)) }
                for (app, encryption) in self.encryptions where EncryptedChannels.isMarket(event.channel) {
                    let sealed = encryption.sealed(event, for: EncryptedChannels.prefix + event.channel)
                    let bytes = EventMessage.bytes(of: Self.entry(sealed, Self.escaped(sealed.data), time))
                    messages.append((Subject.events(app: app, channel: sealed.channel), bytes))
                }
            }
            // Never blocks; under the lock, so that nothing overtakes.
            if !messages.isEmpty { self.bus.publishEvents(messages) }
        }
    }

    /// Shows that it lives and answers questions until it is cancelled.
    public func run() async {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        // First, so that what is published is behind them.
        self.bus.subscribe(Subject.ask)
        self.bus.subscribe(Subject.directory)
        self.bus.start { signal.yield() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    self.beat()
                    // Cancelled at the end.
                    try? await Task.sleep(for: Self.heartbeatInterval)
                }
            }
            group.addTask {
                for await _ in signals {
                    for item in self.bus.takeItems() { self.take(item) }
                }
            }
        }
        self.bus.publish(Subject.directory, NodeMessage.bye.bytes(from: self.bus.node))
        await self.bus.stop()
    }

    private func beat() {
        var pulse = NodeMessage.Pulse(epoch: self.epoch, sequence: 0)
        pulse.isFeeding = true
        pulse.isReady = true
        self.bus.publish(Subject.directory, NodeMessage.heartbeat(pulse).bytes(from: self.bus.node))
    }

    private func take(_ item: BusItem) {
        switch item {
        case .connected: self.beat()
        case .disconnected, .lost: break
        case .message(_, let bytes):
            do throws(BackplaneError) {
                let (node, message) = try NodeMessage.parse(bytes)
                guard node != self.bus.node else { return }
                switch message {
                case .heartbeat(let pulse): if pulse.isGreeting { self.beat() }
                case .ask(let number, let questions): self.answer(questions, number, to: node)
                case .changes, .state, .stateRequest, .bye, .answer: break
                }
            } catch {
                let isFirst = self.state.withLock { state in
                    state.malformed += 1
                    return state.malformed == 1
                }
                if isFirst { self.logger.warning("Message from another node dropped", metadata: ["error": "\(error)"]) }
            }
        }
    }

    private func answer(_ questions: [NodeMessage.Question], _ number: UInt64, to node: UInt64) {
        self.state.withLock { state in
            var values: [NodeMessage.Value] = []
            for question in questions where self.apps.contains(question.app) {
                if question.channel.isEmpty {
                    for (channel, kept) in state.kept where QuoteChannel.source(channel) == .primary {
                        values.append(Self.value(kept, question.app, channel))
                    }
                } else if let kept = state.kept[question.channel] {
                    values.append(Self.value(kept, question.app, question.channel))
                }
            }
            for answer in NodeMessage.answers(number: number, values) {
                self.bus.publish(Subject.node(node), answer.bytes(from: self.bus.node))
            }
        }
    }

    private func subjects(_ channel: String, _ state: inout State) -> [String] {
        if let subjects = state.subjects[channel] { return subjects }
        let subjects = self.apps.map { Subject.events(app: $0, channel: channel) }
        if state.subjects.count < Self.channelsMax { state.subjects[channel] = subjects }
        return subjects
    }

    private static func entry(_ event: ChannelEvent, _ escaped: [UInt8], _ time: Int64) -> EventMessage.Entry {
        var entry = EventMessage.Entry(name: event.name, escapedData: escaped[...])
        entry.isKept = event.retention != .none
        entry.excludedSocketID = event.excludedSocketID
        entry.time = time
        return entry
    }

    private static func escaped(_ data: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(data.count + data.count / 4)
        data.withUnsafeBufferPointer { JSONText.appendEscaped($0, to: &escaped) }
        return escaped
    }

    private static func value(_ kept: Kept, _ app: String, _ channel: String) -> NodeMessage.Value {
        NodeMessage.Value(
            app: app, channel: channel, name: kept.name, escapedData: kept.escapedData, time: kept.time)
    }
}
