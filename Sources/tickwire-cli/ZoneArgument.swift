import ArgumentParser
import Foundation
import Market

/// The zone in which dates are read and times are shown: `UTC`, `local`, `Europe/Berlin`, `+05:30`.
struct ZoneArgument: ExpressibleByArgument {
    static let utc = ZoneArgument(name: "UTC", zone: nil)

    /// As the user named it; of the machine's own zone its name.
    let name: String
    /// `nil` for UTC, which needs no table.
    private let zone: TimeZone?

    private init(name: String, zone: TimeZone?) {
        self.name = name
        self.zone = zone
    }

    init?(argument: String) {
        switch argument {
        case "UTC", "utc", "Z": self = .utc
        case "local": self.init(name: TimeZone.current.identifier, zone: .current)
        default:
            if let rule = try? ZoneRule(argument), argument.first == "+" || argument.first == "-" {
                let seconds = rule.utcOffset(atUTC: Timestamp(nanoseconds: 0))
                self.init(name: argument, zone: TimeZone(secondsFromGMT: seconds))
            } else if argument.contains("/"), let zone = TimeZone(identifier: argument) {
                self.init(name: argument, zone: zone)
            } else {
                return nil
            }
        }
    }

    var isUTC: Bool { self.zone == nil }

    /// Seconds east of Greenwich at an instant.
    func offset(at time: Timestamp) -> Int {
        guard let zone else { return 0 }
        return zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.nanoseconds / 1_000_000_000)))
    }

    /// The instant at which clocks there show `local`, which is written as if it were UTC.
    ///
    /// Of an hour that is there twice the first one counts; one that is left out is read as so much later.
    func utc(fromLocal local: Timestamp) -> Timestamp {
        let offsets = [-86_400, 86_400].map { self.offset(at: local.advanced(byNanoseconds: $0 * 1_000_000_000)) }
        let candidates = [offsets.max() ?? 0, offsets.min() ?? 0].map { offset in
            (offset, local.advanced(byNanoseconds: -Int64(offset) * 1_000_000_000))
        }
        return candidates.first { self.offset(at: $0.1) == $0.0 }?.1 ?? candidates[candidates.count - 1].1
    }

    /// The clock's reading at an instant, written as if it were UTC.
    func local(_ time: Timestamp) -> Timestamp {
        self.isUTC ? time : time.advanced(byNanoseconds: Int64(self.offset(at: time)) * 1_000_000_000)
    }
}
