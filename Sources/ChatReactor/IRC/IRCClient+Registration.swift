import ChatReactorText
import Reactor
import ReactorWeb

/// How somebody says who it is.
extension IRCClient {
    // MARK: - Capabilities

    func cap(_ message: IRCMessage) {
        let command = message.parameters[0].uppercased()
        let argument = message.parameters.dropFirst().first ?? ""
        switch command {
        case "LS":
            if !isRegistered { registration.isNegotiating = true }
            let version = Int(argument) ?? 301
            registration.takesValues = version >= 302
            registration.toldChangeable = changeableCapabilities
            // Who understands so much wants to hear of what changes.
            if version >= 302 { setCapabilities(capabilities.union(.capNotify)) }
            tellCapabilities(command, offeredCapabilities(withValues: version >= 302))
        case "LIST":
            tellCapabilities(command, IRCCapabilities.names.filter { capabilities.contains($0.capability) }.map(\.name))
        case "REQ":
            if !isRegistered { registration.isNegotiating = true }
            requestCapabilities(argument)
        case "END":
            registration.isNegotiating = false
            register()
        default:
            reply(.invalidCapabilityCommand, message.parameters[0])
        }
    }

    private func offeredCapabilities(withValues: Bool) -> [String] {
        IRCCapabilities.names.compactMap { name, capability in
            if !isOffered(capability) { return nil }
            let value = value(of: capability)
            return withValues && !value.isEmpty ? "\(name)=\(value)" : name
        }
    }

    private func value(of capability: IRCCapabilities) -> String {
        switch capability {
        case .sasl: saslMechanisms.joined(separator: ",")
        case .multiline: "max-bytes=\(Multiline.byteLimit),max-lines=\(Multiline.lineLimit)"
        default: ""
        }
    }

    private func isOffered(_ capability: IRCCapabilities) -> Bool {
        switch capability {
        case .sasl: !saslMechanisms.isEmpty
        case .multiline: chat.map { $0.maximumTextLength >= Multiline.textLength } ?? false
        case .readMarker: areMarkersKept
        default: true
        }
    }

    private func tellCapabilities(_ command: String, _ names: [String]) {
        // All of them fit into one message.
        send(IRCLine(network.serverName, "CAP", [shownName, command], text: Array(names.joined(separator: " ").utf8)))
    }

    private func requestCapabilities(_ text: String) {
        var new = capabilities
        for word in text.split(separator: " ") {
            let isRemoved = word.hasPrefix("-")
            let name = isRemoved ? word.dropFirst() : word
            guard let capability = IRCCapabilities.names.first(where: { $0.name == name })?.capability,
                // It stays for those who have asked for the list as of version 302.
                !(isRemoved && capability == .capNotify), isRemoved || isOffered(capability)
            else {
                // All or nothing.
                return send(IRCLine(network.serverName, "CAP", [shownName, "NAK"], text: Array(text.utf8)))
            }
            if isRemoved { new.remove(capability) } else { new.insert(capability) }
        }
        let answer = setCapabilities(new) ? "ACK" : "NAK"
        send(IRCLine(network.serverName, "CAP", [shownName, answer], text: Array(text.utf8)))
    }

    // MARK: - Name and user

    func pass(_ message: IRCMessage) {
        if isRegistered { return reply(.alreadyRegistered) }
        registration.password = message.parameters[0]
    }

    func nick(_ message: IRCMessage) {
        guard let text = message.parameters.first, !text.isEmpty else { return reply(.noNickname) }
        guard let chat else { return }
        let name: ChatName
        do throws(ChatName.Invalid) { name = try ChatName(text) } catch {
            return reply(.badNickname, text, text: "Erroneous nickname: \(error)")
        }
        if isRegistered { return changeName(to: name, in: chat) }
        if let other = chat.person(named: name), other !== self, registration.provenName != name, !hasPassword(of: name) {
            return reply(.nicknameInUse, text)
        }
        registration.name = name
        register()
    }

    /// Whether it has given what may be the password of a name. Then that decides who has it.
    private func hasPassword(of name: ChatName) -> Bool {
        guard let password = registration.password, let colon = password.firstIndex(of: ":") else { return false }
        return (try? ChatName(String(password[..<colon]))) == name
    }

