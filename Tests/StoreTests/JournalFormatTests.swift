import Market
import Testing

@testable import Store

@Suite("The journal's format")
struct JournalFormatTests {
    @Test("The checksum is CRC-32C as RFC 3720 tests it")
    func checksum() {
        func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { CRC32C.checksum($0) } }
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum([UInt8](0..<32)) == 0x46DD_794E)
        #expect(checksum([UInt8](0..<32).reversed()) == 0x113F_DB5C)
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(checksum([]) == 0)
    }

    @Test("Any tick comes back as it was", arguments: UInt64(0)..<200)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let trades = (0..<20).map { _ in Trade.random(using: &random) }
        let quotes = (0..<20).map { _ in Quote.random(using: &random) }
        var bytes: [UInt8] = []
        for trade in trades { TickCoder.append(trade, to: &bytes) }
        for quote in quotes { TickCoder.append(quote, to: &bytes) }
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            for trade in trades { #expect(TickCoder.trade(&reader) == trade) }
            for quote in quotes { #expect(TickCoder.quote(&reader) == quote) }
            #expect(reader.isAtEnd)
        }
    }

    @Test("A tick cut anywhere is none", arguments: UInt64(0)..<20)
    func cutTick(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        TickCoder.append(Trade.random(using: &random), to: &bytes)
        let tradeCount = bytes.count
        TickCoder.append(Quote.random(using: &random), to: &bytes)
        #expect(bytes.count - tradeCount >= TickCoder.bytesMin)
        bytes.withUnsafeBytes { bytes in
            for count in 0..<tradeCount {
                var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                #expect(TickCoder.trade(&reader) == nil)
            }
            for count in tradeCount..<bytes.count {
                var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: tradeCount)
                #expect(TickCoder.quote(&reader) == nil)
            }
        }
    }

    @Test("The bytes are those of docs/journal.md")
    func layout() throws {
        let trade = Trade(
            symbol: try Symbol("BTC-USD"), venue: try Venue("sim"),
            price: try Decimal64(mantissa: 642_501, exponent: -1),
            size: nil, side: .sell, id: "é", eventTime: Timestamp(nanoseconds: 1),
            receivedTime: Timestamp(nanoseconds: -2),
            venueSequence: 3, flags: [.snapshot, .replayed])
        var record = JournalRecord(first: 42)
        record.append(trade)
        record.seal()
        let ticks = self.bytes(
            """
            22 01 01 01  01 00 00 00 00 00 00 00  fe ff ff ff ff ff ff ff  07 42 54 43 2d 55 53 44  03 73 69 6d
            c5 cd 09 00 00 00 00 00 ff  03 00 00 00 00 00 00 00  02 00 00 00 c3 a9
            """)
        let payload = self.bytes("2a 00 00 00 00 00 00 00  01 00 00 00") + ticks
        let checksum = payload.withUnsafeBytes { CRC32C.checksum($0) }
        #expect(Array(record.bytes[8...]) == payload)
        #expect(Array(record.bytes[..<4]) == [UInt8(payload.count), 0, 0, 0])
        #expect((0..<4).allSatisfy { record.bytes[4 + $0] == UInt8(truncatingIfNeeded: checksum >> UInt32($0 * 8)) })

        let id = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0"
        let header = SegmentHeader(stream: .quotes, first: 258, journalID: id).bytes
        let expected = self.bytes(
            """
            54 49 43 4b 4a 52 4e 4c  01 00 01 00 00 00 00 00  02 01 00 00 00 00 00 00
            0f 1e 2d 3c 4b 5a 49 78 87 96 a5 b4 c3 d2 e1 f0  00 00 00 00
            """)
        #expect(header.count == SegmentHeader.bytesCount && Array(header.prefix(44)) == expected)
    }

    private func bytes(_ digits: String) -> [UInt8] {
        digits.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
    }

    @Test("A header with one changed byte is none; one of another version says so")
    func header() throws {
        let header = SegmentHeader(stream: .trades, first: 1 << 40, journalID: JournalID.random())
        #expect(header.bytes.withUnsafeBytes { SegmentHeader.read($0) } == .header(header))
        for index in header.bytes.indices {
            var bytes = header.bytes
            bytes[index] ^= 1 << UInt8(index % 8)
            #expect(bytes.withUnsafeBytes { SegmentHeader.read($0) } == .damaged)
            #expect(header.bytes[..<index].withUnsafeBytes { SegmentHeader.read($0) } == .damaged)
        }
        var newer = header.bytes
        newer[8] = 2
        let checksum = newer[..<44].withUnsafeBytes { CRC32C.checksum($0) }
        for place in 0..<4 { newer[44 + place] = UInt8(truncatingIfNeeded: checksum >> UInt32(place * 8)) }
        #expect(newer.withUnsafeBytes { SegmentHeader.read($0) } == .otherVersion(2))
    }

    @Test("A segment's name carries stream and number; other names are no segments")
    func names() {
        let name = SegmentName(stream: .quotes, first: 42)
        #expect(name.text == "quotes-00000000000000000042.journal")
        #expect(SegmentName(name.text) == name)
        for other in [
            "", "id", "lock", "quotes-42.journal", "quotes-00000000000000000042.journal.gz",
            "candles-00000000000000000042.journal", "trades-0000000000000000004x.journal",
            "trades-99999999999999999999.journal", "trades-+0000000000000000042.journal",
            "trades--0000000000000000042.journal",
        ] {
            #expect(SegmentName(other) == nil, "\(other)")
        }
    }

    @Test("A journal's id is a UUID in lower case")
    func ids() throws {
        let id = JournalID.random()
        let bytes = try #require(JournalID.bytes(id.uppercased()))
        #expect(JournalID.text(bytes) == id && id != JournalID.random())
        for other in ["", "x", String(id.dropLast()), id + "0", id.replacing("-", with: ""), "g" + id.dropFirst()] {
            #expect(JournalID.bytes(other) == nil)
        }
    }
}
