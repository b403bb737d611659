import ChatReactorText

extension [UInt8] {
    /// What somebody has sent, made harmless for all who get it: once, before it is put down. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    init(madeVisible text: Span<UInt8>) {
        self.init()
        reserveCapacity(text.count)
        VisibleText.append(text, to: &self, invalidUTF8: .replacementCharacter)
    }
}

extension String {
    /// A line that an embedder or an operator has given, made harmless in the same way.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    init(madeVisible line: String) {
        self.init(decoding: [UInt8](madeVisible: line.utf8.span), as: UTF8.self)
    }

    init(_ bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
