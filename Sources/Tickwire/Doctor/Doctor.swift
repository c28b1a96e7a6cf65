import Backplane
import FeedLanguage
import Foundation
public import HTTPClient
import Ingest
public import Logging
import Market
import Notifications
import Postgres
import Store

/// Looks at all that a service needs, changes nothing, and says what is wrong and what to do about it.
public struct Doctor: Sendable {
    private let settings: Settings
    private let clockURL: String?
    private let client: HTTPClient
    private let logger: Logger

    /// Prepares.
    ///
    /// - Parameters:
    ///   - settings: What a service would run with.
    ///   - clockURL: Whose clock this machine's is compared with; `nil` compares with none.
    ///   - client: Asks for the time.
    ///   - logger: For trouble.
    public init(settings: Settings, clockURL: String?, client: HTTPClient, logger: Logger) {
        self.settings = settings
        self.clockURL = clockURL
        self.client = client
        self.logger = logger
    }

    /// Looks at everything.
    public func examine() async -> [Finding] {
        var findings = [self.apps(), self.limits()]
        findings += self.dataDirectory()
        findings.append(await self.database())
        findings += self.feeds()
        findings.append(await self.nats())
        findings += PushCheck.all(self.settings).map { Self.finding($0, name: "push \($0.name)") }
        findings.append(await self.clock())
        return findings
    }

    private func apps() -> Finding {
        let file = AppCredentials.file(in: self.settings.dataDirectory)
        if self.settings.appID == nil, self.settings.apps.isEmpty, !FileManager.default.fileExists(atPath: file) {
            return Finding("apps", .ok, "the first start makes one in \(file)")
        }
        do {
            let count = try AppSettings.load(self.settings).count
            return Finding("apps", .ok, count == 1 ? "one app" : "\(count) apps")
        } catch {
            return Finding("apps", .fail, "\(error)")
        }
    }

    // MARK: The machine

