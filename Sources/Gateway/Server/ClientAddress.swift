import NIOCore

/// The client that a request comes from, as far as limits count: its address, of IPv6 the network of 64 bits.
///
/// A trusted proxy says in `X-Forwarded-For` who asked it; others may write there what they like, and count by themselves.
public struct ClientAddress: Hashable, Sendable {
    /// Who sent the request that is being answered; `nil` when it has no IP address.
    @TaskLocal public static var current: ClientAddress?

    private let key: AddressCounter.Key

    /// Finds the client of a request.
    ///
    /// - Parameters:
    ///   - peer: Who opened the connection.
    ///   - forwardedFor: The header `X-Forwarded-For`: each proxy adds who asked it at the end.
    ///   - proxies: Those that are believed.
    init?(peer: SocketAddress?, forwardedFor: String?, proxies: AddressRanges) {
        var client = peer
        var named = (forwardedFor ?? "").split(separator: ",")[...]
        while proxies.contains(client), let text = named.popLast() {
            let name = text.drop { $0 == " " }.prefix { $0 != " " }
            // What is no address ends the list: the proxy itself counts then.
            guard let address = try? SocketAddress(ipAddress: String(name), port: 0) else { break }
            client = address
        }
        guard let key = AddressCounter.Key(client) else { return nil }
        self.key = key
    }
}
