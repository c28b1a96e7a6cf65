import Foundation
import Ingest

/// The feeds' health as JSON.
enum FeedReportText {
    static func json(_ status: [FeedReport]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and whole numbers always encode.
        guard let data = try? encoder.encode(status) else { preconditionFailure("a feed's status did not encode") }
        return String(decoding: data, as: UTF8.self)
    }
}
