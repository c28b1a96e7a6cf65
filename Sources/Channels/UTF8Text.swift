extension UnsafeBufferPointer<UInt8> {
    /// Whether the bytes are valid UTF-8.
    package var isUTF8: Bool {
        (try? UTF8Span(validating: self.span)) != nil  // Which byte is wrong helps nobody.
    }
}
