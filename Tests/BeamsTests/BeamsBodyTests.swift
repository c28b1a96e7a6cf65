import Beams
import Crypto
import Foundation
import Notifications
import Testing

@Suite("Bodies of the Beams API")
struct BeamsBodyTests {
    private static func subscription(
        endpoint: String = "https://fcm.googleapis.com/fcm/send/abc",
        point: [UInt8] = Array(P256.KeyAgreement.PrivateKey().publicKey.x963Representation),
        auth: [UInt8] = Array(repeating: 1, count: 16)
    ) -> String {
        let json =
            #"{"endpoint":"\#(endpoint)","keys":{"p256dh":"\#(Data(point).base64EncodedString())","auth":"\#(Data(auth).base64EncodedString())"}}"#
            .replacing("+", with: "-")
        return Data(json.utf8).base64EncodedString()
    }

    private static func register(_ body: String, _ platform: BeamsPlatform) throws(BeamsError) -> DeviceRegistration {
        try DeviceRegistration(parsing: Array(body.utf8), platform: platform, rules: WebPushEndpointRules())
    }

    @Test("A browser's subscription is unpacked, its keys without padding")
    func webRegistration() throws {
        let body = #"{"token":"\#(Self.subscription())","metadata":{"sdkVersion":"2.1.0","n":1}}"#
        let registration = try Self.register(body, .web)
        guard case .web(let subscription) = registration.address else {
            Issue.record("not a browser")
            return
        }
        #expect(subscription.endpoint == "https://fcm.googleapis.com/fcm/send/abc")
        #expect(subscription.publicKey.count == 65 && subscription.authSecret == Array(repeating: 1, count: 16))
        #expect(registration.metadata == ["sdkVersion": "2.1.0"])
    }

