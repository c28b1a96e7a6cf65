import CZlib

/// Packs messages for WebSockets with permessage-deflate (RFC 7692), each by itself.
///
/// Takes about 260 KB.
public final class Deflater {
    /// zlib keeps a pointer to it, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// A packer with zlib's usual effort and a window of 32 KB.
    ///
    /// - Throws: ``CompressionError/unavailable(status:)``.
    public init() throws(CompressionError) {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let status = deflateInit2_(
            self.stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            self.stream.deallocate()
            throw .unavailable(status: status)
        }
    }

    deinit {
        deflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// Appends the packed `message` to `output`, without the four bytes that section 7.2.1 takes away.
    ///
    /// - Parameters:
    ///   - message: Any bytes.
    ///   - output: Where the packed bytes go.
    /// - Throws: ``CompressionError/unavailable(status:)``; `output` is then as it was.
    public func packMessage(
        _ message: UnsafeRawBufferPointer, appendingTo output: inout [UInt8]
    ) throws(CompressionError) {
        deflateReset(self.stream)
        let start = output.count
        // What deflateBound promises holds for Z_FINISH; a flush adds at most these few bytes.
        let room = Int(deflateBound(self.stream, UInt(message.count))) + 16
        output.append(contentsOf: repeatElement(0, count: room))
        self.stream.pointee.next_in = UnsafeMutablePointer(mutating: message.bindMemory(to: UInt8.self).baseAddress)
        self.stream.pointee.avail_in = UInt32(message.count)
        let status = output.withUnsafeMutableBufferPointer { buffer in
            self.stream.pointee.next_out = buffer.baseAddress.map { $0 + start }
            self.stream.pointee.avail_out = UInt32(room)
            return deflate(self.stream, Z_SYNC_FLUSH)
        }
        let count = room - Int(self.stream.pointee.avail_out)
        guard status == Z_OK, self.stream.pointee.avail_in == 0, self.stream.pointee.avail_out > 0, count >= 4 else {
            output.removeLast(output.count - start)
            throw .unavailable(status: status)
        }
        output.removeLast(room - count + 4)
    }
}
