import CLibFuzzer
import Foundation
import GatewayTesting

/// Hands the command line to libFuzzer, which calls back with one input after the other and ends the program.
@main
enum WebSocketFuzzerCommand {
    // SAFETY: set before libFuzzer starts, and libFuzzer calls from one thread.
    nonisolated(unsafe) private static var check: WebSocketFuzzCheck?

    static func main() throws {
        Self.check = try WebSocketFuzzCheck()
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
}
