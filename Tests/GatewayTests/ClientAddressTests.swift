import NIOCore
import Testing

@testable import Gateway

@Suite("Whose request it is")
struct ClientAddressTests {
    private func client(
        _ peer: String, _ forwardedFor: String? = nil, proxies: [String] = ["10.0.0.0/8"]
    ) throws -> ClientAddress? {
        ClientAddress(
            peer: try SocketAddress(ipAddress: peer, port: 80), forwardedFor: forwardedFor,
            proxies: try #require(AddressRanges(proxies)))
    }

    @Test(
        "A trusted proxy says who asked it, others may say what they like",
        arguments: [
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"), ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"), ("10.0.0.1", "2001:db8::1", "2001:db8::2"),
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"), ("10.0.0.1", "unknown", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"), ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.2,10.0.0.3", "10.0.0.2"),
        ])
    func proxies(peer: String, forwardedFor: String, same: String) throws {
        #expect(try self.client(peer, forwardedFor) == self.client(same))
    }

    @Test("Different addresses count apart, those of one IPv6 network together")
    func apart() throws {
        #expect(try self.client("203.0.113.9") != self.client("203.0.113.8"))
        #expect(try self.client("2001:db8::1") == self.client("2001:db8::2"))
        #expect(try self.client("2001:db8:0:1::1") != self.client("2001:db8::1"))
    }

    @Test("Who has no address is nobody")
    func nobody() throws {
        #expect(ClientAddress(peer: nil, forwardedFor: "203.0.113.9", proxies: .loopback) == nil)
        let socket = try SocketAddress(unixDomainSocketPath: "/tmp/x")
        #expect(ClientAddress(peer: socket, forwardedFor: nil, proxies: .loopback) == nil)
    }
}
