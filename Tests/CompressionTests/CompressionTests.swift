import Testing

@testable import Compression

@Suite("Compression")
struct CompressionTests {
    private func packed(_ message: [UInt8]) throws -> [UInt8] {
        var output: [UInt8] = []
        let deflater = try Deflater()
        try message.withUnsafeBytes { try deflater.packMessage($0, appendingTo: &output) }
        return output
    }

    private func unpacked(_ message: [UInt8], bytesMax: Int = 1 << 20) throws -> [UInt8] {
        let inflater = try Inflater(.deflate)
        return try message.withUnsafeBytes { try inflater.unpackMessage($0, bytesMax: bytesMax) }
    }

    @Test("The examples of RFC 7692, section 7.2.3, say Hello")
    func examples() throws {
        let hello = Array("Hello".utf8)
        for message: [UInt8] in [
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            // No compression, a final block, and two blocks.
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        ] {
            #expect(try self.unpacked(message) == hello)
        }
        #expect(try self.packed(hello) == [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00])
    }

    @Test("What is packed unpacks to itself, one message after the other", arguments: 0..<40)
    func roundTrip(seed: Int) throws {
        let (deflater, inflater) = (try Deflater(), try Inflater(.deflate))
        var state = UInt64(seed + 1)
        for size in [0, 1, 100, 5000, 70_000] {
            let message = (0..<size).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // From noise to long runs.
                return UInt8(truncatingIfNeeded: state >> 33) & UInt8(0xFF >> (seed % 8))
            }
            var packed: [UInt8] = [9]
            try message.withUnsafeBytes { try deflater.packMessage($0, appendingTo: &packed) }
            #expect(packed.first == 9)
            let result = try packed.dropFirst().withUnsafeBytes {
                try inflater.unpackMessage($0, bytesMax: max(size, 1))
            }
            #expect(result == message)
        }
    }

    @Test("A message that unpacks to a byte more than allowed is refused; one less is not")
    func bound() throws {
        for size in [2, 1024, 4096, 1_000_000] {
            let message = try self.packed([UInt8](repeating: 7, count: size))
            #expect(try self.unpacked(message, bytesMax: size).count == size)
            #expect(throws: CompressionError.tooLarge(bytesMax: size - 1)) {
                try self.unpacked(message, bytesMax: size - 1)
            }
        }
    }

    @Test("A message that is cut anywhere, or is no compressed data, is refused and the next one is read")
    func damaged() throws {
        let whole = try self.packed(Array("a longer text, with a longer text in it, and a longer text".utf8))
        let inflater = try Inflater(.deflate)
        for count in 1..<whole.count - 1 {
            #expect(throws: CompressionError.self) {
                try whole[..<count].withUnsafeBytes { try inflater.unpackMessage($0, bytesMax: 1000) }
            }
        }
        #expect(throws: CompressionError.malformed) { try self.unpacked([0xFF, 0xFF, 0xFF]) }
        #expect(try whole.withUnsafeBytes { try inflater.unpackMessage($0, bytesMax: 1000) }.count == 58)
    }
}
