import ArgumentParser
import Market
import Store
import Tickwire

/// `tickwire journal`: looks into the journal's folder.
struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Look into the journal, which keeps ticks on disk until PostgreSQL has them.",
        discussion: """
            Both commands only read, and work while a service runs. The format is in docs/journal.md.

            EXAMPLES
              tickwire journal inspect                     what is in it, file by file
              tickwire journal verify                      check every byte of it
              tickwire journal inspect --records --json | tail
            """,
        subcommands: [JournalInspectCommand.self, JournalVerifyCommand.self]
    )
}

/// Which journal is meant.
struct JournalFolderOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The journal's folder; default: 'journal' in the data directory.", valueName: "folder"))
    var folder: String?
    @OptionGroup var settings: SettingsOptions
    @Flag(help: "One JSON object a line.")
    var json = false

    func inspector() async throws -> JournalInspector {
        if let folder = self.folder { return JournalInspector(directory: folder) }
        return JournalInspector(directory: try await self.settings.load().dataDirectory + "/journal")
    }
}

/// `tickwire journal inspect`.
struct JournalInspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "List the journal's segments: numbers, receive times, sizes.")

    @OptionGroup var options: JournalFolderOptions
    @Flag(help: "Every record instead of the segments.")
    var records = false

    func run() async throws {
        let inspector = try await self.options.inspector()
        let count = self.records ? try self.printRecords(inspector) : try self.printSegments(inspector)
        if count == 0 {
            Terminal.note("The journal in '\(inspector.directory)' has no segments: nothing was journaled yet.")
        }
    }

    private func printSegments(_ inspector: JournalInspector) throws -> Int {
        var table = Table([
            ("STREAM", .left), ("FIRST", .right), ("TICKS", .right), ("RECORDS", .right), ("BYTES", .right),
            ("RECEIVED FROM (UTC)", .left), ("UNTIL", .left), ("", .left),
        ])
        let count = try inspector.inspect { segment in
            if self.options.json { return Terminal.print(Self.json(segment)) }
            table.add([
                segment.stream.rawValue, "\(segment.first)", "\(segment.ticks)", "\(segment.records)",
                "\(segment.bytes)", Self.time(segment.from), Self.time(segment.until),
                segment.isDamaged ? "damaged: see 'tickwire journal verify'" : "",
            ])
        }
        if !table.isEmpty { for line in table.lines { Terminal.print(line) } }
        return count
    }

    /// A line each at once: there may be a million.
    private func printRecords(_ inspector: JournalInspector) throws -> Int {
        if !self.options.json { Terminal.print("file,offset,bytes,first,ticks,from,until") }
        return try inspector.inspect(
            onRecord: { file, record in
                if self.options.json {
                    Terminal.print(
                        #"{"bytes":\#(record.bytes),"file":"\#(file)","first":\#(record.first),"from":"\#(record.from)","#
                            + #""offset":\#(record.offset),"ticks":\#(record.ticks),"until":"\#(record.until)"}"#)
                } else {
                    Terminal.print(
                        "\(file),\(record.offset),\(record.bytes),\(record.first),\(record.ticks),\(record.from),\(record.until)"
                    )
                }
            }, onSegment: { _ in })
    }

    private static func time(_ time: Timestamp?) -> String {
        time.map { String($0.description.dropLast()).replacing("T", with: " ") } ?? ""
    }

    fileprivate static func json(_ segment: JournalSegmentReport) -> String {
        let times = [("from", segment.from), ("until", segment.until)]
            .map { name, time in #""\#(name)":\#(time.map { "\"\($0)\"" } ?? "null")"# }
        let findings = segment.findings.map {
            #"{"damage":\#($0.isDamage),"offset":\#($0.offset),"text":\#(JSONLine.string($0.text))}"#
        }
        return #"{"bytes":\#(segment.bytes),"end":\#(segment.end),"file":"\#(segment.file)","#
            + #""findings":[\#(findings.joined(separator: ","))],"first":\#(segment.first),\#(times[0]),"#
            + #""journal":\#(segment.journalID.map { "\"\($0)\"" } ?? "null"),"records":\#(segment.records),"#
            + #""stream":"\#(segment.stream.rawValue)","ticks":\#(segment.ticks),\#(times[1])}"#
    }
}

/// `tickwire journal verify`.
struct JournalVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check every byte of the journal: checksums, ticks and numbers.",
        discussion:
            "Ends with 65 when something is damaged. A torn end of the newest segment is a note: it is cut off at the next start."
    )

    @OptionGroup var options: JournalFolderOptions

    func run() async throws {
        let inspector = try await self.options.inspector()
        var ticks: Int64 = 0
        var damagedPlaces = 0
        var damagedFiles = 0
        let count = try inspector.inspect { segment in
            ticks += segment.ticks
            damagedPlaces += segment.findings.filter(\.isDamage).count
            if segment.isDamaged { damagedFiles += 1 }
            if self.options.json { return Terminal.print(JournalInspectCommand.json(segment)) }
            for finding in segment.findings {
                let kind = finding.isDamage ? "damaged" : "note"
                Terminal.print("\(segment.file): offset \(finding.offset): \(kind): \(finding.text)")
            }
        }
        guard damagedPlaces == 0 else {
            throw CommandError.badData(
                "The journal in '\(inspector.directory)' is damaged, in \(Self.count(damagedPlaces, "place")) of "
                    + "\(Self.count(damagedFiles, "file")); \(ticks) ticks can be read. "
                    + "A running service goes on by itself; check the disk and its log.")
        }
        Terminal.note("The journal in '\(inspector.directory)' is sound: \(count) segments, \(ticks) ticks.")
    }

    private static func count(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }
}
