import Foundation

/// How long ago something was, for people.
enum Age {
    static func text(seconds: Double) -> String {
        switch seconds {
        case ..<60: String(format: "%.1f s", max(0, seconds))
        case ..<3600: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3600)) h"
        default: "\(Int(seconds / 86400)) d"
        }
    }
}
