import Foundation
public import Logging
import Postgres

/// A PostgreSQL of Tickwire's own: made once under the data directory, reached by unix socket only, stopped with the process.
///
/// PostgreSQL refuses to run as root; then it is started as the user `postgres`, or `nobody` where there is none.
public struct PrivatePostgres: Sendable {
    /// The account that the server runs as when the process is root.
    private struct Account: Sendable {
        let name: String
        let userID: uid_t
        let groupID: gid_t
    }

    /// A libpq connection string for the database `tickwire`.
    public let connectionString: String
    private let programs: PostgresPrograms
    private let dataDirectory: String
    private let socketDirectory: String
    private let account: Account?
    private let logger: Logger
    /// Held by the process that stops the server; `nil` where another one does.
    private let ownership: OwnerLock?

    /// Makes the cluster if need be, starts its server if none runs, and creates the database.
    ///
    /// - Parameters:
    ///   - root: The data directory of Tickwire; the cluster lives in its folder `postgres`.
    ///   - logger: Says what is being done.
    /// - Returns: The running server.
    /// - Throws: ``SetupError``.
    public static func start(under root: String, logger: Logger) async throws -> PrivatePostgres {
        let programs = try PostgresPrograms.find()
        let account = getuid() == 0 ? try self.unprivilegedAccount() : nil
        let home = root + "/postgres"
        let dataDirectory = home + "/data"
        let socketDirectory = self.socketDirectory(home: home)
        for directory in [root, home, socketDirectory] {
            try self.makeDirectory(directory, for: directory == root ? nil : account)
        }
        if let account { try await self.checkAccess(home, account) }
        let server = PrivatePostgres(
            programs: programs, dataDirectory: dataDirectory, socketDirectory: socketDirectory, account: account,
            logger: logger, ownership: OwnerLock(path: root + "/postgres.lock")
        )
        if !FileManager.default.fileExists(atPath: dataDirectory + "/PG_VERSION") { try await server.initialise() }
        try Task.checkCancellation()
        // A server that runs without an owner is what a killed process has left behind: it is taken over.
        if try await !server.isRunning() { try await server.startServer() }
        do {
            try await server.createDatabase()
            try Task.checkCancellation()
            return server
        } catch {
            try await server.stop()
            throw error
        }
    }

    /// Whether a cluster has been made under `root`.
    public static func exists(under root: String) -> Bool {
        FileManager.default.fileExists(atPath: root + "/postgres/data/PG_VERSION")
    }

    /// The connection string of the server under `root` if it runs, which its file `postmaster.pid` says.
    static func runningServer(under root: String) -> String? {
        let home = root + "/postgres"
        guard FileManager.default.fileExists(atPath: home + "/data/postmaster.pid") else { return nil }
        return self.connectionString(self.socketDirectory(home: home))
    }

    private static func connectionString(_ socketDirectory: String) -> String {
        "host='\(socketDirectory)' dbname=tickwire user=tickwire"
    }

    private init(
        programs: PostgresPrograms, dataDirectory: String, socketDirectory: String, account: Account?, logger: Logger,
        ownership: OwnerLock?
    ) {
        self.programs = programs
        self.dataDirectory = dataDirectory
        self.socketDirectory = socketDirectory
        self.account = account
        self.logger = logger
        self.ownership = ownership
        self.connectionString = Self.connectionString(socketDirectory)
    }

    /// Stops the server if this process owns it; clients are cut off, everything committed is kept.
    public func stop() async throws {
        guard self.ownership != nil else { return }
        // Detached, because a cancelled task would end pg_ctl before the server has stopped.
        let result = try await Task.detached {
            try await self.run("pg_ctl", ["-D", self.dataDirectory, "-m", "fast", "-w", "-t", "10", "stop"])
        }.value
        guard result.isSuccess else { throw SetupError.privatePostgres(step: "stop", output: result.output) }
        self.logger.info("Private PostgreSQL stopped")
    }

    // MARK: Steps

