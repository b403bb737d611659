extension String {
    /// The text with its case folded as Unicode does it by default, for caseless comparison: `ß` becomes `ss`, and `ς` `σ`.
    ///
    /// Strings that are equal, which is to say canonically equivalent, stay equal. (With U+0F73, U+0F75 and U+0F81 they may not.)
    ///
    /// - Complexity: O(*n*) for *n* scalars.
    func foldingCase() -> String {
        var folded = String.UnicodeScalarView()
        var iotas = 0
        for scalar in unicodeScalars {
            if scalar.properties.canonicalCombiningClass == .notReordered {
                folded.append(contentsOf: repeatElement("ι", count: iotas))
                iotas = 0
            }
            var letters = scalar.foldingCase()
            if scalar.hasSubscriptIota {
                letters.removeLast()
                iotas += 1
            }
            folded.append(contentsOf: letters)
        }
        folded.append(contentsOf: repeatElement("ι", count: iotas))
        return String(folded)
    }
}

extension Unicode.Scalar {
    /// The scalar with its case folded.
    func foldingCase() -> [Unicode.Scalar] {
        if isASCII { return [("A"..."Z").contains(self) ? Unicode.Scalar(UInt8(value) | 0x20) : self] }
        // The capital of the dotless ı is I, but Unicode takes the two for different letters.
        if self == "ı" { return [self] }
        // Cherokee had capitals first, and is folded to these.
        if (0x13A0...0x13FD).contains(value) || (0xAB70...0xABBF).contains(value) {
            return Array(properties.uppercaseMapping.unicodeScalars)
        }
        // Capitals bring together what has several small letters, such as σ and ς. A capital ẞ has none but itself, so the small
        // letter comes first.
        let capitals = properties.lowercaseMapping.unicodeScalars.map(\.properties.uppercaseMapping).joined()
        return capitals.unicodeScalars.flatMap(\.properties.lowercaseMapping.unicodeScalars)
    }

    /// Whether the mark "iota subscript" of Greek is a part of this scalar. Folding makes a letter of it, which marks cannot
    /// change places with. Among marks it comes last in the canonical order, so the letter is put after all marks, wherever the
    /// mark was.
    fileprivate var hasSubscriptIota: Bool {
        self == "\u{345}"
            || (0x1F80...0x1FFC).contains(value) && properties.uppercaseMapping.unicodeScalars.dropFirst().last == "Ι"
    }
}
