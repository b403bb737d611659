import ChatReactorText

/// A message of several lines (`draft/multiline` of IRCv3), which comes as a batch of messages, and is said once that has ended.
struct Multiline {
    static let lineLimit = 32
    static let byteLimit = 4_096
    /// How long a text a room has to take. Then there is room as well for a name before each of the lines.
    static let textLength = 16_384

    /// By which its messages name it.
    let reference: String
    let target: String
    let label: String?
    var original: IRCOriginal
    var lineCount = 0
    /// Whether it has been refused. What comes of it until its end is passed over.
    var isRefused = false
}

extension IRCClient {
    func batch(_ message: IRCMessage) {
        guard capabilities.contains([.multiline, .batch]) else { return reply(.unknownCommand, message.command) }
        let reference = message.parameters[0]
        if let open = multiline {
            guard reference == "-\(open.reference)" else { return refuseMultiline("another message has not ended") }
            return endMultiline(open)
        }
        guard reference.count > 1, reference.hasPrefix("+"), message.parameters.count > 2,
            message.parameters[1] == "draft/multiline"
        else { return refuseMultiline("this is BATCH +REFERENCE draft/multiline TARGET") }
        multiline = Multiline(
            reference: String(reference.dropFirst()), target: message.parameters[2], label: label,
            original: IRCOriginal(text: [], clientTags: clientTags(of: message)))
        // The answer is to the whole of it.
        label = nil
    }

    /// Whether a message is one of those of a batch, and so is done.
    func takesAsLine(_ message: IRCMessage) -> Bool {
        guard message.command != "BATCH", let reference = message.tags.first(where: { $0.key == "batch" })?.value else {
            return false
        }
        label = nil
        guard let open = multiline, open.reference == reference else {
            refuseMultiline("there is no such batch")
            return true
        }
        if open.isRefused { return true }
        let isGoingOn = message.tags.contains { $0.key == "draft/multiline-concat" }
        guard message.command == "PRIVMSG", message.parameters.count > 1, !isGoingOn || !message.parameters[1].isEmpty else {
            refuseMultiline("its lines are PRIVMSG, and one that goes on is not empty")
            return true
        }
        guard message.parameters[0] == open.target else {
            refuseMultiline("MULTILINE_INVALID_TARGET", open.target, message.parameters[0], "its lines have one target")
            return true
        }
        add(message.parameters[1], isGoingOn: isGoingOn, to: open)
        return true
    }

    private func add(_ text: String, isGoingOn: Bool, to open: Multiline) {
        var open = open
        if open.lineCount > 0 {
            if isGoingOn { open.original.breaks.append(open.original.text.count) } else { open.original.text.append("\n") }
        }
        open.original.text.append(text)
        open.lineCount += 1
        if open.lineCount > Multiline.lineLimit {
            return refuseMultiline("MULTILINE_MAX_LINES", String(Multiline.lineLimit), nil, "these are too many lines")
        }
        if open.original.text.count > Multiline.byteLimit {
            return refuseMultiline("MULTILINE_MAX_BYTES", String(Multiline.byteLimit), nil, "these are too many bytes")
        }
        multiline = open
    }

    private func endMultiline(_ open: Multiline) {
        label = open.label
        multiline = nil
        if open.isRefused { return }
        // What clients ask each other is one line.
        guard !open.original.text.isBlankLines, !open.original.isSeveralLines || CTCP(open.original.text.span) == nil else {
            return refuseMultiline("there is nothing in it that can be said")
        }
        say(open.original, at: open.target)
    }

    private func refuseMultiline(_ text: String) { refuseMultiline("MULTILINE_INVALID", nil, nil, text) }

    private func refuseMultiline(_ code: String, _ one: String?, _ other: String?, _ text: String) {
        if let open = multiline {
            label = open.label
            // Nothing of it need be kept.
            multiline = Multiline(
                reference: open.reference, target: open.target, label: nil, original: IRCOriginal(text: []), isRefused: true)
        }
        fail("BATCH", code, [one, other].compactMap(\.self), text: text)
    }
}

extension IRCOriginal {
    /// Whether it is more than one message of its sender's client.
    var isSeveralLines: Bool { text.span.isSeveralLines }

    /// The text without its colours, made harmless, with its newlines.
    var visibleLines: [UInt8] {
        let lines = text.lines.map { [UInt8](madeVisible: IRCFormatting.plain($0.span).span) }
        return Array(lines.joined(separator: "\n".utf8))
    }
}
