/// What one client of the event stream (`text/event-stream`, HTML standard section 9.2) gets, without I/O.
///
/// Frames of the Pusher protocol come in, the response's text goes out. The response begins when every channel has been
/// joined; until then it can still be refused with a status.
public struct EventStream: Sendable {
    /// What to do with the response.
    public enum Action: Equatable, Sendable {
        /// Nothing.
        case doNothing
        /// Send the head and then this text.
        case begin([UInt8])
        /// Send this text.
        case write([UInt8])
        /// Refuse the request: the channel could not be joined.
        case refuse(channel: String, message: String)
    }

    private enum State {
        case joining(Set<String>, early: [UInt8])
        case open
        case refused
    }

    private var state: State

    /// A stream of `channels`, none of which has been joined yet.
    ///
    /// - Parameters:
    ///   - channels: At least one.
    ///   - retry: What a client is told to wait before it connects again.
    public init(channels: [ChannelName], retry: Duration) {
        let (seconds, attoseconds) = retry.components
        let text = "retry: \(seconds * 1000 + attoseconds / 1_000_000_000_000_000)\n\n"
        self.state = .joining(Set(channels.map(\.text)), early: Array(text.utf8))
    }

    /// A comment, which clients skip: it keeps proxies from closing a quiet stream.
    public static let heartbeat = Array(": \n\n".utf8)

    /// The protocol side sends a frame.
    ///
    /// Events become `event`, `id` and `data`; what the protocol says about itself is left out.
    public mutating func received(_ frame: UnsafeBufferPointer<UInt8>) -> Action {
        guard let message = try? Message(frame) else { return .doNothing }  // The server's own frames are well formed.
        switch self.state {
        case .joining(var channels, var early):
            switch message.event {
            case "pusher_internal:subscription_succeeded":
                channels.remove(message.channel)
                self.state = channels.isEmpty ? .open : .joining(channels, early: early)
                return channels.isEmpty ? .begin(early) : .doNothing
            case "pusher:subscription_error":
                self.state = .refused
                return .refuse(channel: message.channel, message: message.reason)
            default:
                message.write(to: &early)
                self.state = .joining(channels, early: early)
                return .doNothing
            }
        case .open:
            var text: [UInt8] = []
            message.write(to: &text)
            return text.isEmpty ? .doNothing : .write(text)
        case .refused:
            return .doNothing
        }
    }

    /// The members of a frame that matter here.
    private struct Message {
        var event = ""
        var channel = ""
        var data: [UInt8] = []

        init(_ frame: UnsafeBufferPointer<UInt8>) throws(ChannelsError) {
            var reader = JSONReader(frame)
            try reader.readObject { (reader, key) throws(ChannelsError) in
                guard try reader.peek() == .string else {
                    _ = try reader.skipValue()
                    return
                }
                let value = try reader.readString()
                if reader.matches(key, "event") {
                    self.event = reader.decode(value)
                } else if reader.matches(key, "channel") {
                    self.channel = reader.decode(value)
                } else if reader.matches(key, "data") {
                    let raw = UnsafeBufferPointer(rebasing: frame[value.range])
                    self.data = value.hasEscapes ? JSONText.unescaped(raw) : Array(raw)
                }
            }
        }

        /// Why a subscription was refused.
        var reason: String {
            self.member("error") { (reader) throws(ChannelsError) in reader.decode(try reader.readString()) } ?? ""
        }

        /// The event's number on its channel, when it has one.
        private var sequence: String? {
            self.member("sequence") { (reader) throws(ChannelsError) in
                guard try reader.peek() == .number else { throw reader.failure("a number is expected") }
                let range = try reader.skipValue()
                return String(decoding: reader.bytes[range], as: UTF8.self)
            }
        }

        func write(to output: inout [UInt8]) {
            guard !self.event.hasPrefix("pusher:"), !self.event.hasPrefix("pusher_internal:") else { return }
            output.append(contentsOf: "event: ".utf8)
            // A line end would begin another field.
            output.append(contentsOf: self.event.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
            output.append(contentsOf: "\nid: \(self.channel)".utf8)
            if let sequence = self.sequence { output.append(contentsOf: ":\(sequence)".utf8) }
            output.append(contentsOf: "\ndata: ".utf8)
            var wasReturn = false
            for byte in self.data {
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
        }

        /// A member of the data, when that is a JSON object and has it.
        private func member(
            _ name: StaticString,
            _ read: (inout JSONReader) throws(ChannelsError) -> String
        ) -> String? {
            self.data.withUnsafeBufferPointer { bytes in
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
}
