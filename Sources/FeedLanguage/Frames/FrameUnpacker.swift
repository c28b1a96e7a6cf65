import Compression

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
        case .gzip: return try Self.inflate(frame, .gzip)
        case .deflate: return try Self.inflate(frame, .deflate)
        case .csv: return CSVText.json(frame)
        case .ndjson: return Self.list(frame)
        }
    }

    private static func inflate(
        _ frame: UnsafeRawBufferPointer, _ format: Inflater.Format
    ) throws(Failure) -> [UInt8] {
        // A venue that compresses its data may still answer a wrong request in plain text.
        if let first = frame.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return Array(frame) }
        do throws(CompressionError) {
            return try Inflater(format).unpack(frame, bytesMax: Self.bytesMax)
        } catch {
            switch error {
            case .malformed: throw Failure(message: "the frame is not compressed as the file's 'decode' says")
            case .truncated: throw Failure(message: "the compressed frame ends too early")
            case .tooLarge(let bytesMax): throw Failure(message: "the frame unpacks to more than \(bytesMax) bytes")
            case .unavailable: throw Failure(message: error.description)
            }
        }
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