    private func limits() -> Finding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return Finding("files", .skip, "the limit of open files cannot be read")
        }
        return Self.files(Int(clamping: limit.rlim_max))
    }

    /// Judges how many files may be open: every client takes one, and the service raises its limit to the hard one.
    static func files(_ count: Int) -> Finding {
        let fix = "Raise it: ulimit -Hn 65536, or LimitNOFILE=65536 in the unit of systemd."
        switch count {
        case ..<256: return Finding("files", .fail, "only \(count) files may be open", fix: fix)
        case ..<4_096:
            return Finding("files", .warn, "\(count) files may be open, which is about as many clients", fix: fix)
        default: return Finding("files", .ok, "\(count) files may be open")
        }
    }

    private func dataDirectory() -> [Finding] {
        let path = self.settings.dataDirectory
        let existing = Self.existingFolder(path)
        let fix = "Let the user that runs tickwire write it, or choose another with --data-dir."
        guard Self.isFolder(existing), access(existing, W_OK | X_OK) == 0 else {
            return [Finding("data", .fail, "\(existing) cannot be written", fix: fix)]
        }
        var findings = [
            Finding(
                "data", .ok, existing == path ? "\(path) can be written" : "\(path) will be made by the first start")
        ]
        let journal = self.settings.journalDirectory
        if FileManager.default.fileExists(atPath: journal) {
            let isWritable = Self.isFolder(journal) && access(journal, W_OK | X_OK) == 0
            findings.append(
                isWritable
                    ? Finding("journal", .ok, "\(journal) can be written")
                    : Finding("journal", .fail, "\(journal) cannot be written", fix: fix))
        }
        var volume = statvfs()
        guard statvfs(existing, &volume) == 0 else { return findings }
        let free = Int64(clamping: UInt64(volume.f_bavail) * UInt64(volume.f_frsize))
        findings.append(Self.space(free, journal: Int64(self.settings.journalBytesMax)))
        return findings
    }

    /// Judges the free space, of which the journal takes up to its bound while the database is away.
    static func space(_ free: Int64, journal: Int64) -> Finding {
        let text = "\(free >> 20) MB are free"
        let fix = "Make room, or lower journal.sizeMax."
        if free < 256 << 20 { return Finding("space", .fail, text, fix: fix) }
        if free < journal {
            return Finding("space", .warn, "\(text), and the journal may take \(journal >> 20) MB", fix: fix)
        }
        return Finding("space", .ok, text)
    }

    /// The folder itself, or the nearest one above it that is there.
    private static func existingFolder(_ path: String) -> String {
        var path = path
        while !FileManager.default.fileExists(atPath: path), path.count > 1 {
            path = (path as NSString).deletingLastPathComponent
        }
        return path.isEmpty ? "/" : path
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    // MARK: Others

    private func database() async -> Finding {
        let connection: String
        if let url = self.settings.databaseURL {
            connection = url
        } else if PrivatePostgres.exists(under: self.settings.dataDirectory) {
            guard let running = PrivatePostgres.runningServer(under: self.settings.dataDirectory) else {
                return Finding("database", .ok, "the private PostgreSQL is there; it runs while a service does")
            }
            connection = running
        } else {
            do {
                let programs = try PostgresPrograms.find()
                return Finding(
                    "database", .ok, "none yet: the first start makes a private PostgreSQL with \(programs.directory)")
            } catch {
                return Finding("database", .fail, "\(error)")
            }
        }
        let client = PostgresClient(PostgresSettings(connection), maxConnections: 1, logger: self.logger)
        defer { client.close() }
        do {
            let version = try await client.query("SHOW server_version")[0].text(0)
            let migrations = try await Migrator(client: client, directory: self.settings.migrationsDirectory).status()
            let pending = migrations.count { $0.appliedAt == nil }
            guard pending == 0 else {
                return Finding(
                    "database", .warn,
                    "PostgreSQL \(version), but \(pending) of \(migrations.count) migrations are not applied",
                    fix: "tickwire migrate; a service does it at its start, too.")
            }
            return Finding("database", .ok, "PostgreSQL \(version), schema current")
        } catch let error as PostgresError {
            return Finding(
                "database", .fail, "\(error)", fix: "Check DATABASE_URL, and that the server runs and lets us in.")
        } catch {
            return Finding("database", .fail, "\(error)")
        }
    }

    private func feeds() -> [Finding] {
        if self.settings.isDemo { return [Finding("feeds", .ok, "the simulated market")] }
        var findings: [Finding] = []
        var good: [String] = []
        for name in self.settings.feeds ?? Settings.defaultFeeds {
            do {
                let feed = try FeedSelection.load(name, self.settings).feed
                good.append(name)
                for warning in feed.warnings { findings.append(Finding("feed \(name)", .warn, "\(warning)")) }
            } catch let error as SetupError {
                guard case .missingKeys = error else {
                    findings.append(Finding("feed \(name)", .fail, "\(error)"))
                    continue
                }
                findings.append(Finding("feed \(name)", .warn, "\(error)"))
            } catch let problem as FeedProblem {
                findings.append(
                    Finding(
                        "feed \(name)", .fail, problem.lines.first ?? "\(problem)",
                        fix: "tickwire feeds check shows all of it."))
            } catch {
                findings.append(Finding("feed \(name)", .fail, "\(error)"))
            }
        }
        if !good.isEmpty { findings.insert(Finding("feeds", .ok, good.joined(separator: ", ")), at: 0) }
        if good.isEmpty, !findings.contains(where: { $0.state == .fail }) {
            findings.append(Finding("feeds", .fail, "no feed can run", fix: "Set the keys of one, or choose others."))
        }
        return findings
    }

    private func nats() async -> Finding {
        guard let servers = self.settings.nats else {
            return Finding("nats", .skip, "not set: one process, or processes that publish over HTTP")
        }
        do {
            return Finding("nats", .ok, "connected to \(try await NATSConnection.check(servers))")
        } catch {
            return Finding("nats", .fail, "\(error)")
        }
    }

    private func clock() async -> Finding {
        guard let url = self.clockURL else {
            return Finding("clock", .skip, "not compared: no push service is set, and no --clock given")
        }
        do {
            let response = try await self.client.execute(HTTPRequest(method: "HEAD", url: url, timeout: .seconds(5)))
            let date = response.headers.first { $0.name.lowercased() == "date" }?.value
            return Self.finding(PushCheck.clock(date, now: .now), name: "clock")
        } catch {
            return Finding("clock", .skip, "not compared, for \(url) does not answer: \(error)")
        }
    }

    private static func finding(_ check: PushCheck, name: String) -> Finding {
        switch check.state {
        case .good: Finding(name, .ok, check.detail)
        case .doubtful: Finding(name, .warn, check.detail)
        case .bad: Finding(name, .fail, check.detail)
        case .absent: Finding(name, .skip, "not set", fix: check.detail)
        }
    }
}
