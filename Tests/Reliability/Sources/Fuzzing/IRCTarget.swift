@testable import ChatReactor

/// Whatever a client of IRC sends: a message is written as what it is read as again, a mask matches what it should, and no part of a text is
/// lost that is to be shown.
enum IRCTarget {
    static func run(_ bytes: [UInt8]) {
        checkMessage(bytes)
        checkFormatting(bytes)
        checkCTCP(bytes)
        checkPieces(bytes)
        // A mask and a text, a line each.
        let lines = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
        let mask = String(decoding: lines[0], as: UTF8.self)
        checkMask(mask, String(decoding: lines.count > 1 ? lines[1] : lines[0], as: UTF8.self))
        checkWholeMask(mask)
    }

    // MARK: - Messages

    private static func checkMessage(_ line: [UInt8]) {
        let isForbidden = line.contains { $0 == 0 || $0 == 10 || $0 == 13 }
        let isText = String(validating: line, as: UTF8.self) != nil
        do throws(IRCMessage.Invalid) {
            let message = try IRCMessage(line.span)
            guard isText, !isForbidden else { fatalError("\(line) is no line of text, and is taken") }
            check(message, of: line)
        } catch {
            let reason: IRCMessage.Invalid = isForbidden ? .forbiddenByte : isText ? .empty : .notUTF8
            guard error == reason else { fatalError("\(line) is refused with \(error), not \(reason)") }
        }
    }

    private static func check(_ message: IRCMessage, of line: [UInt8]) {
        let keys = message.tags.map(\.key)
        guard !message.command.isEmpty, Set(keys).count == keys.count, !keys.contains(""), message.source != "" else {
            fatalError("\(line) is \(message)")
        }
        var written: [UInt8] = []
        message.append(to: &written)
        var rest = message
        rest.tags = []
        do throws(IRCMessage.Invalid) {
            let again = try IRCMessage(written.span)
            guard isSame(again, message) else { fatalError("\(line) is \(message), and then \(again)") }
            let other = try IRCMessage(Array(line.dropFirst(message.tagByteCount)).span)
            guard isSame(other, rest) else { fatalError("\(line) is \(message), and behind its tags \(other)") }
        } catch {
            fatalError("\(line) is \(message), which is refused with \(error)")
        }
    }

    /// By bytes: equal texts may have others.
    private static func isSame(_ one: IRCMessage, _ other: IRCMessage) -> Bool {
        func parts(_ message: IRCMessage) -> [[UInt8]] {
            let tags = message.tags.flatMap { [$0.key, $0.value] }
            return (tags + [message.source ?? "", message.command] + message.parameters).map { Array($0.utf8) }
        }
        return parts(one) == parts(other) && one.tags.count == other.tags.count
    }

    // MARK: - Masks

    private static func checkMask(_ mask: String, _ text: String) {
        guard IRCMask(mask).matches(text) == naiveMatch(mask, text) else {
            fatalError("\(Array(mask.utf8)) is judged wrongly for \(Array(text.utf8))")
        }
        if !mask.contains("*"), !mask.contains("?"), !IRCMask(mask).matches(mask) { fatalError("\(mask) is not itself") }
    }

    /// What each beginning of the mask matches, among all beginnings of the text.
    private static func naiveMatch(_ mask: String, _ text: String) -> Bool {
        let characters = Array(ChatName.fold(text))
        var rest = Array(ChatName.fold(mask))[...]
        var matched = [true] + characters.map { _ in false }
        while let sign = rest.popFirst() {
            var next = matched.map { _ in false }
            if sign == "*" {
                for end in matched.indices { next[end] = matched[...end].contains(true) }
            } else {
                let isEscape = sign == "\\" && (rest.first == "*" || rest.first == "?")
                let literal = isEscape ? rest.removeFirst() : sign
                for end in characters.indices where matched[end] {
                    next[end + 1] = sign == "?" || characters[end] == literal
                }
            }
            matched = next
        }
        return matched[characters.count]
    }

    private static func checkWholeMask(_ text: String) {
        let mask = IRCMask.normalized(text)
        guard mask.utf8.count <= 192, !mask.utf8.contains(32), mask.utf8.first != UInt8(ascii: ":"), mask.utf8.contains(33),
            mask.utf8.contains(64)
        else { fatalError("\(text) becomes \(mask)") }
        guard Array(IRCMask.normalized(mask).utf8) == Array(mask.utf8) else {
            fatalError("\(mask) is whole, and would be changed again")
        }
    }

    // MARK: - Texts

    private static func checkFormatting(_ text: [UInt8]) {
        let plain = IRCFormatting.plain(text.span)
        guard !IRCFormatting.contains(plain.span), IRCFormatting.plain(plain.span) == plain,
            IRCFormatting.contains(text.span) == (plain != text)
        else { fatalError("\(text) becomes \(plain)") }
        if String(validating: text, as: UTF8.self) != nil, String(validating: plain, as: UTF8.self) == nil {
            fatalError("\(text) becomes \(plain), which is not UTF-8")
        }
    }

    private static func checkCTCP(_ text: [UInt8]) {
        var action: [UInt8] = []
        CTCP.append(action: text.span, to: &action)
        let read = CTCP(action.span)
        guard read?.command == "ACTION", read?.argument == String(decoding: text, as: UTF8.self) else {
            fatalError("\(text) is read again as \(read as Any)")
        }
        guard let read = CTCP(text.span) else { return }
        guard text.first == 1, !read.command.isEmpty, !read.command.utf8.contains(32) else { fatalError("\(text) is \(read)") }
    }

    private static func checkPieces(_ text: [UInt8]) {
        let limit = 4 + Int(text.first ?? 0) % 48
        var pieces: [[UInt8]] = []
        TextPieces.forEach(of: text.span, atMost: limit) { piece in pieces.append(piece.indices.map { piece[$0] }) }
        guard Array(pieces.joined()) == text, pieces.allSatisfy({ $0.count <= limit && (text.isEmpty || !$0.isEmpty) }) else {
            fatalError("\(text) is cut into \(pieces)")
        }
        guard var rest = String(validating: text, as: UTF8.self) else { return }
        for piece in pieces.dropLast() {
            guard String(validating: piece, as: UTF8.self) != nil else { fatalError("\(text) is cut into \(pieces)") }
            let end = rest.utf8.index(rest.startIndex, offsetBy: piece.count)
            let isTooLong = rest.first.map { $0.utf8.count > limit } ?? false
            guard isTooLong || rest.indices.contains(end) else { fatalError("\(text) has a character torn in \(pieces)") }
            rest = String(rest[end...])
        }
    }
}
