import Testing

@testable import Channels

@Suite("Joining presence channels")
struct PresenceTests {
    private let app = App(
        id: "3", credentials: [.init(key: "old", secret: "s1"), .init(key: "new", secret: "s2")])
    private let socketID = SocketID(bits: 0x0000_04D2_0000_162E)
    private let start = ContinuousClock.now

    private func opened() -> PusherConnection {
        var connection = PusherConnection(limits: .init(), now: self.start)
        _ = connection.opened(
            app: self.app, protocolVersion: "7", hasCapacity: true, socketID: self.socketID, now: self.start)
        return connection
    }

    private func send(_ text: String, to connection: inout PusherConnection) -> PusherConnection.Action {
        Array(text.utf8).withUnsafeBufferPointer { connection.received(text: $0, now: self.start) }
    }

    private func subscribe(
        _ channel: String, _ data: String?, to connection: inout PusherConnection, auth: String? = nil
    ) -> PusherConnection.Action {
        let auth = auth ?? ChannelAuth(app: self.app).sign(socketID: "1234.5678", channel: channel, channelData: data)
        let member = data.map { #","channel_data":\#(JSONText.quoted($0))"# } ?? ""
        let text = #"{"event":"pusher:subscribe","data":{"channel":"\#(channel)","auth":"\#(auth)"\#(member)}}"#
        return self.send(text, to: &connection)
    }

    private func refusal(_ action: PusherConnection.Action) -> String? {
        if case .refuseSubscription(_, let message) = action { return message }
        return nil
    }

    @Test(
        "user_id may be a string or a number, user_info any JSON or missing",
        arguments: [
            (#"{"user_id":"7","user_info":{"name":"Ann"}}"#, "7", #"{"name":"Ann"}"#),
            (#"{"user_id":10}"#, "10", "{}"), (#"{"user_id":"a b/c","user_info":null}"#, "a b/c", "{}"),
            (#"{ "user_info" : [1, 2] , "user_id" : 0, "other": {} }"#, "0", "[1, 2]"),
        ], ["presence-x", "presence-cache-x"]
    )
    func members(data: (String, String, String), channel: String) throws {
        var connection = self.opened()
        #expect(
            self.subscribe(channel, data.0, to: &connection)
                == .subscribe(try ChannelName(channel), member: .init(userID: data.1, userInfo: data.2)))
    }

    @Test(
        "channel_data that says no user is refused and the connection stays",
        arguments: [
            "{}", #"{"user_id":""}"#, #"{"user_id":null}"#, #"{"user_id":true}"#, "[]", "x", #"{"user_id":1}x"#,
            #"{"user_id":"\#(String(repeating: "x", count: 129))"}"#,
            #"{"user_id":1,"user_info":"\#(String(repeating: "x", count: 1024))"}"#,
        ]
    )
    func badData(data: String) {
        var connection = self.opened()
        #expect(
            self.refusal(self.subscribe("presence-x", data, to: &connection))?.hasPrefix(
                "Cannot subscribe to presence-x")
                == true)
        #expect(connection.subscriptions.isEmpty)
        #expect(self.send(#"{"event":"pusher:ping"}"#, to: &connection) == .send(.pong))
    }

    @Test("The signature covers channel_data as it was received")
    func signature() {
        var connection = self.opened()
        let auth = ChannelAuth(app: self.app).sign(
            socketID: "1234.5678", channel: "presence-x", channelData: #"{"user_id":1}"#)
        let other = self.subscribe("presence-x", #"{"user_id": 1}"#, to: &connection, auth: auth)
        #expect(self.refusal(other)?.hasPrefix("Invalid signature") == true)
        let none = self.subscribe("presence-x", nil, to: &connection)
        #expect(self.refusal(none)?.contains("channel_data") == true)
    }

    @Test("The published vectors hold")
    func vectors() {
        let auth = ChannelAuth(app: App(id: "3", key: "278d425bdf160c739803", secret: "7ad3773142a6692b25b8"))
        let data = #"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#
        #expect(
            auth.sign(socketID: "1234.1234", channel: "presence-foobar", channelData: data)
                == "278d425bdf160c739803:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80")
        #expect(
            auth.signUser(socketID: "1234.1234", userData: #"{"id":"12345"}"#)
                == "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba")
    }

    @Test("Each of the app's keys signs", arguments: [("old", "s1"), ("new", "s2")])
    func rotation(key: String, secret: String) throws {
        var connection = self.opened()
        let data = #"{"user_id":1}"#
        let auth = ChannelAuth(app: App(id: "3", key: key, secret: secret)).sign(
            socketID: "1234.5678", channel: "presence-x", channelData: data)
        #expect(self.refusal(self.subscribe("presence-x", data, to: &connection, auth: auth)) == nil)
    }

    // MARK: Signing in

    private func signIn(_ data: String, to connection: inout PusherConnection, auth: String? = nil)
        -> PusherConnection.Action
    {
        let auth = auth ?? ChannelAuth(app: self.app).signUser(socketID: "1234.5678", userData: data)
        return self.send(
            #"{"event":"pusher:signin","data":{"auth":"\#(auth)","user_data":\#(JSONText.quoted(data))}}"#,
            to: &connection)
    }

    private func error(_ action: PusherConnection.Action) -> String? {
        if case .send(.error(nil, let message)) = action { return message }
        return nil
    }

    @Test("A signed-in connection joins presence channels as its user, and its own channel, without more")
    func signedIn() throws {
        var connection = self.opened()
        let own = try ChannelName("#server-to-user-7")
        #expect(self.refusal(self.subscribe("#server-to-user-7", nil, to: &connection))?.contains("signed in") == true)
        let data = #"{"id":"7","user_info":{"name":"Ann"},"watchlist":["8","9","8",4]}"#
        let action = self.signIn(data, to: &connection)
        guard case .signIn(let user) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(user.id == "7" && user.watchlist == ["8", "9"] && user.userData == data)
        #expect(
            self.subscribe("presence-x", nil, to: &connection)
                == .subscribe(
                    try ChannelName("presence-x"), member: .init(userID: "7", userInfo: #"{"name":"Ann"}"#)))
        #expect(
            self.subscribe("presence-y", #"{"user_id":"other"}"#, to: &connection)
                == .subscribe(try ChannelName("presence-y"), member: .init(userID: "other")))
        #expect(self.subscribe("#server-to-user-7", nil, to: &connection, auth: "") == .subscribe(own))
        #expect(self.refusal(self.subscribe("#server-to-user-8", nil, to: &connection)) != nil)
    }

    @Test("Signing in again is the same user's right only")
    func again() {
        var connection = self.opened()
        _ = self.signIn(#"{"id":"7"}"#, to: &connection)
        #expect(self.error(self.signIn(#"{"id":"8"}"#, to: &connection))?.contains("signed in as '7'") == true)
        if case .signIn = self.signIn(#"{"id":"7","watchlist":[]}"#, to: &connection) {
        } else {
            Issue.record("refused")
        }
    }

    @Test(
        "A sign-in that proves nothing changes nothing",
        arguments: [
            (#"{"id":7}"#, nil, "'id'"), (#"{"id":""}"#, nil, "'id'"), ("{}", nil, "'id'"), ("[]", nil, "Invalid JSON"),
            (#"{"id":"a/b"}"#, nil, "Invalid user id"), (#"{"id":"7"}"#, "old:00", "Invalid signature"),
            (#"{"id":"7"}"#, "nope:00", "Invalid key"), (#"{"id":"7"}"#, "", "auth is missing"),
        ] as [(String, String?, String)]
    )
    func badSignIn(data: String, auth: String?, expected: String) {
        var connection = self.opened()
        let message = self.error(self.signIn(data, to: &connection, auth: auth))
        #expect(
            message?.hasPrefix("Cannot sign in: ") == true && message?.contains(expected) == true, "\(message ?? "")")
        #expect(self.refusal(self.subscribe("#server-to-user-7", nil, to: &connection)) != nil)
    }

    @Test("Of a longer watchlist the first 100 are watched, and how many there were is known")
    func watchlist() {
        var connection = self.opened()
        let ids = (0..<101).map { "\"\($0)\"" }.joined(separator: ",")
        guard case .signIn(let user) = self.signIn(#"{"id":"7","watchlist":[\#(ids)]}"#, to: &connection) else {
            Issue.record("refused")
            return
        }
        #expect(user.watchlist.count == 100 && user.watchlist.last == "99" && user.watchlistCount == 101)
    }
}