    @Test("Phones register with their tokens")
    func phones() throws {
        let apple = try Self.register(
            #"{"token":"00FFab","bundleIdentifier":"com.example.prices","metadata":{}}"#, .apns)
        #expect(apple.address == .apns(token: "00ffab", bundleID: "com.example.prices"))
        let android = try Self.register(#"{"token":"a:b-c_d","knownPreviousClientIds":["old-1",2]}"#, .fcm)
        #expect(android.address == .fcm(token: "a:b-c_d"))
        #expect(android.previousIDs == ["old-1"])
    }

    @Test(
        "A bad registration says what is wrong with it",
        arguments: [
            (BeamsPlatform.fcm, #"{}"#, "InvalidToken"), (.fcm, #"{"token":""}"#, "InvalidToken"),
            (.fcm, #"{"token":"a b"}"#, "InvalidToken"), (.fcm, #"[1]"#, "Bad request"), (.fcm, #"{"#, "Bad request"),
            (.apns, #"{"token":"xyz","bundleIdentifier":"a.b"}"#, "InvalidToken"),
            (.apns, #"{"token":"abc","bundleIdentifier":"a.b"}"#, "InvalidToken"),
            (.apns, #"{"token":"abcd"}"#, "Bad request"), (.web, #"{"token":"abcd"}"#, "InvalidToken"),
            (.web, #"{"token":"\#(Self.subscription(endpoint: "http://a/"))"}"#, "InvalidToken"),
            (.web, #"{"token":"\#(Self.subscription(point: [4, 5]))"}"#, "InvalidToken"),
            (.web, #"{"token":"\#(Self.subscription(auth: [1]))"}"#, "InvalidToken"),
            (.web, #"{"token":"\#(Self.subscription(endpoint: "https://push.example/1"))"}"#, "InvalidToken"),
            (.web, #"{"token":"\#(Self.subscription(point: [4] + Array(repeating: 7, count: 64)))"}"#, "InvalidToken"),
        ])
    func badRegistrations(platform: BeamsPlatform, body: String, error: String) {
        let thrown = #expect(throws: BeamsError.self) { try Self.register(body, platform) }
        #expect(thrown?.error == error)
        #expect(thrown?.status == 400)
    }

    @Test("A list of interests is checked name by name, and each counts once")
    func interests() throws {
        let set = try InterestSet(parsing: Array(#"{"interests":["a","b","a"]}"#.utf8))
        #expect(set.names.map(\.text) == ["a", "b"])
        let many = (0...5_000).map { "\"i\($0)\"" }.joined(separator: ",")
        for (body, status) in [
            (#"{"interests":["a b"]}"#, 422), (#"{"interests":[1]}"#, 422), (#"{"interests":[""]}"#, 422),
            (#"{}"#, 400),
            (#"{"interests":["\#(String(repeating: "x", count: 165))"]}"#, 422), (#"{"interests":[\#(many)]}"#, 422),
        ] {
            let error = #expect(throws: BeamsError.self) { try InterestSet(parsing: Array(body.utf8)) }
            #expect(error?.status == status)
        }
    }

    @Test("A private interest takes a token that names it, or the server's key")
    func privateInterests() throws {
        let instance = BeamsTokenTests.instance
        let names = [try InterestName("open"), try InterestName("private-ann")]
        func check(_ authorization: String?, user: String? = nil) throws(BeamsError) {
            try InterestSet.check(
                names, instance: instance, authorization: authorization, user: user, now: 1_900_000_000)
        }
        let token = BeamsToken.make(
            for: try BeamsUserID("ann"), interests: ["private-ann"], instance: instance, expiry: 2_000_000_000)
        let other = BeamsToken.make(for: try BeamsUserID("ann"), instance: instance, expiry: 2_000_000_000)
        try check("Bearer \(token)", user: "ann")
        try check("Bearer \(instance.secretKey)")
        for (authorization, user, status) in [
            (nil, nil, 403), ("Bearer \(other)", nil, 403), ("Bearer \(token)", "bob", 403), ("Bearer x", nil, 401),
            ("Basic x", nil, 400),
        ] as [(String?, String?, Int)] {
            let error = #expect(throws: BeamsError.self) { try check(authorization, user: user) }
            #expect(error?.status == status)
        }
        try InterestSet.check([names[0]], instance: instance, authorization: nil, user: nil, now: 0)
    }

    @Test("A publication to interests keeps each name once and takes all three payloads")
    func publication() throws {
        let body = #"""
            {"interests":["hello","hello","world"],"apns":{"aps":{"alert":{"title":"T","body":"B"}},"collapse_id":"c","priority":5,"data":{"k":1}},
             "fcm":{"notification":{"title":"T","body":"B","android_channel_id":"ch"},"data":{"k":1,"s":"x"},"time_to_live":60,"priority":"high"},
             "web":{"notification":{"title":"T","body":"B","deep_link":"https://example.com"},"data":{"k":1},"time_to_live":30}}
            """#
        let publication = try Publication(toInterests: Array(body.utf8))
        #expect(publication.audience == .interests([try InterestName("hello"), try InterestName("world")]))
        let apns = try #require(publication.apns)
        #expect(apns.collapseID == "c" && apns.priority == 5 && !apns.isBackground)
        #expect(
            String(decoding: apns.bytes(publishID: "p1", instance: "i"), as: UTF8.self)
                == #"{"aps":{"alert":{"body":"B","title":"T"},"content-available":1},"data":{"k":1,"pusher":{"instanceId":"i","publishId":"p1"}}}"#
        )
        let fcm = try #require(publication.fcm)
        #expect(
            String(decoding: fcm.bytes(publishID: "p1", instance: "i"), as: UTF8.self)
                == #"{"android":{"notification":{"channel_id":"ch"},"priority":"HIGH","ttl":"60s"},"data":{"k":"1","pusher":"{\"hasData\":true,\"hasDisplayableContent\":true,\"instanceId\":\"i\",\"publishId\":\"p1\"}","s":"x"},"notification":{"body":"B","title":"T"}}"#
        )
        let web = try #require(publication.web)
        #expect(web.timeToLive == 30)
        #expect(
            String(decoding: web.bytes(publishID: "p1", instance: "i"), as: UTF8.self)
                == #"{"data":{"k":1,"pusher":{"hasData":true,"hasDisplayableContent":true,"instanceId":"i","publishId":"p1"}},"notification":{"body":"B","deep_link":"https://example.com","title":"T"}}"#
        )
    }

    @Test("An Apple payload that shows nothing is sent as a background notification")
    func background() throws {
        let body =
            #"{"interests":["a"],"apns":{"aps":{"content-available":1},"priority":10,"pusher":{"disable_delivery_tracking":true}}}"#
        let apns = try #require(try Publication(toInterests: Array(body.utf8)).apns)
        #expect(apns.isBackground && apns.priority == 5 && !apns.isTracked)
    }

    @Test(
        "A bad publication is refused with the path of what is wrong",
        arguments: [
            (#"{"interests":[],"web":{"data":{}}}"#, 422, "interests has 0 items"),
            (#"{"web":{"data":{}}}"#, 422, "interests is missing"),
            (#"{"interests":["a b"],"web":{"data":{}}}"#, 422, "'a b' is not an interest"),
            (#"{"interests":["a"]}"#, 422, "There is no payload"),
            (#"{"interests":["a"],"users":["u"],"web":{"data":{}}}"#, 422, "cannot be mixed"),
            (#"{"interests":["a"],"web":{"data":{"pusher":1}}}"#, 422, "web.data.pusher"),
            (#"{"interests":["a"],"web":{"notification":{"title":1}}}"#, 422, "web.notification.title is a number"),
            (#"{"interests":["a"],"web":{"time_to_live":2419201,"data":{}}}"#, 422, "web.time_to_live"),
            (#"{"interests":["a"],"fcm":{"data":{"google.x":"1"}}}"#, 422, "fcm.data.google.x"),
            (#"{"interests":["a"],"fcm":{"priority":"HIGH","data":{}}}"#, 422, "fcm.priority"),
            (#"{"interests":["a"],"apns":{"aps":{"alert":1}}}"#, 422, "apns.aps.alert"),
            (#"{"interests":["a"],"apns":{}}"#, 422, "apns.aps is missing"),
            (#"{"interests":["a"],"apns":{"aps":{},"priority":7}}"#, 422, "apns.priority is 7"),
            (#"{"interests":["a"],"web":{"data":{}},"webhookUrl":"ftp://x"}"#, 422, "webhookUrl"),
            (#"{"interests""#, 400, "not JSON"),
        ])
    func badPublications(body: String, status: Int, text: String) {
        let error = #expect(throws: BeamsError.self) { try Publication(toInterests: Array(body.utf8)) }
        #expect(error?.status == status)
        #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
    }

    @Test("Bodies and lists have their limits, which themselves are fine")
    func limits() throws {
        let names = (0..<100).map { "\"i\($0)\"" }.joined(separator: ",")
        _ = try Publication(toInterests: Array(#"{"interests":[\#(names)],"web":{"data":{}}}"#.utf8))
        #expect(throws: BeamsError.self) {
            try Publication(toInterests: Array(#"{"interests":[\#(names),"x"],"web":{"data":{}}}"#.utf8))
        }
        let users = (0..<1_000).map { "\"u\($0)\"" }.joined(separator: ",")
        let toUsers = try Publication(toUsers: Array(#"{"users":[\#(users)],"web":{"data":{}}}"#.utf8))
        guard case .users(let ids) = toUsers.audience else {
            Issue.record("not to users")
            return
        }
        #expect(ids.count == 1_000)
        let head = #"{"interests":["a"],"web":{"data":{"x":""#
        let fill = String(repeating: "x", count: 10_240 - head.utf8.count - 4)
        _ = try Publication(toInterests: Array("\(head)\(fill)\"}}}".utf8))
        let error = #expect(throws: BeamsError.self) {
            try Publication(toInterests: Array("\(head)\(fill)x\"}}}".utf8))
        }
        #expect(error?.status == 400)
    }

    @Test("Devices report with and without capitals")
    func reports() throws {
        let report = try DeviceReport(
            parsing: Array(
                #"{"event":"Delivery","publishId":"p","deviceId":"d","timestampSecs":5,"appInBackground":true,"hasData":false}"#
                    .utf8))
        #expect(report.event == .delivery && report.publishID == "p" && report.seconds == 5 && report.userID == nil)
        #expect(throws: BeamsError.self) {
            try DeviceReport(parsing: Array(#"{"event":"x","publishId":"p","deviceId":"d"}"#.utf8))
        }
        #expect(throws: BeamsError.self) { try DeviceReport(parsing: Array(#"{"event":"open","deviceId":"d"}"#.utf8)) }
    }
}
