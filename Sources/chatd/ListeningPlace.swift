import ArgumentParser
import ChatCommandLine
import ChatReactor
import Glibc

/// A place to listen at, as `--listen` names it: an endpoint, and for the path of a Unix-domain socket who may connect, as in
/// `unix:/run/chatd/socket,mode=0660,group=chat`. Before it may be `tls:`, `web:`, `web+tls:`, `irc:` or `irc+tls:`, and `web+` or `irc+` before `unix:`.
struct ListeningPlace {
    let endpoint: Endpoint
    var spoken = ClientProtocol.lines
    private var mode: UInt16?
    private var owner: String?
    private var group: String?

    init(tcp host: String, port: UInt16) {
        endpoint = .tcp(host: host, port: port)
    }

    /// A path may have commas in it, as long as no `name=` follows one.
    init(_ text: String) throws {
        let (spoken, text) = ClientProtocol.split(text)
        if spoken.usesTLS, !TLSSupport.isBuilt { throw ValidationError(TLSSupport.absence) }
        self.spoken = spoken
        var parts = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)[...]
        guard text.utf8.starts(with: "unix:".utf8) else {
            endpoint = try Endpoint(text)
            return
        }
        let first = parts.dropFirst().firstIndex { $0.contains(UInt8(ascii: "=")) && !$0.contains(UInt8(ascii: "/")) }
        let settings = first.map { parts[$0...] } ?? []
        parts = parts.prefix(parts.count - settings.count)
        endpoint = try Endpoint(parts.map { String(Substring($0)) }.joined(separator: ","))
        for setting in settings { try set(String(Substring(setting))) }
    }

    private mutating func set(_ setting: String) throws {
        let words = setting.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(Substring(words[0]))
        let value = words.count > 1 ? String(Substring(words[1])) : ""
        switch name {
        case "mode":
            guard (1...4).contains(value.utf8.count), value.utf8.allSatisfy({ (48...55).contains($0) }),
                let number = UInt16(value, radix: 8), number <= 0o777
            else { throw ValidationError("'\(value)' is no mode of a socket; write 0660, for example") }
            mode = number
        case "owner" where !value.isEmpty: owner = value
        case "group" where !value.isEmpty: group = value
        default:
            throw ValidationError("'\(setting)' says nothing about a socket; write mode=0660, owner=USER or group=GROUP")
        }
    }

    /// Who may connect. Looks the user and the group up.
    ///
    /// The corresponding C functions are `getpwnam` and `getgrnam`.
    func permissions() throws(Failure) -> UnixPermissions {
        var permissions = UnixPermissions(mode: mode)
        if let owner { permissions.owner = try number("user", owner) { unsafe getpwnam($0)?.pointee.pw_uid } }
        if let group { permissions.group = try number("group", group) { unsafe getgrnam($0)?.pointee.gr_gid } }
        return permissions
    }

    private func number(_ kind: String, _ name: String, _ look: (String) -> UInt32?) throws(Failure) -> UInt32 {
        // The last number means that nothing is to change.
        if let number = UInt32(name), number < .max { return number }
        if let number = look(name) { return number }
        throw Failure("cannot listen on \(endpoint): there is no \(kind) '\(name)'", code: EX_NOUSER)
    }
}
