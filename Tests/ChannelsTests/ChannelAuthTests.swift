import Testing

@testable import Channels

@Suite("Channel signatures")
struct ChannelAuthTests {
    private let app = App(id: "3", key: "278d425bdf160c739803", secret: "7ad3773142a6692b25b8")

    @Test(
        "The documented vectors",
        arguments: [
            ("private-foobar", nil, "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"),
            (
                "presence-foobar", #"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#,
                "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"
            ),
            (
                "presence-foobar", #"{"user_id":10,"user_info":{"name":"Mr. Pusher"}}"#,
                "afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c"
            ),
            (":user:", #"{"id":"12345"}"#, "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"),
        ] as [(String, String?, String)]
    )
    func vectors(channel: String, data: String?, digest: String) {
        let auth = ChannelAuth(app: self.app).sign(socketID: "1234.1234", channel: channel, channelData: data)
        #expect(auth == "278d425bdf160c739803:\(digest)")
    }

    @Test("Only the right key with the right digest lets a connection in")
    func refusals() throws {
        let auth = ChannelAuth(app: self.app)
        let socketID = try SocketID("1234.1234")
        let channel = try ChannelName("private-foobar")
        let good = auth.sign(socketID: "1234.1234", channel: "private-foobar")
        func refusal(_ text: String?) -> String? {
            auth.refusal(auth: text, socketID: socketID, channel: channel, channelData: nil)
        }
        #expect(refusal(good) == nil)
        #expect(refusal(nil)?.contains("Missing auth") == true)
        #expect(refusal("")?.contains("Missing auth") == true)
        #expect(refusal("nocolon")?.contains("KEY:SIGNATURE") == true)
        #expect(refusal("other:" + good.split(separator: ":")[1]) == "Invalid key in subscription auth data: 'other'")
        #expect(refusal(good.uppercased())?.hasPrefix("Invalid") == true)
        #expect(refusal(good + "0")?.hasPrefix("Invalid signature") == true)
        #expect(refusal(String(good.dropLast()))?.hasPrefix("Invalid signature") == true)
        let expected = String(good.split(separator: ":")[1])
        #expect(refusal("278d425bdf160c739803:00")?.contains(expected) == false, "the expected digest is never told")
    }

    @Test("An app never prints its secret")
    func secret() {
        #expect(!"\(self.app)".contains("7ad3773142a6692b25b8"))
        #expect(!String(reflecting: self.app).contains("7ad3773142a6692b25b8"))
        var dumped = ""
        dump(self.app, to: &dumped)
        #expect(!dumped.contains("7ad3773142a6692b25b8"))
    }

    @Test("Digests are compared whole")
    func comparison() {
        #expect(HexDigest.isEqual([1, 2, 3], [1, 2, 3]))
        #expect(!HexDigest.isEqual([1, 2, 3], [1, 2, 4]))
        #expect(!HexDigest.isEqual([1, 2, 3], [1, 2]))
        #expect(HexDigest.isEqual([], []))
    }
}
