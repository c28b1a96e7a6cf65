import CLibFuzzer
import Foundation
public import TickwireTesting

/// Hands the command line to libFuzzer, which calls back with one input after the other and ends the program.
public enum FuzzDriver {
    /// What is tried with each input.
    public typealias Check = (UnsafeBufferPointer<UInt8>) -> FuzzVerdict

    // SAFETY: set before libFuzzer starts, and libFuzzer calls from one thread.
    nonisolated(unsafe) private static var check: Check = { _ in .skipped }

    /// Runs `check` until the command line's time is over or something does not hold.
    public static func run(_ check: @escaping Check) -> Never {
        Self.check = check
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { data, size in
                switch Self.check(UnsafeBufferPointer(start: data, count: size)) {
                case .passed: 0
                // Tells libFuzzer not to keep the input.
                case .skipped: -1
                case .failed(let problem): fatalError(problem)
                }
            }
        )
    }
}
