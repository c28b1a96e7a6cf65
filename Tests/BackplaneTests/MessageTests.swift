import Channels
import Testing

@testable import Backplane

@Suite("Messages between nodes")
struct MessageTests {
    @Test(
        "Every channel name has a subject of legal tokens, and comes back from it",
        arguments: [
            "news", "a.b", "..", ".", "x.", "#server-to-user-a.b", "ticker-BTC-USD", "ticker-BRK.B@kraken", "ticker-",
            "ticker-@x", "ticker-a@", "a=b,c;d@e_f-g", "100%", "*", ">", "ä b\n", "private-ticker-X", "ticker-X;1s",
        ])
    func subjects(channel: String) throws {
        let subject = Subject.events(app: "a.p*p", channel: channel)
        #expect(subject.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty })
        #expect(!subject.contains { "*> \n".contains($0) })
        let parsed = try #require(Subject.parseEvents(subject))
        #expect(parsed.app == "a.p*p" && parsed.channel == channel)
    }

    @Test("All primary tickers are one subject with a wildcard, without those of single venues")
    func tickers() {
        #expect(Subject.tickers(app: "3") == "tickwire.ev.3.ticker-.*")
        #expect(Subject.events(app: "3", channel: "ticker-BRK.B") == "tickwire.ev.3.ticker-.BRK%2EB")
        #expect(Subject.events(app: "3", channel: "ticker-X@kraken") == "tickwire.ev.3.ticker-.X.@kraken")
    }

