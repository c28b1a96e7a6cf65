public import NIOCore

/// Networks of IP addresses, for example those of the proxies in front of the gateway.
public struct AddressRanges: Sendable, Equatable {
    /// The first `count` of an address's 128 bits.
    private struct Network: Equatable {
        let address: SIMD2<UInt64>
        let mask: SIMD2<UInt64>

        init(_ address: SIMD2<UInt64>, bits count: Int) {
            self.mask = SIMD2(
                count >= 64 ? .max : ~(.max >> UInt64(count)), count <= 64 ? 0 : ~(.max >> UInt64(count - 64)))
            self.address = address & self.mask
        }

        func contains(_ other: SIMD2<UInt64>) -> Bool { other & self.mask == self.address }
    }

    private let networks: [Network]

    /// No address at all.
    public static let none = AddressRanges(networks: [])

    /// This machine: `127.0.0.0/8` and `::1`.
    public static let loopback = AddressRanges(
        networks: [
            Network([0, 0xFFFF_7F00_0000], bits: 96 + 8), Network([0, 1], bits: 128),
        ])

    private init(networks: [Network]) {
        self.networks = networks
    }

    /// The networks of a list; `nil` when an entry is none, see ``isRange(_:)``.
    ///
    /// - Parameter list: `10.0.0.0/8`, `192.168.1.7`, `fd00::/8`, `::1`.
    public init?(_ list: [String]) {
        var networks: [Network] = []
        for entry in list {
            guard let network = Self.network(entry) else { return nil }
            networks.append(network)
        }
        self.networks = networks
    }

    /// Whether a list may hold this entry.
    public static func isRange(_ entry: String) -> Bool { self.network(entry) != nil }

    /// Whether one of the networks has the peer's address; `nil` has none.
    public func contains(_ peer: SocketAddress?) -> Bool {
        guard let peer, let address = Self.bits(of: peer) else { return false }
        return self.networks.contains { $0.contains(address) }
    }

    private static func network(_ entry: String) -> Network? {
        let parts = entry.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        // Fails for what is no address: that is the answer.
        guard let peer = try? SocketAddress(ipAddress: parts[0], port: 0), let address = self.bits(of: peer) else {
            return nil
        }
        let isVersion4 = if case .v4 = peer { true } else { false }
        guard parts.count == 2 else { return Network(address, bits: 128) }
        guard let count = Int(parts[1]), (0...(isVersion4 ? 32 : 128)).contains(count) else { return nil }
        return Network(address, bits: isVersion4 ? 96 + count : count)
    }

    /// The address as 128 bits, an IPv4 one as ::ffff:a.b.c.d, which it is on a socket of both versions.
    private static func bits(of address: SocketAddress) -> SIMD2<UInt64>? {
        guard let bytes = AddressCounter.Key.bytes(of: address) else { return nil }
        func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        guard bytes.count == 16 else { return [0, 0xFFFF_0000_0000 | number(bytes)] }
        return [number(bytes.prefix(8)), number(bytes.suffix(8))]
    }
}
