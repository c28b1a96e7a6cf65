import FoundationEssentials
import Logging
import Market
import Testing

@testable import Store

/// A journal's folder for one test, and the ticks to fill it with.
final class JournalRig: Sendable {
    let directory: String
    /// A disk of its own for tests that need failures; the folder then has only the lock.
    let disk = MemoryDisk()

    init() {
        self.directory = FileManager.default.temporaryDirectory.path + "/tickwire-journal-" + UUID().uuidString
    }

    deinit {
        // Left behind, it is one folder more in the system's temporary folder.
        try? FileManager.default.removeItem(atPath: self.directory)
    }

    static let logger = Logger(label: "journal-tests") { _ in SwiftLogNoOpLogHandler() }

    func settings(
        bytesMax: Int64 = 4 << 30, segmentBytesMax: Int64 = 64 << 20, bufferBytesMax: Int = 64 << 20
    ) -> JournalSettings {
        JournalSettings(
            directory: self.directory, bytesMax: bytesMax, segmentBytesMax: segmentBytesMax,
            bufferBytesMax: bufferBytesMax)
    }

    /// Opens a journal on the memory disk, one that tries again soon.
    func journal(
        bytesMax: Int64 = 4 << 30, segmentBytesMax: Int64 = 64 << 20, bufferBytesMax: Int = 64 << 20,
        alarmHold: Duration = .seconds(1)
    ) throws -> Journal {
        try Journal(
            self.settings(bytesMax: bytesMax, segmentBytesMax: segmentBytesMax, bufferBytesMax: bufferBytesMax),
            disk: self.disk, timing: JournalTiming(retry: .milliseconds(1), alarmHold: alarmHold), logger: Self.logger)
    }

    /// The paths of a stream's segments on the memory disk, in order.
    func segments(_ stream: JournalStream) -> [String] {
        self.disk.paths.filter { $0.hasPrefix(self.directory + "/" + stream.rawValue) }
    }
}

/// Reads all that a reader has, in batches of `ticksMax`.
func readAll(_ reader: JournalReader, ticksMax: Int = 1_000) throws -> (
    trades: [Trade], quotes: [Quote], lost: [JournalLoss]
) {
    var result: (trades: [Trade], quotes: [Quote], lost: [JournalLoss]) = ([], [], [])
    var position = reader.position
    while let batch = try reader.batch(ticksMax: ticksMax) {
        #expect(batch.first == position && batch.end > batch.first && reader.position == batch.end)
        #expect(batch.trades.count + batch.quotes.count <= ticksMax)
        let lost = batch.lost.reduce(0) { $0 + $1.count }
        #expect(Int64(batch.trades.count + batch.quotes.count) + lost == batch.end - batch.first)
        result.trades += batch.trades
        result.quotes += batch.quotes
        result.lost += batch.lost
        position = batch.end
    }
    return result
}

/// Waits until the disk, which works again, has everything.
///
/// One wait is not enough: it may still be answered by an attempt that began before.
func untilSynced(_ journal: Journal) async throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(10))
    while await !journal.sync() { try #require(ContinuousClock.now < deadline, "The disk takes nothing.") }
}

/// Waits until `condition` holds, for at most ten seconds.
func eventually(_ condition: () throws -> Bool) async throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(10))
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "Waited in vain.")
        try await Task.sleep(for: .milliseconds(1))
    }
}

extension Decimal64 {
    static func random(using random: inout some RandomNumberGenerator) -> Decimal64 {
        let mantissa = Int64.random(in: -999_999_999_999_999_999...999_999_999_999_999_999, using: &random)
        let shift = UInt64.random(in: 0...60, using: &random)
        let value = try? Decimal64(mantissa: mantissa >> Int64(shift), exponent: .random(in: -40...40, using: &random))
        return value ?? .zero
    }
}

extension Trade {
    /// A trade that has or lacks everything that a trade can have or lack.
    static func random(using random: inout some RandomNumberGenerator) -> Trade {
        let ids = [
            nil, "", "1", "918273", "0x1f-né", String(repeating: "long", count: .random(in: 1...40, using: &random)),
        ]
        return Trade(
            symbol: .random(using: &random), venue: .random(using: &random), price: .random(using: &random),
            size: Bool.random(using: &random) ? .random(using: &random) : nil,
            side: Side(rawValue: .random(in: 0...2, using: &random)) ?? .unknown,
            id: ids.randomElement(using: &random) ?? nil,
            eventTime: Timestamp(nanoseconds: .random(in: .min ... .max, using: &random)),
            receivedTime: Timestamp(nanoseconds: .random(in: .min ... .max, using: &random)),
            venueSequence: Bool.random(using: &random) ? .random(in: .min ... .max, using: &random) : nil,
            flags: TickFlags(rawValue: .random(in: 0...UInt16.max, using: &random)))
    }

    /// The trade with the number `number`, which shows in its id and its times.
    static func numbered(_ number: Int64) throws -> Trade {
        Trade(
            symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), price: try Decimal64(number + 1), size: nil,
            side: .buy, id: "\(number)", eventTime: Timestamp(nanoseconds: number),
            receivedTime: Timestamp(nanoseconds: number))
    }
}

extension Quote {
    /// A quote that has or lacks everything that a quote can have or lack.
    static func random(using random: inout some RandomNumberGenerator) -> Quote {
        func maybe() -> Decimal64? { Bool.random(using: &random) ? .random(using: &random) : nil }
        return Quote(
            symbol: .random(using: &random), venue: .random(using: &random), bid: maybe(), ask: maybe(),
            bidSize: maybe(), askSize: maybe(), last: maybe(),
            eventTime: Timestamp(nanoseconds: .random(in: .min ... .max, using: &random)),
            receivedTime: Timestamp(nanoseconds: .random(in: .min ... .max, using: &random)),
            venueSequence: Bool.random(using: &random) ? .random(in: .min ... .max, using: &random) : nil,
            flags: TickFlags(rawValue: .random(in: 0...UInt16.max, using: &random)))
    }

    /// The quote with the number `number`, which shows in its sequence and its times.
    static func numbered(_ number: Int64) throws -> Quote {
        Quote(
            symbol: try Symbol("BTC-USD"), venue: try Venue("coinbase"), bid: try Decimal64(number + 1), ask: nil,
            eventTime: Timestamp(nanoseconds: number), receivedTime: Timestamp(nanoseconds: number),
            venueSequence: number)
    }
}

extension Symbol {
    static func random(using random: inout some RandomNumberGenerator) -> Symbol {
        let letters = Array("ABCXYZ0189-.".utf8)
        let bytes = (0..<Int.random(in: 1...24, using: &random)).map { _ in letters.randomElement(using: &random) ?? 65
        }
        guard let symbol = Symbol(utf8: bytes) else { preconditionFailure("\(bytes) is no symbol") }
        return symbol
    }
}

extension Venue {
    static func random(using random: inout some RandomNumberGenerator) -> Venue {
        let letters = Array("abcxyz0189-_".utf8)
        let bytes = (0..<Int.random(in: 1...24, using: &random)).map { _ in letters.randomElement(using: &random) ?? 97
        }
        guard let venue = Venue(utf8: bytes) else { preconditionFailure("\(bytes) is no venue") }
        return venue
    }
}
