import ChatReactorText

/// Up to when somebody has read what is said (`draft/read-marker` of IRCv3).
extension IRCClient {
    /// Whether an account can have markers.
    var areMarkersKept: Bool { chat?.authenticator != nil }

    func markRead(_ message: IRCMessage) {
        guard areMarkersKept else { return reply(.unknownCommand, message.command) }
        guard let text = message.parameters.first, !text.isEmpty else {
            return fail("MARKREAD", "NEED_MORE_PARAMS", text: "this is MARKREAD TARGET timestamp=TIME")
        }
        guard let target = Self.markerTarget(text) else {
            return fail("MARKREAD", "INVALID_PARAMS", text, text: "this is neither a room nor a person")
        }
        guard let account = network.account(of: self).flatMap({ try? ChatName(nick: $0) }) else {
            return fail("MARKREAD", "INTERNAL_ERROR", text, text: "log in first")
        }
        if message.parameters.count > 1 {
            guard let time = Int64(timestamp: message.parameters[1]) else {
                return fail("MARKREAD", "INVALID_PARAMS", message.parameters[1], text: "a time is timestamp=TIME")
            }
            // What is yet to be said is not read.
            guard network.readMarkers.set(target, by: account, to: min(max(time, 0), Timestamp.now)) else {
                return fail("MARKREAD", "INTERNAL_ERROR", text, text: "there are too many markers")
            }
        }
        // Nobody else has to be told: an account has one client at a time, since a second login takes the name over.
        tellMarker(of: target)
    }

    private static func markerTarget(_ text: String) -> ReadMarkers.Target? {
        if text.hasPrefix("#") { return roomName(text).map { ReadMarkers.Target(isRoom: true, name: $0) } }
        return (try? ChatName(nick: text)).map { ReadMarkers.Target(isRoom: false, name: $0) }
    }

    func tellMarker(of target: ReadMarkers.Target) {
        let account = network.account(of: self).map { ChatName(unchecked: $0) }
        let time = account.flatMap { network.readMarkers.time(of: target, by: $0) }
        let shown = time.map { "timestamp=\(Timestamp.rfc3339($0))" } ?? "*"
        send(IRCLine(network.serverName, "MARKREAD", ["\(target.isRoom ? "#" : "")\(target.name)", shown]))
    }
}
