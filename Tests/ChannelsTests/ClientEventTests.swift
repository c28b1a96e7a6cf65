import Testing

@testable import Channels

@Suite("Client events")
struct ClientEventTests {
    private let socketID = SocketID(bits: 0x0000_04D2_0000_162E)
    private let start = ContinuousClock.now

    private func opened(isEnabled: Bool = true, limits: PusherConnection.Limits = .init()) -> (PusherConnection, App) {
        var options = App.Options()
        options.hasClientEvents = isEnabled
        let app = App(id: "1", key: "key", secret: "secret", options: options)
        var connection = PusherConnection(limits: limits, now: self.start)
        _ = connection.opened(
            app: app, protocolVersion: "7", hasCapacity: true, socketID: self.socketID, now: self.start)
        return (connection, app)
    }

    private func send(_ text: String, to connection: inout PusherConnection, after: Duration = .zero)
        -> PusherConnection.Action
    {
        Array(text.utf8).withUnsafeBufferPointer {
            connection.received(text: $0, now: self.start.advanced(by: after))
        }
    }

    private func join(_ channel: String, _ connection: inout PusherConnection, _ app: App) {
        let data = channel.hasPrefix("presence-") ? #"{"user_id":5}"# : nil
        let auth = ChannelAuth(app: app).sign(socketID: "1234.5678", channel: channel, channelData: data)
        let member = data.map { #","channel_data":\#(JSONText.quoted($0))"# } ?? ""
        let action = self.send(
            #"{"event":"pusher:subscribe","data":{"channel":"\#(channel)","auth":"\#(auth)"\#(member)}}"#,
            to: &connection)
        if case .subscribe = action {} else { Issue.record("\(action)") }
    }

    private func refusal(_ action: PusherConnection.Action) -> String? {
        if case .send(.error(let code, let message)) = action { return "\(code ?? 0) \(message)" }
        return nil
    }

    @Test(
        "Private and presence channels have them, other kinds do not",
        arguments: [
            ("private-x", true), ("private-cache-x", true), ("presence-x", true), ("presence-cache-x", true),
            ("x", false), ("cache-x", false), ("private-encrypted-x", false), ("private-encrypted-cache-x", false),
        ]
    )
    func kinds(name: String, isAllowed: Bool) throws {
        var (connection, app) = self.opened()
        self.join(name, &connection, app)
        let action = self.send(
            #"{"event":"client-a","channel":"\#(name)","data":{"b":1},"user_id":"9"}"#, to: &connection)
        if isAllowed {
            let userID = name.hasPrefix("presence-") ? "5" : nil
            #expect(
                action
                    == .broadcast(
                        ClientEvent(
                            name: "client-a", channel: try ChannelName(name), data: #"{"b":1}"#, userID: userID)))
        } else {
            #expect(self.refusal(action)?.hasPrefix("0 Cannot broadcast client event 'client-a'") == true)
        }
    }

    @Test("What is not allowed says so and leaves the connection open")
    func refusals() {
        var (disabled, app) = self.opened(isEnabled: false)
        self.join("private-x", &disabled, app)
        let event = #"{"event":"client-a","channel":"private-x","data":1}"#
        #expect(self.refusal(self.send(event, to: &disabled))?.contains("not enabled") == true)
        var (connection, _) = self.opened()
        #expect(self.refusal(self.send(event, to: &connection))?.contains("connection not subscribed") == true)
        #expect(self.refusal(self.send(#"{"event":"client-a"}"#, to: &connection))?.contains("needs 'channel'") == true)
        self.join("private-x", &connection, app)
        let long = #"{"event":"client-\#(String(repeating: "a", count: 194))","channel":"private-x","data":1}"#
        #expect(self.refusal(self.send(long, to: &connection))?.contains("longer than 200") == true)
        #expect(self.send(#"{"event":"pusher:ping"}"#, to: &connection) == .send(.pong))
    }

    @Test(
        "Data is passed on as a string: a string's own content, any other value's JSON text",
        arguments: [
            (#""a\"b\u00e9""#, "a\"bé"), (#"{"a": [1, "x"]}"#, #"{"a": [1, "x"]}"#), ("1.50", "1.50"), ("null", "null"),
        ]
    )
    func data(json: String, content: String) {
        var (connection, app) = self.opened()
        self.join("private-x", &connection, app)
        guard
            case .broadcast(let event) = self.send(
                #"{"event":"client-a","channel":"private-x","data":\#(json)}"#, to: &connection)
        else {
            Issue.record("refused")
            return
        }
        #expect(event.data == content)
    }

    @Test("The size limit is on the content")
    func size() {
        var (connection, app) = self.opened(limits: .init(clientEventBytesMax: 4))
        self.join("private-x", &connection, app)
        func send(_ data: String) -> String? {
            self.refusal(
                self.send(#"{"event":"client-a","channel":"private-x","data":\#(data)}"#, to: &connection))
        }
        #expect(send(#""\u0041\u0041\u0041\u0041""#) == nil)
        #expect(send(#""12345""#)?.contains("5 bytes, at most 4") == true)
    }

    @Test("Ten a second are allowed, the eleventh is dropped with 4301, and a tenth of a second gives one back")
    func rate() {
        var (connection, app) = self.opened()
        self.join("private-x", &connection, app)
        let event = #"{"event":"client-a","channel":"private-x","data":1}"#
        for _ in 0..<10 { #expect(self.refusal(self.send(event, to: &connection, after: .seconds(5))) == nil) }
        #expect(self.refusal(self.send(event, to: &connection, after: .seconds(5)))?.hasPrefix("4301 ") == true)
        #expect(self.refusal(self.send(event, to: &connection, after: .milliseconds(5099)))?.hasPrefix("4301 ") == true)
        #expect(self.refusal(self.send(event, to: &connection, after: .milliseconds(5100))) == nil)
        #expect(self.refusal(self.send(event, to: &connection, after: .milliseconds(5100)))?.hasPrefix("4301 ") == true)
        for _ in 0..<10 { #expect(self.refusal(self.send(event, to: &connection, after: .seconds(9))) == nil) }
    }
}
