/// Tells public addresses from those a request from outside must never reach.
///
/// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890).
package enum IPAddress {
    /// Networks of IPv4 that are not public: address and prefix length.
    private static let reserved4: [(UInt32, UInt32)] = [
        (0x0000_0000, 8),  // 0.0.0.0/8 this network
        (0x0A00_0000, 8),  // 10.0.0.0/8 private
        (0x6440_0000, 10),  // 100.64.0.0/10 carrier-grade NAT
        (0x7F00_0000, 8),  // 127.0.0.0/8 loopback
        (0xA9FE_0000, 16),  // 169.254.0.0/16 link-local, cloud metadata
        (0xAC10_0000, 12),  // 172.16.0.0/12 private
        (0xC000_0000, 24),  // 192.0.0.0/24 protocol assignments
        (0xC000_0200, 24),  // 192.0.2.0/24 documentation
        (0xC058_6300, 24),  // 192.88.99.0/24 6to4 relays
        (0xC0A8_0000, 16),  // 192.168.0.0/16 private
        (0xC612_0000, 15),  // 198.18.0.0/15 benchmarks
        (0xC633_6400, 24),  // 198.51.100.0/24 documentation
        (0xCB00_7100, 24),  // 203.0.113.0/24 documentation
        (0xE000_0000, 4),  // 224.0.0.0/4 multicast
        (0xF000_0000, 4),  // 240.0.0.0/4 reserved, broadcast
    ]

    /// Whether the 4 or 16 bytes, in network order, are an address of the public internet.
    package static func isPublic(_ bytes: [UInt8]) -> Bool {
        switch bytes.count {
        case 4: return Self.isPublic4(Self.word(bytes[...]))
        case 16: return Self.isPublic6(bytes)
        default: return false
        }
    }

    private static func isPublic4(_ address: UInt32) -> Bool {
        !self.reserved4.contains { network, length in address >> (32 - length) == network >> (32 - length) }
    }

    private static func isPublic6(_ bytes: [UInt8]) -> Bool {
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return Self.isPublic4(Self.word(bytes[12...]))  // ::ffff:0:0/96, IPv4 mapped
        }
        if bytes[..<12] == [0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] {
            return Self.isPublic4(Self.word(bytes[12...]))  // 64:ff9b::/96, translated to IPv4
        }
        // Only 2000::/3 is global unicast: that leaves out ::1, fc00::/7, fe80::/10, ff00::/8 and all the rest.
        guard bytes[0] >> 5 == 1 else { return false }
        let first = Self.word(bytes[...])
        if first >> 16 == 0x2002 { return Self.isPublic4(Self.word(bytes[2...])) }  // 2002::/16 6to4
        if first >> 9 == 0x2001_0000 >> 9 { return false }  // 2001::/23 Teredo, benchmarks, ORCHID
        if first == 0x2001_0DB8 { return false }  // 2001:db8::/32 documentation
        if first >> 12 == 0x3FFF_0000 >> 12 { return false }  // 3fff::/20 documentation
        return true
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}
