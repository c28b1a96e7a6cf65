import Testing

@testable import Channels

@Suite("A connection's protocol")
struct PusherConnectionTests {
    private let app = App(id: "1", key: "key", secret: "secret")
    private let socketID = SocketID(bits: 0x0000_04D2_0000_162E)
    private let start = ContinuousClock.now

    private func opened(_ limits: PusherConnection.Limits = .init()) -> PusherConnection {
        var connection = PusherConnection(limits: limits, now: self.start)
        _ = connection.opened(
            app: self.app, protocolVersion: "7", hasCapacity: true, socketID: self.socketID, now: self.start)
        return connection
    }

    private func send(
        _ text: String,
        to connection: inout PusherConnection,
        validate: (ChannelName) -> String? = { _ in nil }
    ) -> PusherConnection.Action {
        Array(text.utf8).withUnsafeBufferPointer { connection.received(text: $0, now: self.start, validate: validate) }
    }

    private func subscribe(
        _ channel: String,
        _ connection: inout PusherConnection,
        auth: String = "",
        validate: (ChannelName) -> String? = { _ in nil }
    ) -> PusherConnection.Action {
        self.send(
            #"{"event":"pusher:subscribe","data":{"channel":"\#(channel)","auth":"\#(auth)"}}"#, to: &connection,
            validate: validate
        )
    }

    private func message(_ action: PusherConnection.Action) -> String? {
        switch action {
        case .send(.error(nil, let message)): message
        case .refuseSubscription(_, let message): message
        default: nil
        }
    }

    @Test("The greeting comes first, with socket id and activity timeout", arguments: ["5", "6", "7", nil])
    func greeting(version: String?) {
        var connection = PusherConnection(limits: .init(), now: self.start)
        let action = connection.opened(
            app: self.app, protocolVersion: version, hasCapacity: true, socketID: self.socketID, now: self.start)
        #expect(action == .send(.connectionEstablished(self.socketID, activityTimeout: 120)))
    }

