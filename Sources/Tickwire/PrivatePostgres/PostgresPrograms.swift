import Foundation
import Subprocess
import SystemPackage

/// Where PostgreSQL's server programs are.
struct PostgresPrograms: Sendable {
    /// The folder that holds `initdb`, `pg_ctl` and `postgres`.
    let directory: String

    /// Looks in `PATH`, then where Debian, Red Hat and Homebrew put them; the newest version wins.
    ///
    /// - Throws: ``SetupError/postgresMissing``.
    static func find(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> PostgresPrograms {
        let files = FileManager.default
        var candidates = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for root in ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt"] {
            let versions = (try? files.contentsOfDirectory(atPath: root)) ?? []  // A folder that is not there has none.
            let sorted = versions.sorted { $0.compare($1, options: .numeric) == .orderedDescending }
            candidates += sorted.map { "\(root)/\($0)/bin" }
        }
        let complete = candidates.first { directory in
            ["initdb", "pg_ctl", "postgres"].allSatisfy { files.isExecutableFile(atPath: "\(directory)/\($0)") }
        }
        guard let complete else { throw SetupError.postgresMissing }
        return PostgresPrograms(directory: complete)
    }
}

/// Runs a program to its end, as another user where root asks for it.
struct Command: Sendable {
    /// What the program said and how it ended.
    struct Result: Sendable {
        let isSuccess: Bool
        let output: String
    }

    let program: String
    let arguments: [String]
    /// The user and group to run as; `nil` keeps the present ones.
    let account: (userID: uid_t, groupID: gid_t)?

    /// Runs it; standard output and error are collected together.
    ///
    /// - Throws: When the program cannot be started. Cancelling the task ends the program.
    func run() async throws -> Result {
        var program = self.program
        var arguments = self.arguments
        if let account {
            // Not by Subprocess's own user id option: it calls setgroups(2) between fork and exec, which waits for ever on the
            // threads that the fork has left behind.
            let identity = ["--reuid=\(account.userID)", "--regid=\(account.groupID)", "--clear-groups", "--"]
            arguments = identity + [program] + arguments
            program = "/usr/bin/setpriv"
        }
        let record = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), workingDirectory: "/",
            output: .string(limit: 1 << 16), error: .combinedWithOutput
        )
        return Result(
            isSuccess: record.terminationStatus.isSuccess,
            output: record.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
        )
    }
}
