import Market
import Testing

@testable import Store

@Suite("CSV of ticks")
struct CSVReaderTests {
    private func records(_ text: String, pieceLength: Int) throws -> [[String]] {
        var reader = CSVReader()
        var records: [[String]] = []
        let add: (CSVReader.Record) -> Void = { record in records.append((0..<record.count).map(record.text)) }
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieceLength) {
            try reader.read(Array(bytes[start..<min(start + pieceLength, bytes.count)]), add)
        }
        try reader.finish(add)
        return records
    }

    @Test("However the bytes are cut, the records are the same", arguments: [3, 4, 7, 1_000])
    func chunks(pieceLength: Int) throws {
        let text = "\u{FEFF}a,b,c\r\n1,,\"x,\"\"y\"\"\nz\"\n\n,,\n\"\",2,3"
        #expect(
            try self.records(text, pieceLength: pieceLength) == [
                ["a", "b", "c"], ["1", "", "x,\"y\"\nz"], ["", "", ""], ["", "2", "3"],
            ])
    }

    @Test("Semicolons and tabs separate as well", arguments: [";", "\t"])
    func separators(separator: String) throws {
        let text = "a\(separator)b\n1,5\(separator)2\n"
        #expect(try self.records(text, pieceLength: 1_000) == [["a", "b"], ["1,5", "2"]])
    }

    @Test(
        "Unix times are told apart by their size, and RFC 3339 is read to the nanosecond",
        arguments: [
            ("1763805600", "2025-11-22T10:00:00.000000Z"), ("1763805600.25", "2025-11-22T10:00:00.250000Z"),
            ("1763805600123", "2025-11-22T10:00:00.123000Z"), ("1763805600123456", "2025-11-22T10:00:00.123456Z"),
            ("1763805600123456789", "2025-11-22T10:00:00.123456789Z"), ("0", "1970-01-01T00:00:00.000000Z"),
            ("1.7638056e9", "2025-11-22T10:00:00.000000Z"), ("99999999999", "5138-11-16"),
            ("2025-11-22T11:00:00+01:00", "2025-11-22T10:00:00.000000Z"),
        ])
    func times(text: String, expected: String) throws {
        var reader = CSVReader()
        var csv: TickCSV?
        var found: String?
        do {
            try reader.read(Array("time,price\n\(text),1\n".utf8)) { record in
                if csv == nil {
                    csv = try TickCSV(
                        record, symbol: try Symbol("BTC-USD"), venue: try Venue("acme"), now: Timestamp(nanoseconds: 0))
                } else {
                    found = try csv?.tick(record).eventTime.description
                }
            }
        } catch let error as ImportError {
            // Beyond the year 2262 there is no such time in the program.
            #expect(expected.hasPrefix("5138") && error.description.contains(text))
            return
        }
        #expect(found == expected)
    }
}
