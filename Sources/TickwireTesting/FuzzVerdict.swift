/// What came of an input that a fuzzer made up.
public enum FuzzVerdict: Equatable, Sendable {
    /// Everything held.
    case passed
    /// It says nothing, so nothing was tried.
    case skipped
    /// Something did not hold.
    case failed(String)
}