    @Test(
        "A connection that cannot be served is closed without a frame",
        arguments: [
            (false, "7", true, .unknownApp), (true, "3", true, .unsupportedProtocol),
            (true, "8", true, .unsupportedProtocol),
            (true, "x", true, .malformedVersion), (true, "7", false, .overCapacity),
        ] as [(Bool, String, Bool, CloseCode)]
    )
    func refused(isKnown: Bool, version: String, hasCapacity: Bool, code: CloseCode) {
        var connection = PusherConnection(limits: .init(), now: self.start)
        let action = connection.opened(
            app: isKnown ? self.app : nil, protocolVersion: version, hasCapacity: hasCapacity, socketID: self.socketID,
            now: self.start
        )
        #expect(action == .close(code))
        #expect(self.send(#"{"event":"pusher:ping"}"#, to: &connection) == .doNothing)
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(1000))) == .doNothing)
    }

    @Test("A ping is answered with a pong, a pong with nothing")
    func ping() {
        var connection = self.opened()
        #expect(self.send(#"{"event":"pusher:ping","data":{}}"#, to: &connection) == .send(.pong))
        #expect(self.send(#"{"event":"pusher:pong","data":{}}"#, to: &connection) == .doNothing)
    }

    @Test("Anybody may join a public channel; a second time only confirms")
    func publicChannel() throws {
        var connection = self.opened()
        let channel = try ChannelName("ticker-BTC-USD")
        #expect(self.subscribe("ticker-BTC-USD", &connection) == .subscribe(channel))
        #expect(self.subscribe("ticker-BTC-USD", &connection) == .confirm(channel))
        #expect(connection.subscriptions == [channel])
    }

    @Test("Unsubscribing works once; subscribe, unsubscribe, subscribe gives three clean steps")
    func unsubscribe() throws {
        var connection = self.opened()
        let channel = try ChannelName("c")
        let frame = #"{"event":"pusher:unsubscribe","data":{"channel":"c"}}"#
        #expect(
            self.message(self.send(frame, to: &connection))?.hasPrefix("No current subscription to channel c") == true)
        #expect(self.subscribe("c", &connection) == .subscribe(channel))
        #expect(self.send(frame, to: &connection) == .unsubscribe(channel))
        #expect(self.subscribe("c", &connection) == .subscribe(channel))
        #expect(self.send(frame, to: &connection) == .unsubscribe(channel))
        #expect(self.message(self.send(frame, to: &connection)) != nil)
    }

    @Test(
        "A private channel needs the right signature; a wrong one leaves the connection open",
        arguments: ["private-x", "private-encrypted-x"])
    func privateChannel(name: String) throws {
        var connection = self.opened()
        #expect(self.message(self.subscribe(name, &connection))?.hasPrefix("Missing auth") == true)
        #expect(self.message(self.subscribe(name, &connection, auth: "key:00"))?.hasPrefix("Invalid signature") == true)
        #expect(self.message(self.subscribe(name, &connection, auth: "other:00"))?.hasPrefix("Invalid key") == true)
        let auth = ChannelAuth(app: self.app).sign(socketID: "1234.5678", channel: name)
        #expect(self.subscribe(name, &connection, auth: auth) == .subscribe(try ChannelName(name)))
    }

    @Test("A name that breaks the grammar is refused, as is one the program does not know")
    func names() {
        var connection = self.opened()
        #expect(self.message(self.subscribe("a b", &connection))?.hasPrefix("Invalid channel name") == true)
        let action = self.subscribe("ticker-NOPE", &connection, validate: { _ in "Unknown symbol 'NOPE'" })
        #expect(action == .refuseSubscription(channel: "ticker-NOPE", message: "Unknown symbol 'NOPE'"))
        #expect(connection.subscriptions.isEmpty)
    }

    @Test("A connection holds a limited number of subscriptions")
    func limit() throws {
        var connection = self.opened(.init(subscriptionsMax: 2))
        #expect(self.subscribe("a", &connection) == .subscribe(try ChannelName("a")))
        #expect(self.subscribe("b", &connection) == .subscribe(try ChannelName("b")))
        #expect(self.message(self.subscribe("c", &connection))?.contains("2 subscriptions") == true)
    }

    @Test(
        "What is not understood or not enabled is answered with pusher:error, code null",
        arguments: [
            ("x", "Invalid JSON at byte 0"),
            (#"{"event":"pusher:nope"}"#, "Unsupported event received on socket: 'pusher:nope'"),
            (#"{"event":"hello"}"#, "Unsupported event received on socket: 'hello'"),
            (#"{"data":1}"#, "A frame must have"),
            (#"{"event":"pusher:signin","data":{}}"#, "Cannot sign in: user_data is missing"),
            (
                #"{"event":"client-a","channel":"private-x","data":1}"#,
                "Cannot broadcast client event 'client-a' to channel private-x"
            ),
        ]
    )
    func errors(text: String, expected: String) {
        var connection = self.opened()
        #expect(self.message(self.send(text, to: &connection))?.hasPrefix(expected) == true)
        #expect(self.send(#"{"event":"pusher:ping"}"#, to: &connection) == .send(.pong))
    }

    @Test("A silent client is asked after 180 s and closed with 4201 after 30 s more")
    func silence() {
        var connection = self.opened()
        #expect(connection.deadline == self.start.advanced(by: .seconds(180)))
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(179))) == .doNothing)
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(180))) == .probe)
        #expect(connection.deadline == self.start.advanced(by: .seconds(210)))
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(209))) == .doNothing)
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(210))) == .close(.pongTimeout))
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(500))) == .doNothing)
    }

    @Test("Any frame counts as a sign of life, control frames too")
    func activity() {
        var connection = self.opened()
        connection.heard(now: self.start.advanced(by: .seconds(100)))
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(180))) == .doNothing)
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(280))) == .probe)
        connection.heard(now: self.start.advanced(by: .seconds(285)))
        #expect(connection.timerFired(now: self.start.advanced(by: .seconds(315))) == .doNothing)
        #expect(connection.deadline == self.start.advanced(by: .seconds(465)))
    }

    @Test("Closing hands back the subscriptions once")
    func closing() throws {
        var connection = self.opened()
        _ = self.subscribe("a", &connection)
        #expect(connection.closed() == [try ChannelName("a")])
        #expect(connection.closed().isEmpty)
        #expect(self.send(#"{"event":"pusher:ping"}"#, to: &connection) == .doNothing)
    }

    @Test(
        "Cache channels need a signature only when they are private",
        arguments: [("cache-x", false), ("private-cache-x", true), ("private-encrypted-cache-x", true)])
    func cacheChannels(name: String, isPrivate: Bool) throws {
        var connection = self.opened()
        let channel = try ChannelName(name)
        if isPrivate { #expect(self.message(self.subscribe(name, &connection))?.hasPrefix("Missing auth") == true) }
        let auth = ChannelAuth(app: self.app).sign(socketID: "1234.5678", channel: name)
        #expect(self.subscribe(name, &connection, auth: auth) == .subscribe(channel))
    }

    @Test("A subscription that is refused in the end is not held, and may be tried again")
    func refusedLater() throws {
        var connection = self.opened()
        let channel = try ChannelName("c")
        #expect(self.subscribe("c", &connection) == .subscribe(channel))
        #expect(
            connection.subscriptionRefused(channel, message: "full")
                == .refuseSubscription(channel: "c", message: "full"))
        #expect(connection.subscriptions.isEmpty)
        #expect(self.subscribe("c", &connection) == .subscribe(channel))
    }

    @Test("What an app's options forbid closes with a code of its own, the first that applies")
    func appOptions() {
        func close(_ change: (inout App.Options) -> Void, isSecure: Bool = false, version: String? = "7") -> CloseCode?
        {
            var options = App.Options()
            change(&options)
            var limits = PusherConnection.Limits()
            limits.requiresProtocolVersion = true
            var connection = PusherConnection(limits: limits, now: self.start)
            let action = connection.opened(
                app: App(id: "1", key: "key", secret: "secret", options: options), protocolVersion: version,
                isSecure: isSecure, hasCapacity: true, isWithinQuota: options.connectionsMax == nil,
                socketID: self.socketID, now: self.start
            )
            if case .close(let code) = action { return code }
            return nil
        }
        #expect(close { $0.requiresTLS = true } == .requiresTLS)
        #expect(close({ $0.requiresTLS = true }, isSecure: true) == nil)
        #expect(close { $0.isEnabled = false } == .appDisabled)
        #expect(close { $0.connectionsMax = 0 } == .overQuota)
        #expect(close({ _ in }, version: nil) == .missingProtocol)
        #expect(close({ _ in }, version: "x") == .malformedVersion)
        #expect(CloseCode.missingProtocol.code == 4008 && CloseCode.overQuota.code == 4004)
    }

    @Test("No close code makes clients stop that shall come back; none is 43xx")
    func codes() {
        for code in CloseCode.allCases {
            #expect(code.code < 4300)
            #expect(code.reason.utf8.count <= 123)
            // Pusher clients stop at 4000 to 4099 and at 4300 and above.
            #expect(code.clientReconnects != (4000...4099).contains(code.code))
        }
    }
}
