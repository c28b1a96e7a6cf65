import CZlib

/// Turns a packed frame into the JSON that the rules read.
struct FrameUnpacker {
    /// Why a frame cannot be unpacked.
    struct Failure: Error, Equatable {
        let message: String
    }

    /// What a frame may unpack to: 64 MiB, so that a small hostile frame does not fill the memory.
    static let bytesMax = 64 << 20

    private let encoding: FrameEncoding

    init(_ encoding: FrameEncoding) { self.encoding = encoding }

    /// The frame as JSON, or as the plain text it is.
    func unpack(_ frame: UnsafeRawBufferPointer) throws(Failure) -> [UInt8] {
        switch self.encoding {
        case .text, .binary: return Array(frame)
        // 15 bits of window, RFC 1951; 16 more ask zlib for the gzip header.
        case .gzip: return try Self.inflate(frame, windowBits: 15 + 16)
        case .deflate: return try Self.inflate(frame, windowBits: -15)
        case .csv: return CSVText.json(frame)
        case .ndjson: return Self.list(frame)
        }
    }

    private static func inflate(_ frame: UnsafeRawBufferPointer, windowBits: Int32) throws(Failure) -> [UInt8] {
        // A venue that compresses its data may still answer a wrong request in plain text.
        if let first = frame.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return Array(frame) }
        var stream = z_stream()
        guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw Failure(message: "zlib does not start")
        }
        defer { inflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: max(4096, frame.count * 6))
        var written = 0
        stream.next_in = UnsafeMutablePointer(mutating: frame.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(frame.count)
        while true {
            let capacity = output.count
            let status = output.withUnsafeMutableBufferPointer { buffer in
                stream.next_out = buffer.baseAddress.map { $0 + written }
                stream.avail_out = UInt32(capacity - written)
                return CZlib.inflate(&stream, Z_SYNC_FLUSH)
            }
            written = capacity - Int(stream.avail_out)
            if status == Z_STREAM_END { break }
            guard status == Z_OK || (status == Z_BUF_ERROR && stream.avail_out == 0) else {
                throw Failure(message: "the frame is not compressed as the file's 'decode' says")
            }
            if stream.avail_in == 0, stream.avail_out > 0 {
                // Some venues leave the end mark of raw DEFLATE out.
                guard windowBits < 0 else { throw Failure(message: "the compressed frame ends too early") }
                break
            }
            if stream.avail_out == 0 {
                guard capacity < Self.bytesMax else {
                    throw Failure(message: "the frame unpacks to more than \(Self.bytesMax) bytes")
                }
                output.append(contentsOf: repeatElement(0, count: min(capacity, Self.bytesMax - capacity)))
            }
        }
        output.removeLast(output.count - written)
        return output
    }

    /// `[line,line]`; a text without any JSON stays as it is.
    private static func list(_ frame: UnsafeRawBufferPointer) -> [UInt8] {
        guard let first = frame.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            return Array(frame)
        }
        var result: [UInt8] = [UInt8(ascii: "[")]
        for line in frame.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            if result.count > 1 { result.append(UInt8(ascii: ",")) }
            result.append(contentsOf: line)
        }
        result.append(UInt8(ascii: "]"))
        return result
    }
}
