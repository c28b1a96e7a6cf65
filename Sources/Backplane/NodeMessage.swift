import Channels

/// What nodes say to each other besides events.
public enum NodeMessage: Sendable, Equatable {
    /// A node's place in what it has said, and what it is.
    public struct Pulse: Sendable, Equatable {
        /// When its directory began, in microseconds since 1970: a new one has nothing to do with the older.
        public var epoch: UInt64
        /// The number of its newest changes.
        public var sequence: UInt64
        /// Whether it has learnt what the others have said: it may then be the one that tells apps' servers.
        public var isReady = false
        /// Whether market data comes from it.
        public var isFeeding = false
        /// Whether clients connect to it.
        public var hasClients = false
        /// Whether it wants to hear from the others at once.
        public var isGreeting = false

        /// A pulse.
        public init(epoch: UInt64, sequence: UInt64) {
            self.epoch = epoch
            self.sequence = sequence
        }
    }

    /// A channel that is asked for.
    public struct Question: Sendable, Hashable {
        /// The app's id.
        public var app: String
        /// The channel; empty: every primary ticker of the app.
        public var channel: String

        /// A question.
        public init(app: String, channel: String) {
            self.app = app
            self.channel = channel
        }
    }

    /// The last value of a channel.
    public struct Value: Sendable, Equatable {
        /// The app's id.
        public var app: String
        /// The channel.
        public var channel: String
        /// The event's name.
        public var name: String
        /// The content of the data string, escaped for the inside of a JSON string.
        public var escapedData: [UInt8]
        /// When it was published, in microseconds since 1970; 0 when that is not known.
        public var time: Int64

        /// A value.
        public init(app: String, channel: String, name: String, escapedData: [UInt8], time: Int64) {
            self.app = app
            self.channel = channel
            self.name = name
            self.escapedData = escapedData
            self.time = time
        }
    }

    /// It lives.
    case heartbeat(Pulse)
    /// What has changed at it since the changes before.
    case changes(epoch: UInt64, sequence: UInt64, [DirectoryRecord])
    /// A part of everything it knows about its own connections, as of `sequence`.
    case state(epoch: UInt64, sequence: UInt64, part: Int, isLast: Bool, [DirectoryRecord])
    /// Asks for the full state.
    case stateRequest
    /// It ends.
    case bye
    /// Asks for last values.
    case ask(number: UInt64, [Question])
    /// What it has of them; several answers to one question end with the one that is last.
    case answer(number: UInt64, isLast: Bool, [Value])

    /// The message's bytes, from this node.
    public func bytes(from node: UInt64) -> [UInt8] {
        var bytes: [UInt8]
        switch self {
        case .heartbeat(let pulse):
            bytes = Wire.header(.heartbeat, node: node)
            bytes.append(wire: pulse.epoch)
            bytes.append(wire: pulse.sequence)
            let flags = [pulse.isReady, pulse.isFeeding, pulse.hasClients, pulse.isGreeting]
            bytes.append(flags.enumerated().reduce(0) { $0 | ($1.element ? 1 << UInt8($1.offset) : 0) })
        case .changes(let epoch, let sequence, let records):
            bytes = Wire.header(.changes, node: node)
            bytes.append(wire: epoch)
            bytes.append(wire: sequence)
            for record in records { record.append(to: &bytes) }
        case .state(let epoch, let sequence, let part, let isLast, let records):
            bytes = Wire.header(.state, node: node)
            bytes.append(wire: epoch)
            bytes.append(wire: sequence)
            bytes.append(wire: UInt32(clamping: part))
            bytes.append(isLast ? 1 : 0)
            for record in records { record.append(to: &bytes) }
        case .stateRequest: bytes = Wire.header(.stateRequest, node: node)
        case .bye: bytes = Wire.header(.bye, node: node)
        case .ask(let number, let questions):
            bytes = Wire.header(.ask, node: node)
            bytes.append(wire: number)
            for question in questions {
                bytes.append(wire: question.app)
                bytes.append(wire: question.channel)
            }
        case .answer(let number, let isLast, let values):
            bytes = Wire.header(.answer, node: node)
            bytes.append(wire: number)
            bytes.append(isLast ? 1 : 0)
            for value in values {
                bytes.append(wire: value.app)
                bytes.append(wire: value.channel)
                bytes.append(wire: value.name)
                bytes.append(wire: value.time)
                bytes.append(wireBytes: value.escapedData)
            }
        }
        return bytes
    }

