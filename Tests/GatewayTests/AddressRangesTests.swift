import NIOCore
import Testing

@testable import Gateway

@Suite("Networks of addresses")
struct AddressRangesTests {
    @Test(
        "A network has the addresses that share its first bits, and no others",
        arguments: [
            ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true),
            ("192.168.1.7", "192.168.1.7", true), ("192.168.1.7", "192.168.1.8", false),
            ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true),
            ("fd00::/8", "fdab::1", true), ("fd00::/8", "fe80::1", false),
            ("2001:db8::/65", "2001:db8::7fff:1:1:1", true), ("2001:db8::/65", "2001:db8:0:0:8000::", false),
            ("2001:db8::/64", "2001:db8:0:0:8000::", true), ("::1", "::1", true), ("::1", "::2", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true), ("::ffff:10.0.0.0/104", "10.1.1.1", true),
        ])
    func contains(range: String, address: String, isInside: Bool) throws {
        let ranges = try #require(AddressRanges([range]))
        #expect(ranges.contains(try SocketAddress(ipAddress: address, port: 80)) == isInside)
    }

    @Test("Any of several will do; none has nothing, and neither has a peer without an address")
    func lists() throws {
        let ranges = try #require(AddressRanges(["10.0.0.0/8", "::1"]))
        #expect(ranges.contains(try SocketAddress(ipAddress: "::1", port: 1)))
        #expect(!ranges.contains(try SocketAddress(ipAddress: "127.0.0.1", port: 1)))
        #expect(!ranges.contains(nil))
        #expect(!ranges.contains(try SocketAddress(unixDomainSocketPath: "/tmp/x")))
        #expect(!AddressRanges.none.contains(try SocketAddress(ipAddress: "127.0.0.1", port: 1)))
        for (address, isLocal) in [("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("128.0.0.1", false)] {
            #expect(AddressRanges.loopback.contains(try SocketAddress(ipAddress: address, port: 1)) == isLocal)
        }
    }

    @Test(
        "What is no network is refused",
        arguments: [
            "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::/129", "proxy.example", "10.0.0.0/8/8",
        ])
    func refused(entry: String) {
        #expect(!AddressRanges.isRange(entry))
        #expect(AddressRanges(["::1", entry]) == nil)
    }
}
