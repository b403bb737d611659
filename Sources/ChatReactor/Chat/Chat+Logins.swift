import Reactor

/// Names that are somebody's, and how somebody gets them.
extension Chat {
    /// Makes a connection somebody's who has proved to have a name, by a password, a certificate, or whatever else: the person gets the name, and
    /// takes part if it had to log in first. It may be called in the hook of `onAdmission`, too.
    ///
    /// Who has the name until now gives way. Whoever has logged in under it is told so, and closed: a connection that has broken without a
    /// word looks as if it were still there. Anybody else becomes a guest.
    ///
    /// In a chat of several servers, that comes to pass a moment later, at all of them.
    ///
    /// - Returns: Whether the person has the name now, or gets it. Not if it is banned, or if the person has left.
    @discardableResult
    public func logIn(_ person: Person, as name: ChatName) -> Bool {
        guard person.connection?.isOpen == true, person.connection?.isFinishing == false,
            bans.ban(of: name) == nil
        else { return false }
        // It has shown that by two means, such as a password and a certificate, and need not be told twice.
        if person.isLoggedIn, person.name.text == name.text, self.person(named: name) === person { return true }
        if let replica { return replica.logIn(person, as: name) }
        if let other = self.person(named: name), other !== person {
            if other.isLoggedIn {
                other.tell(.replaced)
                other.leave(farewell: "logged in again")
            } else {
                becomeGuest(other)
            }
        }
        // Those who were told of that may have had the person leave, or the name taken.
        guard person.connection?.isFinishing == false else { return false }
        // A newcomer is greeted under its name anyway.
        let isHere = self.person(named: person.name) === person
        let before = person.login
        // First, since those who are told of the new name may ask whose it is.
        person.login.name = name
        if name.text != person.name.text || !isHere {
            guard (try? rename(person, to: name, isGranted: true)) != nil else {
                // Whoever has to log in has to do so still.
                person.login = before
                return false
            }
        }
        person.stopAwaitingLogin()
        server?.didLogIn(person)
        if isHere {
            irc?.didChangeAccount(of: person)
            person.tell(.loggedIn(name))
        }
        if before.isAwaited { letIn(person) }
        return true
    }

    /// Gives somebody the name that it came with, since another has proved to have its own.
    func becomeGuest(_ person: Person) {
        person.tell(.error("\(person.name) is the name of somebody who logs in"))
        let guest = ChatName.guest(person.guestNumber)
        if let replica, !replica.isApplying {
            replica.submit(.rename(guest.text), of: person)
            return
        }
        if (try? rename(person, to: guest, isGranted: true)) != nil { person.tell(.named(guest)) }
    }

    /// Closes those who have logged in under a name that is nobody's any more, and takes their names from those who have them without a login.
    func enforceLogins() {
        irc?.readMarkers.keep { authenticator?.isKnown($0) == true }
        tellChangedCapabilities()
        replica?.judgedAnew.formUnion(replica?.waiting ?? [])
        // Of several servers, each looks at its own people.
        for person in people where !(person is RemotePerson) {
            (person as? IRCClient)?.judgeOperator()
            enforceLogin(of: person)
        }
    }

    /// Closes a person who has logged in under a name that is nobody's any more. Takes a name that is somebody's from a person who has not logged in.
    func enforceLogin(of person: Person) {
        let isKnown = authenticator?.isKnown(person.name) == true
        if person.isLoggedIn, !isKnown {
            person.tell(.error("goodbye: nobody can log in as \(person.name) any more"))
            person.leave(farewell: "kicked")
        } else if !person.isLoggedIn, isKnown {
            becomeGuest(person)
        }
    }

    /// Tells those with IRC clients by what one can log in now.
    func tellChangedCapabilities() {
        for case let client as IRCClient in people { client.tellChangedCapabilities() }
        // Who has no name yet may be about to log in.
        for client in (irc?.newcomers ?? [:]).values { client.tellChangedCapabilities() }
    }

    // MARK: - Who has to log in

    /// Whether a newcomer takes no part before it has logged in.
    func mustLogIn(_ person: Person) -> Bool {
        if !loginRules.isRequired || person.isLoggedIn { return false }
        guard let address = person.address else { return true }
        if loginRules.admitsLocalGuests, person.isFromHere(address) { return false }
        return !loginRules.guests.contains { $0.contains(address) }
    }

