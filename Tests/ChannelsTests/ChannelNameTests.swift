import Testing

@testable import Channels

@Suite("Channel names")
struct ChannelNameTests {
    @Test(
        "The kind is decided by the exact prefix, dash included",
        arguments: [
            ("ticker-BTC-USD", .public), ("privateer", .public), ("private", .public), ("x-private-y", .public),
            ("my-cache-x", .public), ("presence", .public), ("cache", .public), ("cache-x", .cache),
            ("private-x", .private), ("private-encrypted", .private), ("private-cachex", .private),
            ("private-cache-x", .privateCache), ("private-encrypted-x", .privateEncrypted),
            ("private-encrypted-cache-x", .privateEncryptedCache), ("presence-x", .presence),
            ("presence-cache-x", .presenceCache), ("#server-to-user-7", .serverToUser),
        ] as [(String, ChannelName.Kind)]
    )
    func kind(text: String, expected: ChannelName.Kind) throws {
        #expect(try ChannelName(text).kind == expected)
    }

    @Test("Every allowed character is accepted, up to 200 of them")
    func allowed() throws {
        let all = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=@,.;"
        #expect(try ChannelName(all).text == all)
        for count in [1, 164, 165, 200] {
            #expect(throws: Never.self) { try ChannelName(String(repeating: "a", count: count)) }
        }
    }

    @Test(
        "What breaks the grammar is refused with the name in the message",
        arguments: [
            "", "a b", "a:b", "a/b", "#x", "#server-to-user-", "a#b", "ünïcode", "x\n",
            String(repeating: "a", count: 201),
        ]
    )
    func refused(text: String) {
        #expect(throws: ChannelsError.invalidChannelName(text)) { try ChannelName(text) }
        #expect(ChannelsError.invalidChannelName(text).description.contains("'\(text)'"))
    }

    @Test("Signatures are needed for private and presence channels only")
    func signature() throws {
        #expect(
            try ["private-a", "presence-a", "private-encrypted-a"].allSatisfy {
                try ChannelName($0).kind.needsSignature
            })
        #expect(try ["a", "cache-a"].allSatisfy { try !ChannelName($0).kind.needsSignature })
    }
}

@Suite("Socket ids")
struct SocketIDTests {
    @Test("64 bits become two decimal numbers of at most ten digits", arguments: [0, 1, 1 << 32, .max] as [UInt64])
    func bits(bits: UInt64) throws {
        let id = SocketID(bits: bits)
        #expect(id.description.wholeMatch(of: /\d{1,10}\.\d{1,10}/) != nil)
        #expect(try SocketID(id.description) == id)
    }

    @Test(
        "Anything but two numbers and a dot is refused",
        arguments: ["", "1", "1.", ".1", "1.2.3", "a.1", "-1.2", "1.2 ", "1:2"])
    func refused(text: String) {
        #expect(throws: ChannelsError.invalidSocketID(text)) { try SocketID(text) }
    }
}