    private func changeName(to name: ChatName, in chat: Chat) {
        if name.text == self.name.text { return }
        if isToldToBeMuted { return }
        if isLoggedIn, name != self.name {
            return reply(.badNickname, name.text, text: "you are logged in as \(self.name), which stays your name")
        }
        if let room = roomThatKeepsName { return reply(.bannedKeepsName, name.text, "#\(room.name)") }
        do throws(NameRegistry.Refusal) { try chat.rename(self, to: name, isGranted: false) } catch {
            tellRefused(name.text, error)
        }
    }

    func tellRefused(_ name: String, _ refusal: NameRegistry.Refusal) {
        switch refusal {
        case .taken: reply(.nicknameInUse, name)
        case .kept, .needsLogin: reply(.nicknameInUse, name, text: "Nickname is already in use: \(refusal)")
        case .banned, .reserved: reply(.badNickname, name, text: "Erroneous nickname: \(refusal)")
        }
    }

    func setUser(_ message: IRCMessage) {
        if isRegistered || registration.hasUser { return reply(.alreadyRegistered) }
        if message.parameters[3].isEmpty { return reply(.needMoreParameters, message.command) }
        let letters = String.UnicodeScalarView(message.parameters[0].unicodeScalars.filter(\.mayBeInName))
        let name = Self.cut(String(letters), atMost: Self.userLimit)
        user = name.isEmpty ? "user" : name
        realName = Self.remark(message.parameters[3])
        registration.hasUser = true
        register()
    }

    /// What somebody says that others are shown: one line of text, and no more than so much.
    static func remark(_ text: String, atMost limit: Int = remarkLimit) -> String {
        let plain = IRCFormatting.plain(text.utf8.span)
        let shown = String(madeVisible: String(decoding: plain, as: UTF8.self)).prefix(limit)
        // One character may have any number of marks.
        return cut(String(shown), atMost: IRCForm.lengthLimit / 2 + limit / 2)
    }

    /// Lets the client in, once it has said all that is needed.
    func register() {
        guard !isRegistered, registration.hasUser, registration.name != nil, !registration.isNegotiating,
            registration.judgement == nil, let chat
        else { return }
        // Who wants to come in now does not go on to log in. What it sends of that later is not to be taken for the rest of it.
        if registration.sasl.take() != nil { reply(.saslAborted) }
        // The server has no password of its own: what has no name before it is passed over.
        if let password = registration.password.take(), registration.provenName == nil, chat.authenticator != nil,
            let colon = password.firstIndex(of: ":")
        {
            return judge(String(password[..<colon]), String(password[password.index(after: colon)...]), as: .pass)
        }
        if let proven = registration.provenName, !isStillProved(proven, to: chat) || !chat.logIn(self, as: proven) {
            return leave(farewell: "\(proven) is not let in", reason: .requested)
        }
        chat.admit(self)
        if login.isAwaited {
            reply(.wrongPassword, text: "log in by SASL, or by PASS NAME:PASSWORD")
            leave(farewell: "you have to log in", reason: .requested)
        }
    }

    /// Whether a name that it has proved to have is somebody's still: it may have taken its time.
    private func isStillProved(_ name: ChatName, to chat: Chat) -> Bool {
        guard let authenticator = chat.authenticator else { return false }
        return authenticator.isKnown(name) || authenticator.provenName(of: self) == name
    }

    func setName(_ message: IRCMessage) {
        let new = Self.remark(message.parameters[0])
        // Others would read what it says of itself.
        if isToldToBeMuted { return }
        if new.isEmpty { return fail("SETNAME", "INVALID_REALNAME", text: "a description cannot be empty") }
        realName = new
        let line = network.line(by: self, "SETNAME", text: Array(new.utf8))
        if capabilities.contains(.setName) { send(line) }
        for peer in network.peers(of: self, who: .setName) { network.tell(peer, line) }
    }

