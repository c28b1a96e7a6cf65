import Channels
import Foundation
import Logging
import Synchronization
import Testing

@testable import Backplane

/// A NATS server of a test's own on a free port.
final class NATSServer {
    static let program = ["/usr/sbin/nats-server", "/usr/local/bin/nats-server", "/usr/bin/nats-server"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }
    let port: Int
    private var process: Process?

    /// Starts it; the port stays the same over ``kill()`` and ``start()``.
    init(port: Int) throws {
        self.port = port
        try self.start()
    }

    func start() throws {
        let process = Process()
        process.executableURL = Self.program.map { URL(fileURLWithPath: $0) }
        process.arguments = ["-a", "127.0.0.1", "-p", "\(self.port)"]
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = process
    }

    func kill() {
        guard let process = self.process else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        self.process = nil
    }

    deinit { self.kill() }
}

/// What a bus has brought so far.
final class Received: Sendable {
    private let items = Mutex<[BusItem]>([])

    func start(_ bus: NATSConnection) {
        bus.start { [weak bus] in
            guard let bus else { return }
            self.items.withLock { $0 += bus.takeItems() }
        }
    }

    func wait(_ seconds: Double = 15, until isThere: ([BusItem]) throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try !self.items.withLock({ try isThere($0) }) {
            try #require(ContinuousClock.now < deadline, "\(self.items.withLock { $0.count }) items came")
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

@Suite(
    "A connection to NATS", .serialized,
    .enabled(if: NATSServer.program != nil, "nats-server is not installed: scripts/test.sh installs it"))
struct NATSConnectionTests {
    private static let nextPort = Mutex(31_000 + Int(getpid() % 1000) * 2)

    private func server() throws -> NATSServer {
        try NATSServer(
            port: Self.nextPort.withLock { port in
                port += 1
                return port
            })
    }

    private func bus(_ server: NATSServer, node: UInt64) throws -> (NATSConnection, Received) {
        let bus = NATSConnection(
            servers: try NATSServers("nats://127.0.0.1:\(server.port)"), node: node, logger: Logger(label: "test"))
        return (bus, Received())
    }

    @Test("Messages go to others in order, not back; the connection returns after the server was killed")
    func life() async throws {
        let server = try self.server()
        let (one, oneGot) = try self.bus(server, node: 1)
        let (two, twoGot) = try self.bus(server, node: 2)
        one.subscribe("tickwire.dir")
        two.subscribe("tickwire.dir")
        oneGot.start(one)
        twoGot.start(two)
        try await oneGot.wait { $0.contains(.connected) }
        try await twoGot.wait { $0.contains(.connected) }
        for number in 0..<1000 { one.publish("tickwire.dir", Array("\(number)".utf8)) }
        try await twoGot.wait { $0.filter { $0 != .connected }.count == 1000 }
        try await twoGot.wait { items in
            items.filter { $0 != .connected }
                == (0..<1000).map { .message(subject: "tickwire.dir", Array("\($0)".utf8)) }
        }
        server.kill()
        try await twoGot.wait { $0.contains(.disconnected) }
        try await oneGot.wait { $0.contains(.disconnected) }
        // Nobody hears it, now or later.
        one.publish("tickwire.dir", Array("lost".utf8))
        two.subscribe("tickwire.later")
        try server.start()
        try await oneGot.wait { $0.filter { $0 == .connected }.count == 2 }
        try await twoGot.wait { $0.filter { $0 == .connected }.count == 2 }
        // The later subscription goes to the server behind what is said to be connected.
        two.publish("tickwire.nobody", [])
        while two.counters.sent == 0 { try await Task.sleep(for: .milliseconds(5)) }
        one.publish("tickwire.dir", Array("back".utf8))
        try await twoGot.wait { $0.last == .message(subject: "tickwire.dir", Array("back".utf8)) }
        #expect(one.counters.sendDropped >= 1 && one.counters.connects == 2)
        try await oneGot.wait { items in !items.contains { if case .message = $0 { true } else { false } } }
        await one.stop()
        await two.stop()
    }

    @Test("A server that comes later is found")
    func late() async throws {
        let server = try self.server()
        server.kill()
        let (bus, got) = try self.bus(server, node: 1)
        bus.subscribe("tickwire.dir")
        got.start(bus)
        let other = try self.bus(server, node: 2)
        try server.start()
        try await got.wait { $0.contains(.connected) }
        other.1.start(other.0)
        try await other.1.wait { $0.contains(.connected) }
        other.0.publish("tickwire.dir", [1])
        try await got.wait { $0.contains(.message(subject: "tickwire.dir", [1])) }
        await bus.stop()
        await other.0.stop()
    }

    @Test("An ingester's relay answers with the newest value, behind all that it has published before")
    func relay() async throws {
        let server = try self.server()
        let (bus, _) = try self.bus(server, node: 1)
        let relay = EventRelay(bus: bus, apps: ["3"], encryptions: [], logger: Logger(label: "test"))
        let (gateway, got) = try self.bus(server, node: 2)
        gateway.subscribe(Subject.node(2))
        gateway.subscribe(Subject.tickers(app: "3"))
        got.start(gateway)
        try await got.wait { $0.contains(.connected) }
        let running = Task { await relay.run() }
        func tick(_ number: Int) -> ChannelEvent {
            ChannelEvent(
                channel: "ticker-X", name: "tick", data: Array("{\"sequence\":\(number)}".utf8),
                retention: .deliverAndKeepAsSnapshot)
        }
        while !bus.counters.isConnected { try await Task.sleep(for: .milliseconds(5)) }
        for number in 1...4 { relay.publish([tick(number)]) }
        // When they are here the server knows the relay's subscriptions, too.
        try await got.wait { items in
            items.reduce(0) { count, item in
                guard case .message(_, let bytes) = item, let events = try? EventMessage(parsing: bytes) else {
                    return count
                }
                return count + events.entries.count
            } == 4
        }
        relay.publish([tick(5)])
        gateway.publish(Subject.ask, NodeMessage.ask(number: 9, [.init(app: "3", channel: "")]).bytes(from: 2))
        try await got.wait { items in
            var sequences: [String] = []
            for case .message(_, let bytes) in items {
                if let events = try? EventMessage(parsing: bytes) {
                    sequences += events.entries.map { String(decoding: $0.escapedData, as: UTF8.self) }
                } else if case .answer(9, true, let values) = try NodeMessage.parse(bytes).message {
                    #expect(sequences.last == values.first.map { String(decoding: $0.escapedData, as: UTF8.self) })
                    return sequences.count == 5
                }
            }
            return false
        }
        running.cancel()
        await running.value
        await gateway.stop()
    }

    @Test("A check says what is wrong")
    func check() async throws {
        let server = try self.server()
        let servers = try NATSServers("nats://127.0.0.1:\(server.port)")
        let deadline = ContinuousClock.now + .seconds(10)
        var answer: String?
        while answer == nil, ContinuousClock.now < deadline { answer = try? await NATSConnection.check(servers) }
        #expect(answer?.contains("\(server.port)") == true)
        server.kill()
        await #expect(throws: BackplaneError.self) { try await NATSConnection.check(servers) }
    }
}
