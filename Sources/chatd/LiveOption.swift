import ChatCommandLine
import ChatReactor
import ChatdPasswords
import Glibc

/// Options that take effect when the configuration is read again, without a restart.
struct LiveOption {
    /// The options that it is about.
    let names: [String]
    /// Checks and reads what the new options need, and changes nothing. It is asked also if the options are as before: a file that they name
    /// may be another one by now. What it returns changes the daemon, which cannot fail, and tells whether that was a change.
    let prepare: (Daemon, Chatd) throws -> () -> Bool

    private init(_ names: String..., prepare: @escaping (Daemon, Chatd) throws -> () -> Bool) {
        self.names = names
        self.prepare = prepare
    }

    /// One that is a property of the daemon.
    private init<Value: Equatable>(
        _ names: String..., get: @escaping (Daemon) -> Value?, set: @escaping (Daemon, Chatd) -> Void
    ) {
        self.names = names
        prepare = { daemon, options in
            {
                let old = get(daemon)
                set(daemon, options)
                return get(daemon) != old
            }
        }
    }

    /// One that is a property of the daemon, and that names files, which are read first.
    private init<Value: Equatable>(
        _ names: String..., of property: ReferenceWritableKeyPath<Daemon, Value>, read: @escaping (Chatd) throws -> Value
    ) {
        self.names = names
        prepare = { daemon, options in
            let new = try read(options)
            return {
                let old = daemon[keyPath: property]
                daemon[keyPath: property] = new
                return new != old
            }
        }
    }

    /// Those of a daemon that listens with TLS. One that does not would have to be started again.
    static func all(of certificates: ServerCertificates) -> [LiveOption] {
        [
            .init("tls-certificate", "tls-key") { _, options in try certificates.prepareIdentities(options.tlsOptions) },
            .init("tls-client-ca", "tls-clients") { _, options in try certificates.prepareClients(options.tlsOptions) },
        ]
    }

    /// One table: a row for each.
    static var all: [LiveOption] {
        [
            .init("log-level", get: \.logLevel) { $0.logLevel = $1.logLevel.value },
            .init("log-format", get: \.output.format) { $0.output.format = $1.logFormat },
            .init("quit-word", "no-quit-word", get: \.quitWord) { $0.quitWord = $1.effectiveQuitWord },
            .init("drain-timeout", get: \.drainTimeout) { $0.drainTimeout = $1.drainTimeout.duration },
            .init("name", get: \.server.chat?.name) { $0.setChat(\.name, to: $1.chatOptions.effectiveName) },
            .init("history", get: \.server.chat?.history) {
                $0.setChat(\.history, to: $1.chatOptions.effectiveHistory)
            },
            .init("secret-room", get: \.server.chat?.secretRooms) {
                $0.setChat(\.secretRooms, to: $1.chatOptions.secretRoom)
            },
            .init("motd") { daemon, options in
                let lines = try options.chatOptions.readMessageOfTheDay()
                return {
                    let old = daemon.server.chat?.messageOfTheDay
                    daemon.setChat(\.messageOfTheDay, to: lines)
                    return daemon.server.chat?.messageOfTheDay != old
                }
            },
            .init("max-connections", get: \.server.access.maximumConnections) {
                $0.server.access.maximumConnections = $1.accessOptions.maxConnections?.value
            },
            .init("max-per-address", get: \.server.access.maximumPerAddress) {
                $0.server.access.maximumPerAddress = $1.accessOptions.maxPerAddress?.value
            },
            .init("connect-rate", get: \.server.access.connectRate) {
                $0.server.access.connectRate = $1.accessOptions.connectRate?.value
            },
            .init("allow", "deny", of: \.server.access.list) { try $0.accessOptions.list() },
            .init("proxy-protocol", of: \.server.access.proxies) { try $0.accessOptions.proxies() },
            .init("web-proxy", of: \.server.access.webProxies) { try $0.webOptions.proxies() },
            .init("web-origin", get: \.server.access.webOrigins) { $0.server.access.webOrigins = $1.webOptions.origins },
            .init(
                "line-rate", "burst", "byte-rate", "idle-timeout", "hello-timeout", "unacknowledged-timeout",
                get: \.clientLimits,
                set: { daemon, options in
                    let limits = options.clientLimits(ofChat: daemon.server.chat != nil)
                    daemon.clientLimits = [limits.remote, limits.local]
                }),
            .init("password-file") { daemon, options in
                let passwords = try options.loginOptions.readPasswords()
                if passwords != nil, !daemon.usesPasswords {
                    throw Failure("password-file needs a restart, since there was none", code: EX_CONFIG)
                }
                return {
                    if passwords?.entries == daemon.passwords?.entries { return false }
                    daemon.setPasswords(passwords)
                    return true
                }
            },
            .init("require-login", "guests", "login-rate", "allow-plain-login") { daemon, options in
                let rules = try options.loginOptions.rules()
                return {
                    let old = daemon.server.chat?.loginRules
                    daemon.setChat(\.loginRules, to: rules)
                    return daemon.server.chat?.loginRules != old
                }
            },
            .init("bans") { daemon, options in
                let (old, new) = (daemon.options.chatOptions.bans, options.chatOptions.bans)
                // Without a file, the list is the only one that has them.
                guard let chat = daemon.server.chat, old != nil || new != nil else { return { false } }
                let bans = try options.chatOptions.readBans()
                return {
                    let isChanged = old != new || bans.all != chat.bans.all
                    daemon.bans = bans
                    chat.enforceBans()
                    return isChanged
                }
            },
        ]
    }
}
