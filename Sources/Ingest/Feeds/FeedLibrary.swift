public import FeedLanguage
import Foundation

/// Why a feed file is not fit to run, a line for each fault: `FILE:LINE:COLUMN: what is wrong and the fix`.
public struct FeedProblem: Error, Equatable, CustomStringConvertible {
    /// One line for each fault.
    public let lines: [String]

    /// All faults, a line each.
    public var description: String { self.lines.joined(separator: "\n") }
}

/// The folder of feed files.
public enum FeedLibrary {
    /// The feed files of a folder, sorted by name.
    ///
    /// - Throws: ``FeedProblem`` when the folder cannot be read.
    public static func files(in directory: String) throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw FeedProblem(lines: ["The folder of feed files '\(directory)' cannot be read. Check feedsDir."])
        }
        return names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted().map { "\(directory)/\($0)" }
    }

    /// The file and those that it extends, nearest first, as far as they can be read.
    static func sources(of file: String) -> [String] {
        // What is wrong with the text is told by whoever loads it to run it.
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return [file] }
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        var files = [file]
        _ = try? Feed.load(
            yaml: text, file: file,
            otherFile: { name in
                let path = folder.appendingPathComponent("\(name).yaml").path
                files.append(path)
                return try? String(contentsOfFile: path, encoding: .utf8)
            })
        return files
    }

    /// Loads a file and runs the tests inside it: only a feed that passes may connect.
    public static func load(file: String) -> Result<Feed, FeedProblem> {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            return .failure(FeedProblem(lines: ["\(file): cannot be read as UTF-8 text."]))
        }
        return self.load(yaml: text, file: file)
    }

    /// Compiles a feed file's text and runs its tests.
    ///
    /// Environment variables are those of this process; files that it `extends` are looked for in its folder.
    ///
    /// - Parameters:
    ///   - yaml: The text.
    ///   - file: The file's name, for messages.
    /// - Returns: The feed, or everything that is wrong with it.
    public static func load(yaml: String, file: String) -> Result<Feed, FeedProblem> {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        let environment = ProcessInfo.processInfo.environment
        do {
            let feed = try Feed.load(yaml: yaml, file: file, environment: { environment[$0] }) { name in
                // A base that is missing or unreadable is an error of the file that names it, with its place.
                try? String(contentsOf: folder.appendingPathComponent("\(name).yaml"), encoding: .utf8)
            }
            let failures = feed.streams.flatMap { $0.runTests() }
            guard failures.isEmpty else {
                return .failure(FeedProblem(lines: failures.map { "\(file):\($0)" }))
            }
            return .success(feed)
        } catch {
            return .failure(FeedProblem(lines: ["\(error)"]))
        }
    }
}
