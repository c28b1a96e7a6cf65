/// The program's version.
public enum TickwireVersion {
    /// Follows semver.org; CHANGELOG.md says what each one brings.
    public static let current = "0.1.0"
}
