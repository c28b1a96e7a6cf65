import CNATS
import Dispatch

extension NATSConnection {
    /// Whether NATS can be reached now: for a person who asks, and before a service relies on it.
    ///
    /// - Parameter servers: Where to.
    /// - Returns: The address that answered, without secrets.
    /// - Throws: ``BackplaneError/unavailable(servers:reason:)``.
    public static func check(_ servers: NATSServers) async throws(BackplaneError) -> String {
        let result: Result<String, BackplaneError> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: Self.tryOnce(servers)) }
        }
        return try result.get()
    }

    private static func tryOnce(_ servers: NATSServers) -> Result<String, BackplaneError> {
        var options: OpaquePointer?
        var status = natsOptions_Create(&options)
        defer { natsOptions_Destroy(options) }
        if status == NATS_OK { status = Self.apply(servers, to: options) }
        var handle: OpaquePointer?
        if status == NATS_OK { status = natsConnection_Connect(&handle, options) }
        defer { natsConnection_Destroy(handle) }
        if status == NATS_OK { status = natsConnection_FlushTimeout(handle, 2000) }
        guard status == NATS_OK else {
            return .failure(.unavailable(servers: servers.description, reason: Self.text(status)))
        }
        var buffer = [CChar](repeating: 0, count: 512)
        guard natsConnection_GetConnectedUrl(handle, &buffer, buffer.count) == NATS_OK else {
            return .success(servers.description)
        }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let url = String(decoding: bytes, as: UTF8.self)
        return .success((try? NATSServers(url))?.description ?? servers.description)
    }
}
