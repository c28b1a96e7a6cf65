import Testing

@testable import Channels

/// Reads a client's frame from text.
func clientFrame(_ text: String) throws -> ClientFrame {
    try Array(text.utf8).withUnsafeBufferPointer { try ClientFrame(parsing: $0) }
}

@Suite("Frames from clients")
struct ClientFrameTests {
    @Test("data may be an object or a string that contains the object")
    func subscribe() throws {
        let expected = ClientFrame.subscribe(channel: "c", auth: "k:s", channelData: #"{"user_id":"1"}"#)
        #expect(
            try clientFrame(
                #"{"event":"pusher:subscribe","data":{"channel":"c","auth":"k:s","channel_data":"{\"user_id\":\"1\"}"}}"#
            ) == expected
        )
        #expect(
            try clientFrame(
                #"{"data":"{\"channel\":\"c\",\"auth\":\"k:s\",\"channel_data\":\"{\\\"user_id\\\":\\\"1\\\"}\"}","event":"pusher:subscribe"}"#
            ) == expected
        )
    }

    @Test("auth may be missing, null or empty", arguments: ["", #","auth":null"#, #","auth":"""#])
    func auth(member: String) throws {
        let frame = try clientFrame(#"{"event":"pusher:subscribe","data":{"channel":"c"\#(member)}}"#)
        #expect(frame == .subscribe(channel: "c", auth: member.hasSuffix("\"\"") ? "" : nil, channelData: nil))
    }

    @Test(
        "A ping may have an object, a string or no data",
        arguments: ["", #","data":{}"#, #","data":"{}""#, #","data":null"#])
    func ping(member: String) throws {
        #expect(try clientFrame(#"{"event":"pusher:ping"\#(member)}"#) == .ping)
    }

    @Test("Every other event is recognised")
    func others() throws {
        #expect(try clientFrame(#"{"event":"pusher:pong","data":{}}"#) == .pong)
        #expect(
            try clientFrame(#"{"event":"pusher:unsubscribe","data":{"channel":"c"}}"#) == .unsubscribe(channel: "c"))
        #expect(
            try clientFrame(#"{"event":"pusher:signin","data":{"auth":"a","user_data":"u"}}"#)
                == .signIn(auth: "a", userData: "u")
        )
        #expect(
            try clientFrame(#"{"event":"client-x","channel":"private-c","data":{"a": [1]}}"#)
                == .clientEvent(name: "client-x", channel: "private-c", data: #"{"a": [1]}"#)
        )
        #expect(try clientFrame(#"{"event":"pusher:what"}"#) == .unsupported(event: "pusher:what"))
    }

    @Test(
        "What is not a frame is refused with a reason",
        arguments: [
            "", "x", "[]", "1", "null", "{", #"{"event":"pusher:ping"}x"#, #"{"event":1}"#, #"{"data":{}}"#,
            #"{"event":"pusher:subscribe"}"#, #"{"event":"pusher:subscribe","data":{}}"#,
            #"{"event":"pusher:subscribe","data":[]}"#, #"{"event":"pusher:subscribe","data":"x"}"#,
            #"{"event":"pusher:subscribe","data":{"channel":7}}"#, #"{"event":"pusher:unsubscribe","data":{}}"#,
            #"{"event":"a","x":01}"#, #"{"event":"a","x":1.}"#, #"{"event":"a","x":"\q"}"#,
            #"{"event":"a","x":"\u12"}"#,
            #"{"event":"a","x":tru}"#, #"{"event":"a",}"#, "{\"event\":\"a\nb\"}",
            #"{"event":"a","x":"# + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}",
        ]
    )
    func refused(text: String) {
        #expect(throws: ChannelsError.self) { try clientFrame(text) }
    }

    @Test("Cut anywhere, a frame is refused and never crashes")
    func cut() {
        let text =
            #"{"event":"pusher:subscribe","data":"{\"channel\":\"\u00e9\ud83d\ude00\",\"a\":[1.5e-3,true,null,{}]}","x":-0}"#
        for count in 0..<text.utf8.count {
            #expect(throws: ChannelsError.self) {
                try clientFrame(String(decoding: Array(text.utf8.prefix(count)), as: UTF8.self))
            }
        }
        #expect(throws: Never.self) { try clientFrame(text) }
    }

    @Test("Escapes are undone, lone surrogates become U+FFFD")
    func escapes() throws {
        let frame = try clientFrame(#"{"event":"\u0041\ud83d\ude00\ud800\"\\\/\b\f\n\r\t"}"#)
        #expect(frame == .unsupported(event: "A😀\u{FFFD}\"\\/\u{8}\u{C}\n\r\t"))
    }
}

@Suite("Frames to clients")
struct ServerFrameTests {
    private func text(_ frame: ServerFrame) -> String {
        var bytes: [UInt8] = []
        frame.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("data is a string in every frame but pusher:error")
    func encodings() throws {
        #expect(
            self.text(.connectionEstablished(try SocketID("123.456"), activityTimeout: 120))
                == #"{"event":"pusher:connection_established","data":"{\"socket_id\":\"123.456\",\"activity_timeout\":120}"}"#
        )
        #expect(
            self.text(.subscriptionSucceeded(channel: "c"))
                == #"{"event":"pusher_internal:subscription_succeeded","channel":"c","data":"{}"}"#
        )
        #expect(
            self.text(.error(code: nil, message: "a\"b"))
                == #"{"event":"pusher:error","data":{"code":null,"message":"a\"b"}}"#
        )
        #expect(
            self.text(.error(code: 4301, message: "x"))
                == #"{"event":"pusher:error","data":{"code":4301,"message":"x"}}"#
        )
        #expect(
            self.text(.subscriptionError(channel: "c", message: "no"))
                == #"{"event":"pusher:subscription_error","channel":"c","data":"{\"type\":\"AuthError\",\"error\":\"no\",\"status\":401}"}"#
        )
        #expect(self.text(.ping) == #"{"event":"pusher:ping","data":"{}"}"#)
        #expect(self.text(.pong) == #"{"event":"pusher:pong","data":"{}"}"#)
    }

    @Test("An event's data is escaped into the string, and the range returned is where it stands")
    func event() {
        var bytes: [UInt8] = Array("before".utf8)
        let range = Array("{\"a\":\"\u{1}\n\"}".utf8).withUnsafeBufferPointer {
            ServerFrame.writeEvent(name: "tick", channel: "c", data: $0, to: &bytes)
        }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"before{"event":"tick","channel":"c","data":"{\"a\":\"\u0001\n\"}"}"#)
        #expect(String(decoding: bytes[range], as: UTF8.self) == #"{\"a\":\"\u0001\n\"}"#)
    }

    @Test("Escaping and unescaping any text gives the text again", arguments: UInt64(0)..<50)
    func roundTrip(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        let scalars: [Unicode.Scalar] = ["\"", "\\", "\n", "\u{0}", "\u{1F}", "a", "é", "😀", "/", "\u{7F}", "u", "0"]
        let text = String(String.UnicodeScalarView((0..<next(40)).map { _ in scalars[Int(next(12))] }))
        var escaped: [UInt8] = []
        Array(text.utf8).withUnsafeBufferPointer { JSONText.appendEscaped($0, to: &escaped) }
        #expect(escaped.withUnsafeBufferPointer { JSONText.unescaped($0) } == Array(text.utf8))
        #expect(throws: Never.self) { try clientFrame("{\"event\":\(JSONText.quoted(text))}") }
    }
}
