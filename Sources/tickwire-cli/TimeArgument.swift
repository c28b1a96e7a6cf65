import ArgumentParser
import Foundation
import Market

/// A point in time as people write it: `24h` (ago), `2026-11-23`, `2026-11-23T14:00:00Z`, `now`.
struct TimeArgument: ExpressibleByArgument {
    private enum Kind {
        case ago(nanoseconds: Int64)
        case at(Timestamp)
    }

    private let kind: Kind

    init?(argument: String) {
        if argument == "now" {
            self.kind = .ago(nanoseconds: 0)
        } else if let duration = DurationArgument(argument: argument) {
            self.kind = .ago(nanoseconds: duration.nanoseconds)
        } else if let time = Timestamp(iso8601: argument) ?? Timestamp(iso8601: argument + "T00:00:00Z") {
            self.kind = .at(time)
        } else {
            return nil
        }
    }

    func resolved(now: Timestamp) -> Timestamp {
        switch self.kind {
        case .ago(let nanoseconds): now.advanced(byNanoseconds: -nanoseconds)
        case .at(let time): time
        }
    }
}

/// A length of time: `90s`, `5m`, `24h`, `7d`, `2w`.
struct DurationArgument: ExpressibleByArgument {
    let nanoseconds: Int64

    var defaultValueDescription: String { "\(self.nanoseconds / 1_000_000_000)s" }

    init(seconds: Int64) { self.nanoseconds = seconds * 1_000_000_000 }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800]
        guard let unit = argument.last.flatMap({ units[$0] }), let count = Int64(argument.dropLast()), count > 0,
            case let (seconds, overflow) = count.multipliedReportingOverflow(by: unit), !overflow,
            seconds < 100 * 365 * 86400
        else { return nil }
        self.nanoseconds = seconds * 1_000_000_000
    }
}
