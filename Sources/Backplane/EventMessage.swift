import Channels

/// Events of one channel on their way to the other nodes: as many as waited when they left.
package struct EventMessage: Sendable {
    /// One event.
    package struct Entry: Sendable, Equatable {
        /// The event's name.
        package var name: String
        /// The content of the data string, escaped for the inside of a JSON string.
        package var escapedData: ArraySlice<UInt8>
        /// Whether the channel remembers it.
        package var isKept = false
        /// Whether a client sent it.
        package var isClientEvent = false
        /// The connection that does not get it.
        package var excludedSocketID: String?
        /// The sender's user id on a presence channel.
        package var userID: String?
        /// When it was published, in microseconds since 1970; orders the events of cache channels over nodes.
        package var time: Int64 = 0

        /// An event.
        package init(name: String, escapedData: ArraySlice<UInt8>) {
            self.name = name
            self.escapedData = escapedData
        }
    }

    /// Who sent it.
    package let node: UInt64
    /// Counts up with every message of the node: what has come already is known by it.
    package let number: UInt64
    /// The events in their order.
    package let entries: [Entry]

    /// Where the number stands.
    static let numberOffset = 11

    /// Reads a message.
    ///
    /// - Throws: ``BackplaneError/malformed(_:)``, also when an event's data could not stand in a JSON string.
    package init(parsing bytes: [UInt8]) throws(BackplaneError) {
        var reader = WireReader(bytes)
        let (kind, node) = try reader.header()
        guard kind == .events else { throw .malformed("a message on a channel has no events") }
        self.node = node
        self.number = try reader.number()
        var entries: [Entry] = []
        while !reader.isAtEnd { entries.append(try Self.entry(&reader)) }
        self.entries = entries
    }

    /// The head of a message without events.
    package static func head(node: UInt64, number: UInt64) -> [UInt8] {
        var bytes = Wire.header(.events, node: node)
        bytes.append(wire: number)
        return bytes
    }

    /// One event's bytes, to be appended to a head.
    package static func bytes(of entry: Entry) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entry.escapedData.count + entry.name.utf8.count + 48)
        var flags: UInt8 = entry.isKept ? 1 : 0
        if entry.isClientEvent { flags |= 2 }
        if entry.excludedSocketID != nil { flags |= 4 }
        if entry.userID != nil { flags |= 8 }
        bytes.append(flags)
        bytes.append(wire: entry.time)
        bytes.append(wire: entry.name)
        bytes.append(wireBytes: entry.escapedData)
        if let id = entry.excludedSocketID { bytes.append(wire: id) }
        if let id = entry.userID { bytes.append(wire: id) }
        return bytes
    }

    private static func entry(_ reader: inout WireReader) throws(BackplaneError) -> Entry {
        let flags = try reader.number(UInt8.self)
        let time = try reader.number(Int64.self)
        let name = try reader.text()
        let data = try reader.data()
        guard JSONText.isEscaped(data) else { throw .malformed("an event's data is no content of a JSON string") }
        var entry = Entry(name: name, escapedData: data)
        entry.isKept = flags & 1 != 0
        entry.isClientEvent = flags & 2 != 0
        entry.time = time
        if flags & 4 != 0 { entry.excludedSocketID = try reader.text() }
        if flags & 8 != 0 { entry.userID = try reader.text() }
        return entry
    }
}
