import Foundation

/// How many processors this process may use.
enum ProcessorCount {
    /// Those of its affinity mask, which `taskset` and containers narrow; at least 1.
    static var available: Int {
        // The call itself, sched_getaffinity, is not among what Glibc's module shows.
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),  // No /proc: all of them.
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed:") })
        else { return ProcessInfo.processInfo.activeProcessorCount }
        let mask = line.dropFirst("Cpus_allowed:".count).compactMap(\.hexDigitValue)
        return max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount })
    }
}