    func setAway(_ message: IRCMessage) {
        let reason = Self.remark(message.parameters.first ?? "")
        if !reason.isEmpty, isToldToBeMuted { return }
        away = reason.isEmpty ? nil : reason
        reply(reason.isEmpty ? .unaway : .nowAway)
        let line = network.line(by: self, "AWAY", text: reason.isEmpty ? nil : Array(reason.utf8))
        for peer in network.peers(of: self, who: .awayNotify) { network.tell(peer, line) }
    }

    // MARK: - Passwords

    /// By what somebody can prove to have a name here and now.
    private var saslMechanisms: [String] {
        guard let chat, let authenticator = chat.authenticator, let connection else { return [] }
        var mechanisms: [String] = []
        if chat.loginRules.allowsPlainConnections || isPrivate(connection) { mechanisms.append("PLAIN") }
        if authenticator.provenName(of: self) != nil { mechanisms.append("EXTERNAL") }
        return mechanisms
    }

    /// Those of what is offered that depend on who can log in, with their values.
    private var changeableCapabilities: [IRCCapabilities: String] {
        let all: [IRCCapabilities] = [.readMarker, .sasl]
        return Dictionary(uniqueKeysWithValues: all.filter(isOffered).map { ($0, value(of: $0)) })
    }

    /// Tells a client that wants to hear of it what it can ask for that it was not told of, or cannot any more: one may log in by other means, or
    /// not at all.
    func tellChangedCapabilities() {
        let (before, now) = (registration.toldChangeable, changeableCapabilities)
        guard capabilities.contains(.capNotify), before != now else { return }
        registration.toldChangeable = now
        let lost = IRCCapabilities.names.filter { before[$0.capability] != nil && now[$0.capability] == nil }
        if !lost.isEmpty {
            setCapabilities(capabilities.subtracting(IRCCapabilities(lost.map(\.capability))))
            tellCapabilities("DEL", lost.map(\.name))
        }
        let new = IRCCapabilities.names.compactMap { name, capability -> String? in
            guard let value = now[capability], before[capability] != value else { return nil }
            return registration.takesValues && !value.isEmpty ? "\(name)=\(value)" : name
        }
        if !new.isEmpty { tellCapabilities("NEW", new) }
    }

    func authenticate(_ message: IRCMessage) {
        if !capabilities.contains(.sasl) { return reply(.saslFailed) }
        if registration.provenName != nil || isLoggedIn { return reply(.saslAlready) }
        if registration.judgement != nil { return }
        let text = message.parameters[0]
        guard var sasl = registration.sasl else { return beginSASL(text.uppercased()) }
        if text == "*" {
            registration.sasl = nil
            return reply(.saslAborted)
        }
        if text.utf8.count > 400 {
            registration.sasl = nil
            return reply(.saslTooLong)
        }
        if text != "+" { sasl.response += text }
        registration.sasl = sasl
        // A full piece is followed by another one, which may be empty.
        if text.utf8.count == 400 {
            if sasl.response.utf8.count > 4_000 {
                registration.sasl = nil
                reply(.saslTooLong)
            }
            return
        }
        registration.sasl = nil
        guard let bytes = Base64.decode(sasl.response), let response = String(validating: bytes, as: UTF8.self) else {
            return reply(.saslFailed)
        }
        if sasl.mechanism == "EXTERNAL" { proveByCertificate(as: response) } else { prove(by: response) }
    }

    private func beginSASL(_ mechanism: String) {
        guard saslMechanisms.contains(mechanism) else {
            reply(.saslMechanisms, saslMechanisms.joined(separator: ","))
            return reply(.saslFailed)
        }
        registration.sasl = .init(mechanism: mechanism)
        send(IRCLine("", "AUTHENTICATE", ["+"]))
    }

