import Hummingbird
import NIOCore

/// Reads the body of a request, in time: a client that dawdles holds nothing for long.
enum RequestBody {
    /// Why there is no body.
    enum Problem: Error, Equatable {
        /// It is longer than may be.
        case tooLong(bytesMax: Int)
        /// It did not come in time.
        case late

        /// One line for the developer of the client.
        var reason: String {
            switch self {
            case .tooLong(let bytesMax): "The body is longer than \(bytesMax) bytes"
            case .late: "The body did not come within \(RequestBody.timeout)"
            }
        }
    }

    private static let timeout = Duration.seconds(10)

    /// The body.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - bytesMax: How long it may be.
    /// - Returns: Its bytes.
    /// - Throws: ``Problem``, or what reading throws.
    static func read(_ request: Request, bytesMax: Int) async throws -> [UInt8] {
        let body = request.body
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                do {
                    return Array(try await body.collect(upTo: bytesMax).readableBytesView)
                } catch is NIOTooManyBytesError {
                    throw Problem.tooLong(bytesMax: bytesMax)
                }
            }
            group.addTask {
                try await Task.sleep(for: Self.timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() ?? nil else { throw Problem.late }
            return bytes
        }
    }
}
