import Glibc
import HTTPClient
import Testing

@Suite("Public addresses")
struct AddressPolicyTests {
    private static func bytes(_ text: String) throws -> [UInt8] {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        try #require(inet_pton(AF_INET6, text, &six) == 1)
        return withUnsafeBytes(of: six) { Array($0) }
    }

    @Test(
        "Special-purpose networks are not public, from their first address to their last",
        arguments: [
            "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
            "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:10.0.0.1",
            "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:10::1",
            "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1",
            "ff02::1",
        ])
    func refused(address: String) throws {
        #expect(try !IPAddress.isPublic(Self.bytes(address)))
    }

    @Test(
        "Their neighbours are",
        arguments: [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
            "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1",
            "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1",
        ])
    func allowed(address: String) throws {
        #expect(try IPAddress.isPublic(Self.bytes(address)))
    }

    @Test("Anything that is not an address is refused", arguments: [0, 3, 5, 15, 17])
    func wrongLength(count: Int) {
        #expect(!IPAddress.isPublic(Array(repeating: 8, count: count)))
    }
}
