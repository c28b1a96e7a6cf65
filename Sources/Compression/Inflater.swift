import CZlib

/// Unpacks one piece of data after the other with zlib; keeps nothing from one to the next.
///
/// Takes about 10 KB, and 32 KB more once something was unpacked.
public final class Inflater {
    /// How the data is wrapped.
    public enum Format: Sendable {
        /// RFC 1952.
        case gzip
        /// Bare blocks, RFC 1951; the end mark may be missing.
        case deflate

        /// 15 bits of window; 16 more ask zlib for the gzip header, a minus for none.
        fileprivate var windowBits: Int32 {
            switch self {
            case .gzip: 15 + 16
            case .deflate: -15
            }
        }
    }

    /// zlib keeps a pointer to it, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let format: Format

    /// An unpacker of one format.
    ///
    /// - Throws: ``CompressionError/unavailable(status:)``.
    public init(_ format: Format) throws(CompressionError) {
        self.format = format
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let status = inflateInit2_(
            self.stream, format.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            self.stream.deallocate()
            throw .unavailable(status: status)
        }
    }

    deinit {
        inflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// Unpacks all of `input`.
    ///
    /// - Parameters:
    ///   - input: One complete piece of data.
    ///   - bytesMax: What may come out, at least 1; the work stops there, so a small hostile input costs no more.
    /// - Returns: The unpacked bytes.
    /// - Throws: ``CompressionError``.
    public func unpack(_ input: UnsafeRawBufferPointer, bytesMax: Int) throws(CompressionError) -> [UInt8] {
        precondition(bytesMax > 0, "room for \(bytesMax) bytes")
        inflateReset(self.stream)
        var output = Output(capacity: min(bytesMax + 1, max(1024, input.count * 4)))
        try self.run(input, bytesMax, goesOn: false, &output)
        return try output.finish(bytesMax)
    }

    /// Unpacks one message of a WebSocket with permessage-deflate: bare blocks whose last four bytes are left out.
    ///
    /// RFC 7692, section 7.2.2.
    ///
    /// - Parameters:
    ///   - message: The message's bytes, all fragments together.
    ///   - bytesMax: What may come out, at least 1.
    /// - Returns: The unpacked bytes.
    /// - Throws: ``CompressionError``.
    public func unpackMessage(_ message: UnsafeRawBufferPointer, bytesMax: Int) throws(CompressionError) -> [UInt8] {
        precondition(self.format == .deflate, "messages have no gzip header")
        precondition(bytesMax > 0, "room for \(bytesMax) bytes")
        inflateReset(self.stream)
        var output = Output(capacity: min(bytesMax + 1, max(1024, message.count * 4)))
        try self.run(message, bytesMax, goesOn: true, &output)
        let tail: [UInt8] = [0, 0, 0xFF, 0xFF]
        let result: Result<Void, CompressionError> = tail.withUnsafeBytes { tail in
            do throws(CompressionError) { return .success(try self.run(tail, bytesMax, goesOn: true, &output)) } catch {
                return .failure(error)
            }
        }
        try result.get()
        // Bit 7: stopped right behind a block. Anything else means that the message was cut.
        guard self.stream.pointee.data_type & 128 != 0 else { throw .truncated }
        return try output.finish(bytesMax)
    }

    /// Unpacks to the end of the input; `goesOn` says whether more may follow the data's final block.
    private func run(
        _ input: UnsafeRawBufferPointer, _ bytesMax: Int, goesOn: Bool, _ output: inout Output
    ) throws(CompressionError) {
        self.stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        self.stream.pointee.avail_in = UInt32(input.count)
        while true {
            let status = output.fill(self.stream)
            if status == Z_STREAM_END {
                guard goesOn, self.stream.pointee.avail_in > 0 else { return }
                inflateReset(self.stream)
                continue
            }
            guard status == Z_OK || status == Z_BUF_ERROR else {
                throw status == Z_MEM_ERROR ? .unavailable(status: status) : .malformed
            }
            // There is room for one byte more than allowed: full means too much, and zlib never stops for want of room.
            if self.stream.pointee.avail_out > 0 {
                guard self.stream.pointee.avail_in == 0 else { throw .malformed }
                guard self.format == .deflate else { throw .truncated }
                return
            }
            guard output.grow(to: bytesMax + 1) else { throw .tooLarge(bytesMax: bytesMax) }
        }
    }

    /// A growing array that zlib writes into.
    private struct Output {
        private var bytes: [UInt8]
        private var count = 0

        init(capacity: Int) { self.bytes = [UInt8](repeating: 0, count: capacity) }

        /// Lets zlib write behind what is there.
        mutating func fill(_ stream: UnsafeMutablePointer<z_stream>) -> Int32 {
            let (count, capacity) = (self.count, self.bytes.count)
            let status = self.bytes.withUnsafeMutableBufferPointer { buffer in
                stream.pointee.next_out = buffer.baseAddress.map { $0 + count }
                stream.pointee.avail_out = UInt32(capacity - count)
                return inflate(stream, Z_SYNC_FLUSH)
            }
            self.count = capacity - Int(stream.pointee.avail_out)
            return status
        }

        /// Doubles the room; `false` when it already is `capacityMax`.
        mutating func grow(to capacityMax: Int) -> Bool {
            guard self.bytes.count < capacityMax else { return false }
            self.bytes.append(
                contentsOf: repeatElement(0, count: min(self.bytes.count, capacityMax - self.bytes.count)))
            return true
        }

        consuming func finish(_ bytesMax: Int) throws(CompressionError) -> [UInt8] {
            guard self.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
            self.bytes.removeLast(self.bytes.count - self.count)
            return self.bytes
        }
    }
}
