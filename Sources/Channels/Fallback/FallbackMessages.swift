/// Reads the body of `xhr_send`: a JSON array of frame texts, empty when the client just says that it lives.
public enum FallbackMessages {
    /// What is wrong with a body.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// Not a JSON array of strings.
        case invalid(String)
        /// A frame has more than `limit` bytes.
        case tooLarge(limit: Int)

        /// One line for the client's developer.
        public var description: String {
            switch self {
            case .invalid(let reason): "The body must be a JSON array of frame texts: \(reason)"
            case .tooLarge(let limit): "A frame exceeds the allowed maximum (\(limit) bytes)"
            }
        }
    }

    /// The texts in a body.
    ///
    /// - Parameters:
    ///   - body: The request's body.
    ///   - bytesMax: How many bytes one frame may have.
    /// - Returns: The texts as UTF-8, in their order.
    /// - Throws: ``Failure``; nothing of a bad body counts.
    public static func read(_ body: UnsafeBufferPointer<UInt8>, bytesMax: Int) throws(Failure) -> [[UInt8]] {
        guard body.isUTF8 else { throw .invalid("it is not valid UTF-8") }
        var texts: [[UInt8]] = []
        do throws(ChannelsError) {
            var reader = JSONReader(body)
            try reader.readArray { (reader) throws(ChannelsError) in
                let slice = try reader.readString()
                let raw = UnsafeBufferPointer(rebasing: body[slice.range])
                texts.append(slice.hasEscapes ? JSONText.unescaped(raw) : Array(raw))
            }
            try reader.finish()
        } catch {
            throw .invalid(error.description)
        }
        guard texts.allSatisfy({ $0.count <= bytesMax }) else { throw .tooLarge(limit: bytesMax) }
        return texts
    }
}
