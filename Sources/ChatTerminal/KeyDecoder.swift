public import ChatLineEditing

/// What a terminal sends for the keys of its keyboard, decoded.
///
/// A decoder knows no terminal and no clock: bytes in, keys out, cut anywhere. What it keeps is bounded, whatever comes: of a sequence some
/// bytes, of a paste one part. `ControlSequence` says which key a sequence is; one without a meaning is one `.unknown`.
///
/// The Escape key sends the byte that all sequences begin with. Only time tells them apart: while `isPending`, the host waits for 50 ms of
/// silence, and then calls `flush`.
///
/// Characters are whole, but what is one character for a reader may come in two keys: a letter, and the accent that combines with it. Text and
/// pastes may hold control characters of the range U+0080 to U+009F; a paste may hold any.
public struct KeyDecoder {
    /// The most bytes that one `.paste` has. A longer paste is several of them.
    public static let maximumPasteLength = 1_048_576
    /// The most bytes of a sequence, and of a string of a terminal's. What is longer ends there: a keyboard must not stay dead because the end
    /// of something never came.
    private static let maximumSequenceLength = 256
    private static let maximumStringLength = 65_536
    private static let endOfPaste: [UInt8] = [0x1B] + "[201~".utf8

    private enum State {
        case ground
        /// After ESC.
        case escape
        /// After ESC ESC.
        case secondEscape
        /// After ESC and the first bytes of a character of several.
        case altCharacter
        /// After `ESC [` or `ESC O`.
        case sequence(ControlSequence)
        /// After `ESC [ [`, by which the Linux console begins F1 to F5.
        case consoleKey
        /// After `ESC [ M`: a report of the mouse, of three more bytes.
        case mouse(missing: Int)
        /// In what a terminal answers to a question: from ESC and one of `] P X ^ _` to BEL or `ESC \`.
        case string(introducer: UInt8, length: Int)
        /// After an ESC in that.
        case stringEscape
        /// In a paste, and after so many bytes of what ends it.
        case paste(matched: Int)
    }

    private var state = State.ground
    /// The character that is under way: of typed text, of a paste, or after ESC.
    private var assembler = ScalarAssembler()
    /// What was typed or pasted and not handed over yet.
    private var text = ""
    /// Whether the last byte of the paste was CR, so that an LF belongs to it.
    private var pasteIsAfterCR = false

    /// A decoder that has seen nothing.
    public init() {}

    /// Whether the last bytes may be the Escape key, or Alt with a key, or else the beginning of more. False within a paste and within a
    /// character, whose rest comes for sure.
    public var isPending: Bool {
        switch state {
        case .ground, .paste: false
        default: true
        }
    }

    /// Decodes the next bytes. Calls `body` for each key, in their order; what was typed in one run is one `.text`.
    ///
    /// - Complexity: O(n)
    public mutating func decode(_ bytes: Span<UInt8>, _ body: (Key) -> Void) {
        for index in bytes.indices { take(bytes[index], body) }
        if case .paste = state { return }
        handOverText(body)
    }

    /// Takes what is pending as complete: an ESC is the Escape key. A paste that has not ended goes on.
    public mutating func flush(_ body: (Key) -> Void) {
        switch state {
        case .ground:
            endCharacter()
            handOverText(body)
        case .escape: body(.escape)
        case .secondEscape:
            body(.escape)
            body(.escape)
        case .altCharacter: body(.alt("\u{FFFD}"))
        case .sequence(let sequence) where sequence.parameterCount == 0:
            if sequence.hasEscapeBefore { body(.escape) }
            body(.alt(Character(Unicode.Scalar(sequence.introducer))))
        case .string(let introducer, length: 0): body(.alt(Character(Unicode.Scalar(introducer))))
        case .sequence, .consoleKey, .mouse, .string, .stringEscape: body(.unknown)
        case .paste: return
        }
        assembler.reset()
        state = .ground
    }

    // MARK: - One byte

    private mutating func take(_ byte: UInt8, _ body: (Key) -> Void) {
        switch state {
        case .ground: takeTyped(byte, body)
        case .escape: takeAfterEscape(byte, body)
        case .secondEscape: takeAfterSecondEscape(byte, body)
        case .altCharacter: takeOfAltCharacter(byte, body)
        case .sequence(let sequence): takeOfSequence(byte, sequence, body)
        case .consoleKey: end(.unknown, body)
        case .mouse(let missing):
            if missing > 1 { state = .mouse(missing: missing - 1) } else { end(.unknown, body) }
        case .string(let introducer, let length): takeOfString(byte, introducer, length, body)
        case .stringEscape:
            if byte == UInt8(ascii: "\\") { return end(.unknown, body) }
            // The string was cut off; a sequence begins.
            body(.unknown)
            state = .escape
            takeAfterEscape(byte, body)
        case .paste(let matched): takePasted(byte, matched, body)
        }
    }

    private mutating func end(_ key: Key, _ body: (Key) -> Void) {
        state = .ground
        body(key)
    }

    private mutating func takeTyped(_ byte: UInt8, _ body: (Key) -> Void) {
        if byte >= 0x20, byte != 0x7F { return addToText(byte) }
        endCharacter()
        handOverText(body)
        switch byte {
        case 0x1B: state = .escape
        case 0x09: body(.tab)
        case 0x0A, 0x0D: body(.enter)
        case 0x08, 0x7F: body(.backspace)
        // Ctrl clears the upper bits of a letter: Ctrl-A is 1.
        case 0x01...0x1A: body(.control(Character(Unicode.Scalar(byte | 0x60))))
        default: body(.control(Character(Unicode.Scalar(byte | 0x40))))
        }
    }

