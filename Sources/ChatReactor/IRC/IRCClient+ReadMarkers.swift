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
        if message.parameters.count > 1 {
            guard let time = Int64(timestamp: message.parameters[1]) else {
                return fail("MARKREAD", "INVALID_PARAMS", message.parameters[1], text: "a time is timestamp=TIME")
            }
            // What is yet to be said is not read.
            let limited = min(max(time, 0), Timestamp.now)
            let isSet =
                isLoggedIn
                ? network.readMarkers.set(target, by: name, to: limited) : ownMarkers.set(target, by: .server, to: limited)
            guard isSet else {
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
        let time =
            isLoggedIn ? network.readMarkers.time(of: target, by: name) : ownMarkers.time(of: target, by: .server)
        let shown = time.map { "timestamp=\(Timestamp.rfc3339($0))" } ?? "*"
        send(IRCLine(network.serverName, "MARKREAD", ["\(target.isRoom ? "#" : "")\(target.name)", shown]))
    }
}