    @Test(
        "What is no subject of ours is none",
        arguments: [
            "tickwire.ev.3", "tickwire.ev..x", "a.ev.3.x", "tickwire.ev.3.%2", "tickwire.ev.3.%GG", "tickwire.ev.3.%FF",
        ])
    func badSubjects(subject: String) { #expect(Subject.parseEvents(subject) == nil) }

    private var messages: [NodeMessage] {
        var pulse = NodeMessage.Pulse(epoch: 7, sequence: 8)
        (pulse.isReady, pulse.isFeeding, pulse.hasClients, pulse.isGreeting) = (true, false, true, false)
        let records: [DirectoryRecord] = [
            .channel(
                app: "3", name: "presence-x", count: 2,
                members: [.init(id: "ä", info: #"{"a":"b"}"#), .init(id: "gone", info: nil)]),
            .user(app: "3", id: "1", isOnline: true), .user(app: "3", id: "1", isOnline: false),
            .cacheMiss(app: "3", channel: "cache-x"), .terminate(app: "3", id: "1"),
        ]
        let value = NodeMessage.Value(
            app: "3", channel: "cache-x", name: "n", escapedData: Array(#"{\"a\":1}"#.utf8), time: 5)
        return [
            .heartbeat(pulse), .changes(epoch: 1, sequence: 2, records),
            .state(epoch: 1, sequence: 2, part: 3, isLast: true, records), .stateRequest, .bye,
            .ask(number: 9, [.init(app: "3", channel: "c"), .init(app: "3", channel: "")]),
            .answer(number: 9, isLast: false, [value]),
        ]
    }

    @Test("Every message comes back as it was")
    func roundTrip() throws {
        for message in self.messages {
            let parsed = try NodeMessage.parse(message.bytes(from: 42))
            #expect(parsed.node == 42 && parsed.message == message)
        }
    }

    @Test("A message that is cut, or whose bytes are changed, is an error or another message, never a crash")
    func damaged() {
        for message in self.messages {
            let bytes = message.bytes(from: 42)
            for end in 0..<bytes.count { _ = try? NodeMessage.parse(Array(bytes[..<end])) }
            for index in bytes.indices {
                for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                    var changed = bytes
                    changed[index] = value
                    _ = try? NodeMessage.parse(changed)
                    _ = try? EventMessage(parsing: changed)
                }
            }
        }
    }

    @Test("Another version, another kind and bytes behind the end are refused")
    func refused() {
        let good = NodeMessage.bye.bytes(from: 1)
        var version = good
        version[1] = 9
        for bytes in [version, good + [0], [], Array("TX".utf8)] {
            #expect(throws: BackplaneError.self) { try NodeMessage.parse(bytes) }
        }
    }

    @Test("Events come back with all that belongs to them")
    func events() throws {
        var first = EventMessage.Entry(name: "n", escapedData: Array(#"{\"a\":1}"#.utf8)[...])
        (first.isKept, first.time, first.excludedSocketID) = (true, -5, "1.2")
        var second = EventMessage.Entry(name: "client-x", escapedData: [])
        (second.isClientEvent, second.userID) = (true, "ann")
        let bytes =
            EventMessage.head(node: 7, number: 3) + EventMessage.bytes(of: first) + EventMessage.bytes(of: second)
        let message = try EventMessage(parsing: bytes)
        #expect(message.node == 7 && message.number == 3 && message.entries == [first, second])
    }

    @Test(
        "Data that would break out of its JSON string is refused",
        arguments: [#"a"b"#, "a\nb", #"a\"#, #"\x"#, "\u{0}"])
    func escaped(data: String) {
        let bytes =
            EventMessage.head(node: 7, number: 3)
            + EventMessage.bytes(of: .init(name: "n", escapedData: Array(data.utf8)[...]))
        #expect(throws: BackplaneError.self) { try EventMessage(parsing: bytes) }
        let broken = EventMessage.bytes(of: .init(name: "n", escapedData: [0xFF, 0xFE]))
        #expect(throws: BackplaneError.self) {
            try EventMessage(parsing: EventMessage.head(node: 7, number: 3) + broken)
        }
    }

    @Test("A large state is cut into parts that each fit a message, the last one says so")
    func cut() throws {
        let info = String(repeating: "x", count: 900)
        let members = (0..<3000).map { DirectoryRecord.Member(id: "\($0)", info: "\"\(info)\"") }
        let parts = NodeMessage.states(
            epoch: 1, sequence: 2, [.channel(app: "3", name: "presence-x", count: 3000, members: members)])
        #expect(parts.count > 3)
        var found = 0
        for (index, message) in parts.enumerated() {
            #expect(message.bytes(from: 1).count < Wire.messageBytesMax)
            guard case .state(_, _, let part, let isLast, let records) = message else { continue }
            #expect(part == index && isLast == (index == parts.count - 1))
            for case .channel(_, _, let count, let members) in records {
                #expect(count == 3000)
                found += members.count
            }
        }
        #expect(found == 3000)
    }
}

@Suite("What waits for NATS")
struct BusQueueTests {
    private func event(_ text: String) -> [UInt8] {
        EventMessage.bytes(of: .init(name: text, escapedData: []))
    }

    private func names(_ command: BusOutbox.Command) throws -> [String] {
        guard case .publish(_, let bytes, _) = command else { return [] }
        return try EventMessage(parsing: bytes).entries.map(\.name)
    }

    @Test("Events of one subject share a message and keep their order; messages are numbered")
    func shared() throws {
        var outbox = BusOutbox(node: 1)
        for (subject, name) in [("a", "1"), ("b", "2"), ("a", "3")] {
            outbox.append(event: self.event(name), subject: subject)
        }
        let commands = outbox.take()
        #expect(try commands.map(self.names) == [["1", "3"], ["2"]])
        outbox.append(event: self.event("4"), subject: "a")
        guard case .publish(_, let bytes, 1) = outbox.take()[0] else { throw BackplaneError.malformed("") }
        #expect(try EventMessage(parsing: bytes).number == 3)
    }

    @Test("A message takes no more than fits")
    func full() throws {
        var outbox = BusOutbox(node: 1, messageBytesMax: 100)
        for name in ["1", "2", "3", "4", "5", "6"] { outbox.append(event: self.event(name), subject: "a") }
        let names = try outbox.take().map(self.names)
        #expect(names.count > 1 && names.flatMap { $0 } == ["1", "2", "3", "4", "5", "6"])
    }

    @Test("At the bound the oldest messages go and are counted, subscriptions never")
    func bound() throws {
        var outbox = BusOutbox(node: 1, bytesMax: 1000)
        outbox.append(.subscribe("s"))
        for index in 0..<100 { outbox.append(event: self.event("\(index)"), subject: "\(index)") }
        let commands = outbox.take()
        #expect(commands.first == .subscribe("s"))
        #expect(outbox.dropped == 100 - (commands.count - 1) && outbox.dropped > 0)
        #expect(try self.names(commands[commands.count - 1]) == ["99"])
    }

    @Test("What comes faster than it is taken is lost, which is said once")
    func inbox() {
        var inbox = BusInbox(bytesMax: 100)
        var wakes = [inbox.append(.message(subject: "a", Array(repeating: 0, count: 30)))]
        for _ in 0..<5 { wakes.append(inbox.append(.message(subject: "a", Array(repeating: 0, count: 90)))) }
        #expect(wakes == [true, false, false, false, false, false])
        #expect(inbox.take() == [.message(subject: "a", Array(repeating: 0, count: 30)), .lost])
        #expect(inbox.dropped == 5)
        #expect(inbox.append(.connected) == true)
    }
}

@Suite("Addresses of NATS")
struct NATSServersTests {
    @Test(
        "Addresses are completed, and told without secrets",
        arguments: [
            ("h", "nats://h:4222"), ("nats://u:p@h:1, tls://t@g", "nats://h:1, tls://g:4222"),
            ("nats://[::1]:4333", "nats://[::1]:4333"),
        ])
    func good(text: String, shown: String) throws {
        let servers = try NATSServers(text)
        #expect(servers.description == shown)
        #expect(servers.isSecure == text.contains("tls://"))
    }

    @Test(
        "What is none is refused without its password",
        arguments: ["", ",", "http://h", "nats://", "nats://h:0", "nats://u:secret@h:x"])
    func bad(text: String) {
        #expect { try NATSServers(text) } throws: { error in !"\(error)".contains("secret") }
    }
}