    /// Has a newcomer log in before it takes part.
    func awaitLogin(of person: Person) {
        let timeout = loginRules.timeout
        var state = person.login
        (state.isAwaited, state.isDecided) = (true, true)
        state.timer = loop.schedule(after: timeout) { [weak person] in person?.loginDidTimeOut() }
        person.login = state
        person.tell(.loginNeeded(server: name))
    }

    // MARK: - Passwords

    /// Has a password judged. Until that is done, the person is not heard.
    func judge(_ password: String, of name: ChatName, by person: Person) {
        guard let connection = person.connection else { return }
        if !loginRules.allowsPlainConnections, !person.isPrivate(connection) { return refuse(person, as: name, .plain) }
        let address = person.address(over: connection) ?? .unix(path: "")
        let attempt = LoginQueue.Attempt(
            person: person, password: password,
            key: .init(name: name, origin: AddressOrigin(address), isLocal: person.isFromHere(address)))
        if let refusal = logins.refusal(ofAdding: attempt) { return refuse(person, as: name, refusal) }
        connection.pauseReading()
        judgeNext()
    }

    private func judgeNext() {
        logins.start { attempt in
            judge(attempt)
        } refuse: { attempt, refusal in
            refuse(attempt.person, as: attempt.name, refusal)
            attempt.person.connection?.resumeReading()
        }
    }

    /// How often an attempt is judged, at most, because the authenticator was another one by the time that it was judged.
    private static let judgementLimit = 5

    private func judge(_ attempt: LoginQueue.Attempt, before: Int = 0) {
        guard let authenticator else { return finish(attempt, .wrong) }
        var isOpen = true
        authenticator.judge(attempt.password, of: attempt.name) { [weak self, weak authenticator] isRight in
            // Once, whatever an embedder does.
            if !isOpen { return }
            isOpen = false
            guard let self else { return }
            if authenticator != nil, authenticator === self.authenticator { return finish(attempt, isRight ? nil : .wrong) }
            // It was judged by one who has been replaced meanwhile: the name may have another password by now, and that may be this one.
            let count = before + 1
            if count < Self.judgementLimit { judge(attempt, before: count) } else { finish(attempt, .busy) }
        }
    }

    /// - Parameter refusal: Nil if the password is right.
    private func finish(_ attempt: LoginQueue.Attempt, _ refusal: LoginRefusal?) {
        logins.finish(attempt, isRight: refusal == nil)
        let person = attempt.person
        if let connection = person.connection, !connection.isFinishing {
            if let refusal {
                refuse(person, as: attempt.name, refusal)
            } else if authenticator?.isKnown(attempt.name) != true {
                // The name is nobody's by now.
                refuse(person, as: attempt.name, .wrong)
            } else if !person.didProve(attempt.name, to: self) {
                refuse(person, as: attempt.name, .banned)
            }
            // What it has sent meanwhile is said by whom it is now.
            person.connection?.resumeReading()
        }
        judgeNext()
    }

    private func refuse(_ person: Person, as name: ChatName, _ refusal: LoginRefusal) {
        server?.didRefuseLogin(of: person, as: name, because: refusal)
        person.loginWasRefused(refusal)
    }
}

extension Person {
    /// Whether the person has the name that it has logged in under.
    public var isLoggedIn: Bool { login.name == name }

    /// Runs `/login NAME PASSWORD`. Whatever is wrong, nothing that is told has the password in it.
    func logIn(_ argument: String) {
        guard let chat else { return }
        let (text, password) = argument.splitAtSpace
        if text.isEmpty || password.isEmpty { return tellUsage("login", as: Reply.loginRefused) }
        guard chat.authenticator != nil else {
            return tell(.loginRefused("nobody logs in here: a name is the one's who takes it first"))
        }
        let name: ChatName
        do throws(ChatName.Invalid) { name = try ChatName(text) } catch { return tell(.loginRefused("\(error)")) }
        if isLoggedIn, name == self.name { return tell(.loginRefused("you are logged in as \(self.name) already")) }
        chat.judge(password, of: name, by: self)
    }

    /// The person need not log in any more.
    final func stopAwaitingLogin() {
        // Not the name, which may be another one again.
        var state = login
        state.timer?.cancel()
        (state.isAwaited, state.timer) = (false, nil)
        login = state
    }

    func loginDidTimeOut() {
        guard login.isAwaited else { return }
        tell(.error("goodbye: you have not logged in in time"))
        leave(farewell: "timed out", reason: .firstMessageTimedOut)
    }
}
