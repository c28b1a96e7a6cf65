import NIOCore
import Synchronization

/// How many connections, or sessions of the fallback, each client address holds; IPv6 addresses count by their network of
/// 64 bits, of which a single host may have all.
final class AddressCounter: Sendable {
    /// An address as far as it counts.
    struct Key: Hashable, Sendable {
        private let number: UInt64
        private let isVersion6: Bool

        /// The key of a peer; `nil` when it has no IP address.
        init?(_ address: SocketAddress?) {
            guard let address, let bytes = Self.bytes(of: address) else { return nil }
            let network = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let rest = bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            // An IPv4 client on a socket of both versions is ::ffff:a.b.c.d.
            self.isVersion6 = bytes.count == 16 && (network != 0 || rest >> 32 != 0xFFFF)
            self.number = bytes.count == 16 && !self.isVersion6 ? rest & 0xFFFF_FFFF : network
        }

        /// The address in network order, from `sockaddr_in` or `sockaddr_in6`.
        static func bytes(of address: SocketAddress) -> [UInt8]? {
            address.withSockAddr { pointer, _ in
                let raw = UnsafeRawPointer(pointer)
                switch address {
                case .v4: return Array(UnsafeRawBufferPointer(start: raw + 4, count: 4))
                case .v6: return Array(UnsafeRawBufferPointer(start: raw + 8, count: 16))
                case .unixDomainSocket: return nil
                }
            }
        }
    }

    private let connectionsMax: Int
    private let counts = Mutex<[Key: Int]>([:])

    /// Counts to `connectionsMax`.
    init(connectionsMax: Int) {
        self.connectionsMax = connectionsMax
    }

    /// Counts one more connection.
    ///
    /// - Returns: `false`, and nothing is counted, when the address has as many as it may.
    func add(_ key: Key) -> Bool {
        self.counts.withLock { counts in
            let count = counts[key, default: 0]
            guard count < self.connectionsMax else { return false }
            counts[key] = count + 1
            return true
        }
    }

    /// One connection less.
    func remove(_ key: Key) {
        self.counts.withLock { counts in
            guard let count = counts[key] else { return }
            counts[key] = count > 1 ? count - 1 : nil
        }
    }
}