    private func initialise() async throws {
        self.logger.info("Creating the private PostgreSQL", metadata: ["path": "\(self.dataDirectory)"])
        let result = try await self.run(
            "initdb",
            [
                "-D", self.dataDirectory, "-U", "tickwire", "--auth=trust", "--encoding=UTF8", "--locale=C",
                "--data-checksums",
            ]
        )
        guard result.isSuccess else { throw SetupError.privatePostgres(step: "be created", output: result.output) }
    }

    private func isRunning() async throws -> Bool {
        try await self.run("pg_ctl", ["-D", self.dataDirectory, "status"]).isSuccess
    }

    private func startServer() async throws {
        let options = [
            "listen_addresses=''", "unix_socket_directories='\(self.socketDirectory)'", "unix_socket_permissions=0700",
            "shared_buffers=128MB", "max_wal_size=1GB", "max_connections=60", "timezone=UTC", "log_timezone=UTC",
        ]
        let result = try await self.run(
            "pg_ctl",
            [
                "-D", self.dataDirectory, "-l", self.dataDirectory + "/server.log", "-w", "-t", "60", "-o",
                options.map { "-c \($0)" }.joined(separator: " "), "start",
            ]
        )
        guard result.isSuccess else {
            let log = (try? String(contentsOfFile: self.dataDirectory + "/server.log", encoding: .utf8)) ?? ""
            let last = log.split(separator: "\n").suffix(3).joined(separator: " / ")
            throw SetupError.privatePostgres(step: "start", output: last.isEmpty ? result.output : last)
        }
        self.logger.info("Private PostgreSQL started")
    }

    /// Creates the database; that it is there already is the usual case.
    private func createDatabase() async throws {
        let connection = try await PostgresConnection.connect(
            PostgresSettings(self.connectionString, database: "postgres"), logger: self.logger
        )
        defer { connection.close() }
        let found = try await connection.query("SELECT 1 FROM pg_database WHERE datname = 'tickwire'")
        if found.isEmpty { try await connection.execute("CREATE DATABASE tickwire") }
    }

    private func run(_ program: String, _ arguments: [String]) async throws -> Command.Result {
        try await Command(
            program: self.programs.directory + "/" + program, arguments: arguments,
            account: self.account.map { ($0.userID, $0.groupID) }
        ).run()
    }

    // MARK: Folders and accounts

    private static func unprivilegedAccount() throws -> Account {
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) {
                return Account(name: name, userID: entry.pointee.pw_uid, groupID: entry.pointee.pw_gid)
            }
        }
        throw SetupError.notFound(
            what: "The user", path: "postgres",
            fix: "PostgreSQL does not run as root: add it with 'useradd --system postgres'."
        )
    }

    /// A unix socket's path may have 107 bytes: a deep data directory gets a short folder in /tmp, named after it.
    private static func socketDirectory(home: String) -> String {
        let beside = home + "/run"
        if beside.utf8.count <= 80 { return beside }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in home.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return "/tmp/tickwire-" + String(hash, radix: 36)
    }

    private static func makeDirectory(_ path: String, for account: Account?) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: account == nil ? nil : [.posixPermissions: 0o700]
            )
        } catch {
            throw SetupError.notPermitted(path: path, fix: "Choose a writable folder with --data-dir.")
        }
        if let account, chown(path, account.userID, account.groupID) != 0 {
            throw SetupError.notPermitted(
                path: path, fix: "Its owner cannot be changed to '\(account.name)'; choose another --data-dir.")
        }
    }

    /// The unprivileged user must be able to enter every folder above the cluster.
    private static func checkAccess(_ home: String, _ account: Account) async throws {
        let test = Command(
            program: "/usr/bin/test", arguments: ["-w", home], account: (account.userID, account.groupID)
        )
        guard try await test.run().isSuccess else {
            throw SetupError.notPermitted(
                path: home,
                fix:
                    "PostgreSQL runs as the user '\(account.name)', who cannot enter it; choose another folder with --data-dir."
            )
        }
    }
}
