import Channels

/// One thing that a node says about its own connections.
///
/// Everything is said as it is now, not as a difference: hearing it twice changes nothing.
public enum DirectoryRecord: Sendable, Equatable {
    /// A user on a presence channel: JSON text about it, `nil` when it has left.
    public struct Member: Sendable, Equatable {
        /// The user's id.
        public var id: String
        /// JSON text about the user; `nil` when the node has no connection of it on the channel any more.
        public var info: String?

        /// A member.
        public init(id: String, info: String?) {
            self.id = id
            self.info = info
        }
    }

    /// How many of the node's connections are on a channel, and the members that have changed; in a full state, all of them.
    case channel(app: String, name: String, count: Int, members: [Member])
    /// Whether a connection of the node is signed in as a user.
    case user(app: String, id: String, isOnline: Bool)
    /// A subscriber found a cache channel empty.
    case cacheMiss(app: String, channel: String)
    /// All connections of a user shall be closed.
    case terminate(app: String, id: String)

    /// Appends the record to a message.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .channel(let app, let name, let count, let members):
            bytes.append(1)
            bytes.append(wire: app)
            bytes.append(wire: name)
            bytes.append(wire: UInt32(clamping: count))
            bytes.append(wire: UInt32(clamping: members.count))
            for member in members {
                bytes.append(wire: member.id)
                bytes.append(member.info == nil ? 0 : 1)
                if let info = member.info { bytes.append(wireBytes: Array(info.utf8)) }
            }
        case .user(let app, let id, let isOnline):
            bytes.append(isOnline ? 2 : 3)
            bytes.append(wire: app)
            bytes.append(wire: id)
        case .cacheMiss(let app, let channel):
            bytes.append(4)
            bytes.append(wire: app)
            bytes.append(wire: channel)
        case .terminate(let app, let id):
            bytes.append(5)
            bytes.append(wire: app)
            bytes.append(wire: id)
        }
    }

    init(_ reader: inout WireReader) throws(BackplaneError) {
        let kind = try reader.number(UInt8.self)
        let app = try reader.text()
        let name = try reader.text()
        switch kind {
        case 1:
            guard (try? ChannelName(name)) != nil else { throw .malformed("'\(name.prefix(40))' is no channel") }
            let count = try reader.number(UInt32.self)
            // Read one by one: a number that promises more than there is ends with the bytes.
            var members: [Member] = []
            for _ in 0..<(try reader.number(UInt32.self)) {
                let id = try reader.text()
                guard try reader.number(UInt8.self) != 0 else {
                    members.append(Member(id: id, info: nil))
                    continue
                }
                let info = Array(try reader.data())
                guard JSONText.isValue(info) else { throw .malformed("what is said about a user is no JSON") }
                members.append(Member(id: id, info: String(decoding: info, as: UTF8.self)))
            }
            self = .channel(app: app, name: name, count: Int(count), members: members)
        case 2, 3: self = .user(app: app, id: name, isOnline: kind == 2)
        case 4:
            guard (try? ChannelName(name)) != nil else { throw .malformed("'\(name.prefix(40))' is no channel") }
            self = .cacheMiss(app: app, channel: name)
        case 5: self = .terminate(app: app, id: name)
        default: throw .malformed("a record of kind \(kind)")
        }
    }
}
