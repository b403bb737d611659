import ArgumentParser
import ChatCommandLine
import ChatReactor
import ChatdPasswords
import Glibc

/// The options of a chat that say who may log in, and who has to.
struct LoginOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Who can log in: see chatd passwd.", valueName: "file"), completion: .file())
    var passwordFile: String?

    @Flag(help: "Have nobody speak or hear before a login.")
    var requireLogin = false

    @Option(
        help: ArgumentHelp("But these may; repeatable; also CIDR, @FILE, local.", valueName: "address"),
        transform: { try GuestSource($0) })
    var guests: [GuestSource] = []

    @Option(help: ArgumentHelp("Attempts a minute, of an address and of a name. (default: 10)", valueName: "n"))
    var loginRate: Count<1, 1_000_000>?

    @Flag(help: "Take passwords that others on the way may read.")
    var allowPlainLogin = false

    /// One of the options that is given, if one is.
    var given: String? {
        let given: [(String, Bool)] = [
            ("--password-file", passwordFile != nil), ("--require-login", requireLogin), ("--guests", !guests.isEmpty),
            ("--login-rate", loginRate != nil), ("--allow-plain-login", allowPlainLogin),
        ]
        return given.first(where: \.1)?.0
    }

    func validate() throws {
        if !guests.isEmpty, !requireLogin { throw ValidationError("--guests needs --require-login; without, all may be guests") }
    }

    /// What the options say. Reads the files of addresses.
    func rules() throws(Failure) -> LoginRules {
        var rules = LoginRules()
        rules.isRequired = requireLogin
        for source in guests {
            switch source {
            case .local: rules.admitsLocalGuests = true
            case .addresses(let addresses): rules.guests += try addresses.blocks()
            }
        }
        if let loginRate { rules.rate = loginRate.value }
        rules.allowsPlainConnections = allowPlainLogin
        return rules
    }

    /// The file of passwords, if one is named.
    func readPasswords() throws(Failure) -> PasswordFile? {
        guard let passwordFile else { return nil }
        do throws(PasswordFileError) { return try PasswordFile(reading: passwordFile) } catch {
            throw Failure(error)
        }
    }

    /// The files of addresses.
    var addressFiles: [String] {
        guests.compactMap { if case .addresses(let addresses) = $0 { addresses.file } else { nil } }
    }
}

/// Guests as the option names them: those of addresses, or `local` for those of this machine.
enum GuestSource {
    case local
    case addresses(AddressSource)

    init(_ argument: String) throws {
        self = argument == "local" ? .local : .addresses(try AddressSource(argument))
    }
}

extension Failure {
    /// About a file of passwords.
    init(_ error: PasswordFileError) {
        self.init("\(error)", code: Self.code(forReading: error.error))
    }
}
