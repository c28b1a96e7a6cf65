/// One frame of the server as event streams need it: the text that their clients get, and what the stream itself must know.
///
/// The text is the same for every client, so a frame is converted once for all of them.
public struct EventStreamMessage: Equatable, Sendable {
    /// The event's name.
    let event: String
    /// Its channel; empty for what is about the connection.
    let channel: String
    /// Why a subscription was refused; empty in other frames.
    let reason: String
    /// The event's fields and the empty line behind them; empty for what the protocol says about itself.
    let text: [UInt8]

    /// Converts a frame's text, which is UTF-8; `nil` for what is no JSON object.
    public init?(_ frame: UnsafeBufferPointer<UInt8>) {
        var members = Members()
        do throws(ChannelsError) { try members.read(frame) } catch { return nil }
        self.event = members.event
        self.channel = members.channel
        self.reason =
            members.event == "pusher:subscription_error"
            ? Self.member("error", of: members.data) { (reader) throws(ChannelsError) in
                reader.decode(try reader.readString())
            } ?? "" : ""
        self.text = Self.text(members)
    }

    private struct Members {
        var event = ""
        var channel = ""
        var data: [UInt8] = []

        mutating func read(_ frame: UnsafeBufferPointer<UInt8>) throws(ChannelsError) {
            var reader = JSONReader(frame)
            var members = self
            try reader.readObject { (reader, key) throws(ChannelsError) in
                guard try reader.peek() == .string else {
                    _ = try reader.skipValue()
                    return
                }
                let value = try reader.readString()
                if reader.matches(key, "event") {
                    members.event = reader.decode(value)
                } else if reader.matches(key, "channel") {
                    members.channel = reader.decode(value)
                } else if reader.matches(key, "data") {
                    let raw = UnsafeBufferPointer(rebasing: frame[value.range])
                    members.data = value.hasEscapes ? JSONText.unescaped(raw) : Array(raw)
                }
            }
            self = members
        }
    }

    private static func text(_ members: Members) -> [UInt8] {
        guard !members.event.hasPrefix("pusher:"), !members.event.hasPrefix("pusher_internal:") else { return [] }
        var output: [UInt8] = []
        output.reserveCapacity(members.data.count + 96)
        output.append(contentsOf: "event: ".utf8)
        // A line end would begin another field.
        output.append(contentsOf: members.event.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
        output.append(contentsOf: "\nid: \(members.channel)".utf8)
        if let sequence = self.sequence(of: members.data) { output.append(contentsOf: ":\(sequence)".utf8) }
        output.append(contentsOf: "\ndata: ".utf8)
        var wasReturn = false
        for byte in members.data {
            if byte == 0x0A, wasReturn {
                wasReturn = false
                continue
            }
            wasReturn = byte == 0x0D
            if byte == 0x0A || byte == 0x0D {
                output.append(contentsOf: "\ndata: ".utf8)
            } else {
                output.append(byte)
            }
        }
        output.append(contentsOf: "\n\n".utf8)
        return output
    }

    /// The event's number on its channel, when it has one.
    private static func sequence(of data: [UInt8]) -> String? {
        self.member("sequence", of: data) { (reader) throws(ChannelsError) in
            guard try reader.peek() == .number else { throw reader.failure("a number is expected") }
            let range = try reader.skipValue()
            return String(decoding: reader.bytes[range], as: UTF8.self)
        }
    }

    /// A member of the data, when that is a JSON object and has it.
    private static func member(
        _ name: StaticString, of data: [UInt8],
        _ read: (inout JSONReader) throws(ChannelsError) -> String
    ) -> String? {
        data.withUnsafeBufferPointer { bytes in
            var found: String?
            do throws(ChannelsError) {
                var reader = JSONReader(bytes)
                guard try reader.peek() == .object else { return nil }
                try reader.readObject { (reader, key) throws(ChannelsError) in
                    if found == nil, reader.matches(key, name) {
                        found = try read(&reader)
                    } else {
                        _ = try reader.skipValue()
                    }
                }
            } catch {
                return nil  // An application's data need not be JSON.
            }
            return found
        }
    }
}
