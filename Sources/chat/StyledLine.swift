import ChatReactorText

/// A line for people, in pieces that look different on a terminal.
struct StyledLine {
    enum Style {
        case plain
        /// The name of somebody.
        case name
        /// The user's own name.
        case ownName
        /// What the user should not miss.
        case mark
    }

    private(set) var pieces: [(text: String, style: Style)] = []

    init(_ text: String = "") {
        add(text)
    }

    mutating func add(_ text: String, _ style: Style = .plain) {
        if text.isEmpty { return }
        if let last = pieces.last, last.style == style, style == .plain {
            pieces[pieces.count - 1].text += text
        } else {
            pieces.append((text, style))
        }
    }

    /// Appends the line, made harmless, and a newline.
    ///
    /// - Parameter isColored: Whether the styles are shown.
    func append(to output: inout [UInt8], isColored: Bool) {
        for (text, style) in pieces {
            let attributes = isColored ? Self.attributes(of: text, style) : ""
            output.append(contentsOf: attributes.utf8)
            VisibleText.append(text.utf8.span, to: &output, invalidUTF8: .hexadecimal)
            if !attributes.isEmpty { output.append(contentsOf: "\u{1B}[0m".utf8) }
        }
        output.append(UInt8(ascii: "\n"))
    }

    private static func attributes(of text: String, _ style: Style) -> String {
        switch style {
        case .plain: ""
        case .name: "\u{1B}[38;5;\(NameColor.number(of: text))m"
        case .ownName: "\u{1B}[1;38;5;\(NameColor.number(of: text))m"
        case .mark: "\u{1B}[1;7m"
        }
    }
}