    /// Who it wants to be, who it is, and the password.
    private func prove(by response: String) {
        let parts = response.split(separator: "\0", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts[0].isEmpty || parts[0] == parts[1] else { return reply(.saslFailed) }
        judge(parts[1], parts[2], as: .sasl)
    }

    private func proveByCertificate(as wanted: String) {
        guard let name = chat?.authenticator?.provenName(of: self), wanted.isEmpty || (try? ChatName(wanted)) == name else {
            return reply(.saslFailed)
        }
        registration.judgement = .sasl
        guard let chat else { return }
        if !didProve(name, to: chat) { loginWasRefused(.banned) }
    }

    private func judge(_ nameText: String, _ password: String, as judgement: IRCRegistration.Judgement) {
        registration.judgement = judgement
        guard let chat, let name = try? ChatName(nameText), !password.isEmpty else { return loginWasRefused(.wrong) }
        chat.judge(String(madeVisible: password), of: name, by: self)
    }

    func proved(_ name: ChatName, to chat: Chat) -> Bool {
        let judgement = registration.judgement.take()
        if judgement == .oper { return becomeOperator(as: name, of: chat) }
        if isRegistered {
            let isDone = chat.logIn(self, as: name)
            if isDone { reply(.saslDone) } else { registration.judgement = judgement }
            return isDone
        }
        registration.provenName = name
        // Whatever it wanted to be called: this is its name.
        registration.name = name
        tellLoggedIn(as: name)
        if judgement == .sasl { reply(.saslDone) }
        register()
        return true
    }

    func tellLoggedIn(as name: ChatName) {
        reply(
            .loggedIn, "\(name)!\(user.isEmpty ? "*" : user)@\(network.host(of: self))", name.text,
            text: "You are now logged in as \(name)")
    }

    func tellLoggedOut() { reply(.loggedOut, network.source(of: self)) }

    func tellRefused(_ refusal: LoginRefusal) {
        switch registration.judgement.take() {
        case .pass:
            reply(.wrongPassword, text: refusal.description)
            leave(farewell: "\(refusal)", reason: .requested)
        case .oper: reply(.wrongPassword, text: refusal.description)
        case .sasl: reply(.saslFailed, text: "SASL authentication failed: \(refusal)")
        case nil: break
        }
    }

    func oper(_ message: IRCMessage) {
        guard chat?.authenticator != nil else { return reply(.noOperatorHost) }
        if registration.judgement != nil { return }
        judge(message.parameters[0], message.parameters[1], as: .oper)
    }

    private func becomeOperator(as name: ChatName, of chat: Chat) -> Bool {
        guard chat.authenticator?.isOperator(name) == true else {
            reply(.noOperatorHost, text: "\(name) is no operator")
            return true
        }
        operatorName = name
        reply(.youAreOperator)
        send(IRCLine(shownName, "MODE", [shownName, "+o"]))
        return true
    }

    /// Takes back what `OPER` has given, if the name is no operator's any more: it may be another's one day.
    func judgeOperator() {
        if operatorName == nil || isOpered { return }
        operatorName = nil
        send(IRCLine(shownName, "MODE", [shownName, "-o"]))
    }

    // MARK: - Being let in

    /// What everybody is told who is let in.
    func greet() {
        guard let chat else { return }
        reply(.welcome, text: "Welcome to \(chat.name), \(network.source(of: self))")
        reply(.yourHost, text: "Your host is \(network.serverName), running version \(network.version)")
        reply(.created, text: "This server was started \(Timestamp.minute(network.started))")
        send(
            IRCLine(
                network.serverName, IRCNumeric.myInfo.code,
                [shownName, network.serverName, network.version, "io", "biklmnostv", "bklov"]))
        for tokens in network.supportedTokens {
            var line = IRCLine(network.serverName, IRCNumeric.isSupport.code, [shownName] + tokens)
            line.text = Array((IRCNumeric.isSupport.text ?? "").utf8)
            send(line)
        }
        tellUsers()
        tellMessageOfTheDay()
    }

    // MARK: - Being there, and leaving

    func ping(_ message: IRCMessage) {
        guard let token = message.parameters.first, !token.isEmpty else {
            return message.parameters.isEmpty ? reply(.needMoreParameters, "PING") : reply(.noOrigin)
        }
        send(IRCLine(network.serverName, "PONG", [network.serverName], text: Array(token.utf8)))
    }

    func quit(_ message: IRCMessage) {
        // As with `PART`: all in its rooms hear of it.
        let words = partingWords(Self.remark(message.parameters.first ?? ""), from: rooms)
        leave(farewell: Self.farewell(with: words))
    }
}