    /// Reads a message.
    ///
    /// - Parameter bytes: What came.
    /// - Returns: Who sent it, and what.
    /// - Throws: ``BackplaneError/malformed(_:)``.
    public static func parse(_ bytes: [UInt8]) throws(BackplaneError) -> (node: UInt64, message: NodeMessage) {
        var reader = WireReader(bytes)
        let (kind, node) = try reader.header()
        let message = try Self.read(kind, &reader)
        guard reader.isAtEnd else { throw .malformed("bytes behind its end") }
        return (node, message)
    }

    private static func read(_ kind: Wire.Kind, _ reader: inout WireReader) throws(BackplaneError) -> NodeMessage {
        switch kind {
        case .events: throw .malformed("events that are on no channel")
        case .heartbeat:
            var pulse = Pulse(epoch: try reader.number(), sequence: try reader.number())
            let flags = try reader.number(UInt8.self)
            pulse.isReady = flags & 1 != 0
            pulse.isFeeding = flags & 2 != 0
            pulse.hasClients = flags & 4 != 0
            pulse.isGreeting = flags & 8 != 0
            return .heartbeat(pulse)
        case .changes:
            return .changes(epoch: try reader.number(), sequence: try reader.number(), try Self.records(&reader))
        case .state:
            return .state(
                epoch: try reader.number(), sequence: try reader.number(), part: Int(try reader.number(UInt32.self)),
                isLast: try reader.number(UInt8.self) != 0, try Self.records(&reader))
        case .stateRequest: return .stateRequest
        case .bye: return .bye
        case .ask:
            let number = try reader.number(UInt64.self)
            var questions: [Question] = []
            while !reader.isAtEnd { questions.append(Question(app: try reader.text(), channel: try reader.text())) }
            return .ask(number: number, questions)
        case .answer:
            let number = try reader.number(UInt64.self)
            let isLast = try reader.number(UInt8.self) != 0
            var values: [Value] = []
            while !reader.isAtEnd {
                let (app, channel, name) = (try reader.text(), try reader.text(), try reader.text())
                let time = try reader.number(Int64.self)
                let data = try reader.data()
                guard JSONText.isEscaped(data) else { throw .malformed("a value is no content of a JSON string") }
                values.append(
                    Value(app: app, channel: channel, name: name, escapedData: Array(data), time: time))
            }
            return .answer(number: number, isLast: isLast, values)
        }
    }

    private static func records(_ reader: inout WireReader) throws(BackplaneError) -> [DirectoryRecord] {
        var records: [DirectoryRecord] = []
        while !reader.isAtEnd { records.append(try DirectoryRecord(&reader)) }
        return records
    }
}

extension NodeMessage {
    /// Cuts values into answers that fit a message; the last one says so.
    public static func answers(number: UInt64, _ values: [Value]) -> [NodeMessage] {
        self.pieces(values) { $0.escapedData.count + $0.channel.utf8.count + 128 }.map { piece, isLast in
            .answer(number: number, isLast: isLast, piece)
        }
    }

    /// Cuts a full state into parts that fit a message.
    ///
    /// A channel with very many members is cut as well: its later parts repeat the number of connections.
    public static func states(epoch: UInt64, sequence: UInt64, _ records: [DirectoryRecord]) -> [NodeMessage] {
        self.pieces(records.flatMap(Self.cut), size: Self.size).enumerated().map { index, piece in
            .state(epoch: epoch, sequence: sequence, part: index, isLast: piece.isLast, piece.items)
        }
    }

    /// Cuts changes into lists that each fit a message.
    public static func changes(_ records: [DirectoryRecord]) -> [[DirectoryRecord]] {
        records.isEmpty ? [] : self.pieces(records.flatMap(Self.cut), size: Self.size).map(\.items)
    }

    private static func cut(_ record: DirectoryRecord) -> [DirectoryRecord] {
        guard case .channel(let app, let name, let count, let members) = record, members.count > 100 else {
            return [record]
        }
        return stride(from: 0, to: members.count, by: 100).map { start in
            .channel(
                app: app, name: name, count: count, members: Array(members[start..<min(start + 100, members.count)]))
        }
    }

    private static func size(_ record: DirectoryRecord) -> Int {
        guard case .channel(_, _, _, let members) = record else { return 512 }
        return members.reduce(512) { $0 + $1.id.utf8.count + ($1.info?.utf8.count ?? 0) + 16 }
    }

    private static func pieces<Item>(_ items: [Item], size: (Item) -> Int) -> [(items: [Item], isLast: Bool)] {
        var pieces: [[Item]] = [[]]
        var bytes = 0
        for item in items {
            let size = size(item)
            if bytes + size > Wire.messageBytesMax / 2, !(pieces.last?.isEmpty ?? true) {
                pieces.append([])
                bytes = 0
            }
            pieces[pieces.count - 1].append(item)
            bytes += size
        }
        return pieces.enumerated().map { ($1, $0 == pieces.count - 1) }
    }
}
