import CLibFuzzer
import FeedLanguage
import Foundation
import TickwireTesting

/// Hands the command line to libFuzzer, which calls back with one input after the other and ends the program.
@main
enum FuzzerCommand {
    // SAFETY: set before libFuzzer starts, and libFuzzer calls from one thread.
    nonisolated(unsafe) private static var check: FuzzCheck?

    static func main() throws {
        Self.check = try FuzzCheck(feeds: Self.feeds())
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { data, size in
                switch Self.check?.run(UnsafeBufferPointer(start: data, count: size)) {
                case .passed: 0
                // Tells libFuzzer not to keep the input.
                case .skipped, nil: -1
                case .failed(let problem): fatalError(problem)
                }
            }
        )
    }

    /// The shipped feed files.
    private static func feeds() throws -> [Feed] {
        let directory = ProcessInfo.processInfo.environment["FEEDS_DIRECTORY"] ?? "Feeds"
        func text(_ name: String) -> String? { try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8) }
        return try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }.map {
            try Feed.load(yaml: text($0) ?? "", file: $0, otherFile: { text("\($0).yaml") })
        }
    }
}