    private mutating func takeAfterEscape(_ byte: UInt8, _ body: (Key) -> Void) {
        switch byte {
        case 0x1B: state = .secondEscape
        case UInt8(ascii: "["), UInt8(ascii: "O"):
            state = .sequence(ControlSequence(introducer: byte, hasEscapeBefore: false))
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
            state = .string(introducer: byte, length: 0)
        case 0x08: end(.alt("\u{7F}"), body)
        default:
            if let scalar = assembler.begin(byte) { return end(.alt(Character(scalar)), body) }
            state = .altCharacter
        }
    }

    private mutating func takeAfterSecondEscape(_ byte: UInt8, _ body: (Key) -> Void) {
        if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") {
            state = .sequence(ControlSequence(introducer: byte, hasEscapeBefore: true))
        } else {
            body(.escape)
            takeAfterEscape(byte, body)
        }
    }

    private mutating func takeOfAltCharacter(_ byte: UInt8, _ body: (Key) -> Void) {
        if assembler.accepts(byte) {
            if let scalar = assembler.add(byte) { end(.alt(Character(scalar)), body) }
        } else {
            assembler.reset()
            end(.alt("\u{FFFD}"), body)
            take(byte, body)
        }
    }

    private mutating func takeOfSequence(_ byte: UInt8, _ sequence: ControlSequence, _ body: (Key) -> Void) {
        switch byte {
        case UInt8(ascii: "$") where sequence.isOneNumber && sequence.introducer == UInt8(ascii: "["):
            end(sequence.key(endingIn: byte), body)
        case 0x20...0x3F:
            if sequence.parameterCount >= Self.maximumSequenceLength { return end(.unknown, body) }
            var longer = sequence
            longer.append(byte)
            state = .sequence(longer)
        case UInt8(ascii: "[") where sequence.parameterCount == 0 && sequence.introducer == byte:
            state = .consoleKey
        case UInt8(ascii: "M") where sequence.parameterCount == 0 && sequence.introducer == UInt8(ascii: "["):
            state = .mouse(missing: 3)
        case UInt8(ascii: "~") where sequence.introducer == UInt8(ascii: "[") && sequence.parameters.elementsEqual("200".utf8):
            state = .paste(matched: 0)
        case 0x40...0x7E: end(sequence.key(endingIn: byte), body)
        default:
            // It was cut off: by a key, by another sequence, or by what no sequence has.
            end(.unknown, body)
            take(byte, body)
        }
    }

    private mutating func takeOfString(_ byte: UInt8, _ introducer: UInt8, _ length: Int, _ body: (Key) -> Void) {
        switch byte {
        case 0x1B: state = .stringEscape
        // BEL ends a string; CAN and SUB cancel it.
        case 0x07, 0x18, 0x1A: end(.unknown, body)
        default:
            if length >= Self.maximumStringLength { return end(.unknown, body) }
            state = .string(introducer: introducer, length: length + 1)
        }
    }

    // MARK: - Text

    private mutating func addToText(_ byte: UInt8) {
        if assembler.accepts(byte) {
            if let scalar = assembler.add(byte) { text.unicodeScalars.append(scalar) }
            return
        }
        endCharacter()
        if let scalar = assembler.begin(byte) { text.unicodeScalars.append(scalar) }
    }

    /// What lacks bytes, and will not get them, is U+FFFD.
    private mutating func endCharacter() {
        if assembler.isIncomplete { text.unicodeScalars.append("\u{FFFD}") }
        assembler.reset()
    }

    private mutating func handOverText(_ body: (Key) -> Void) {
        if text.isEmpty { return }
        let whole = text
        text = ""
        body(.text(whole))
    }

    private mutating func takePasted(_ byte: UInt8, _ matched: Int, _ body: (Key) -> Void) {
        if byte == Self.endOfPaste[matched] {
            if matched + 1 < Self.endOfPaste.count {
                state = .paste(matched: matched + 1)
                return
            }
            endCharacter()
            handOverPaste(body)
            pasteIsAfterCR = false
            state = .ground
            return
        }
        state = .paste(matched: 0)
        // It was not the end: all of it was pasted. The mark of the end has one ESC, its first, so nothing but that can begin it anew.
        for byte in Self.endOfPaste[..<matched] { addPasted(byte, body) }
        if byte == Self.endOfPaste[0] { state = .paste(matched: 1) } else { addPasted(byte, body) }
    }

    /// Terminals send CR for the newlines of a paste, and some send both.
    private mutating func addPasted(_ byte: UInt8, _ body: (Key) -> Void) {
        let isAfterCR = pasteIsAfterCR
        pasteIsAfterCR = byte == 0x0D
        if byte == 0x0A, isAfterCR { return }
        // One byte adds six at most: U+FFFD for what it has cut off, and U+FFFD for itself.
        if text.utf8.count > Self.maximumPasteLength - 6 { handOverPaste(body) }
        addToText(byte == 0x0D ? 0x0A : byte)
    }

    private mutating func handOverPaste(_ body: (Key) -> Void) {
        if text.isEmpty { return }
        let whole = text
        text = ""
        body(.paste(whole))
    }
}
