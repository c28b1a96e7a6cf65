import Testing

@testable import Channels

@Suite("The event stream")
struct EventStreamTests {
    private static func succeeded(_ channel: String) -> String {
        #"{"event":"pusher_internal:subscription_succeeded","channel":"\#(channel)","data":"{}"}"#
    }

    private static func event(_ name: String, _ channel: String, _ data: String) -> String {
        var bytes: [UInt8] = []
        Array(data.utf8).withUnsafeBufferPointer {
            _ = ServerFrame.writeEvent(name: name, channel: channel, data: $0, to: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func stream(_ channels: String...) throws -> EventStream {
        EventStream(channels: try channels.map { try ChannelName($0) }, retry: .milliseconds(1500))
    }

    @Test("begins when every channel has been joined, with what came meanwhile")
    func begins() throws {
        var stream = try Self.stream("a", "b")
        #expect(stream.receive(#"{"event":"pusher:connection_established","data":"{}"}"#) == "")
        #expect(stream.receive(Self.succeeded("a")) == "")
        #expect(stream.receive(Self.event("snapshot", "a", #"{"sequence":7}"#)) == "")
        #expect(
            stream.receive(Self.succeeded("b"))
                == "begin: retry: 1500\n\nevent: snapshot\nid: a:7\ndata: {\"sequence\":7}\n\n")
        #expect(
            stream.receive(Self.event("tick", "b", #"{"price":"1"}"#))
                == "event: tick\nid: b\ndata: {\"price\":\"1\"}\n\n")
    }

    @Test("is refused when a channel cannot be joined, and stays so")
    func refuses() throws {
        var stream = try Self.stream("a", "b")
        var bytes: [UInt8] = []
        ServerFrame.subscriptionError(channel: "a", message: "No symbol 'X'").write(to: &bytes)
        let message = try #require(bytes.withUnsafeBufferPointer { EventStreamMessage($0) })
        let action = stream.received(message)
        #expect(action == .refuse(channel: "a", message: "No symbol 'X'"))
        #expect(stream.receive(Self.succeeded("b")) == "")
    }

    @Test("says nothing about the protocol")
    func silentAboutProtocol() throws {
        var stream = try Self.stream("a")
        _ = stream.receive(Self.succeeded("a"))
        #expect(stream.receive(#"{"event":"pusher:ping","data":"{}"}"#) == "")
        #expect(stream.receive(#"{"event":"pusher:error","data":{"code":null,"message":"x"}}"#) == "")
        #expect(stream.receive(Self.succeeded("a")) == "")
    }

    @Test(
        "data of several lines becomes several fields, a name keeps to one",
        arguments: [
            ("a\nb", "data: a\ndata: b\n"), ("a\r\nb", "data: a\ndata: b\n"), ("a\rb\n", "data: a\ndata: b\ndata: \n"),
            ("", "data: \n"), ("a\n\nb", "data: a\ndata: \ndata: b\n"),
        ])
    func lines(data: String, fields: String) throws {
        var stream = try Self.stream("a")
        _ = stream.receive(Self.succeeded("a"))
        #expect(stream.receive(Self.event("x\ny", "a", data)) == "event: x y\nid: a\n\(fields)\n")
    }

    @Test(
        "the id has the sequence of a JSON object only",
        arguments: [
            (#"{"a":{"sequence":1},"sequence":18446744073709551615}"#, "a:18446744073709551615"),
            (#"[{"sequence":1}]"#, "a"),
            (#"{"sequence":"1"}"#, "a"), ("sequence", "a"), (#"{"sequence":1"#, "a"),
        ])
    func ids(data: String, id: String) throws {
        var stream = try Self.stream("a")
        _ = stream.receive(Self.succeeded("a"))
        #expect(stream.receive(Self.event("x", "a", data)).contains("id: \(id)\n"))
    }
}

extension EventStream {
    /// What a frame leads to, as text.
    fileprivate mutating func receive(_ frame: String) -> String {
        guard let message = Array(frame.utf8).withUnsafeBufferPointer({ EventStreamMessage($0) }) else { return "" }
        return switch self.received(message) {
        case .doNothing: ""
        case .begin(let text): "begin: " + String(decoding: text, as: UTF8.self)
        case .write(let text): String(decoding: text, as: UTF8.self)
        case .refuse: "refused"
        }
    }
}
