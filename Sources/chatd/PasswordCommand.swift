import ArgumentParser
import ChatCommandLine
import ChatReactor
import ChatdPasswords
import Glibc
import Reactor

/// `chatd passwd`: makes and changes the lines of a file of passwords.
struct PasswordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chatd passwd",
        abstract: "Set the password of somebody who logs in to a chatd with --password-file.",
        discussion: """
            The password is asked for twice, or read from the first line of standard input if that is no terminal. A chatd \
            that runs has to read the file again: chatd ctl reload, or SIGHUP.
            """,
        version: "chatd \(version)")

    @Option(help: ArgumentHelp("The file. (default: $CHATD_PASSWORD_FILE)", valueName: "file"), completion: .file())
    var passwordFile: String?

    @Flag(inversion: .prefixedNo, help: "May give the operator's commands; as before by default.")
    var `operator`: Bool?

    @Flag(help: "Remove the name, which anybody can take then.")
    var delete = false

    @Argument(help: ArgumentHelp("Whose password it is.", valueName: "name"), transform: { try ChatName($0) })
    var name: ChatName

    func validate() throws {
        if delete, self.operator != nil { throw ValidationError("--delete goes with nothing else") }
    }

    func run() throws {
        guard let path = passwordFile ?? environmentVariable("CHATD_PASSWORD_FILE") else {
            throw Failure("say by --password-file which file it is in", code: EX_USAGE)
        }
        // What cannot be read is said before somebody types a password twice.
        _ = try readFile(path)
        let hash = delete ? nil : try readHash()
        // Somebody else may have changed another line while this one was asking.
        try FolderLock.hold(for: path, orThrow: { Self.cannotLock(path, $0) }) { () throws(Failure) in try change(path, hash) }
        try StandardOutput.write("\(name): \(deed) \(path)\n")
    }

    /// What was done.
    private var deed: String {
        if delete { return "removed from" }
        switch self.operator {
        case nil: return "password set in"
        case true: return "password set, and made an operator, in"
        case false: return "password set, and made no operator, in"
        }
    }

    private func readFile(_ path: String) throws(Failure) -> PasswordFile {
        do throws(PasswordFileError) { return try PasswordFile(reading: path) } catch {
            // It is made with its first line.
            if error.error == Errno(rawValue: ENOENT), !delete { return PasswordFile() }
            throw Failure(error)
        }
    }

    private func readHash() throws(Failure) -> PasswordHash {
        let password = try readPassword()
        do throws(Errno) { return try PasswordHash(of: password) } catch {
            throw Failure("cannot hash a password: \(error)", code: EX_OSERR)
        }
    }

    private func change(_ path: String, _ hash: PasswordHash?) throws(Failure) {
        var file = try readFile(path)
        if delete {
            if !file.remove(name) { throw Failure("\(name) is not in \(path)", code: EX_NOUSER) }
        } else {
            let isOperator = self.operator ?? file.entries[name]?.isOperator ?? false
            file.set(PasswordFile.Entry(hash: hash, isOperator: isOperator), for: name)
        }
        do throws(PasswordFileError) { try file.write(to: path) } catch {
            throw Failure("\(error)", code: error.error == .permissionDenied ? EX_NOPERM : EX_CANTCREAT)
        }
    }

    private static func cannotLock(_ path: String, _ error: Errno) -> Failure {
        let code = error == .permissionDenied ? EX_NOPERM : EX_CANTCREAT
        return Failure("cannot change \(path): \(FolderLock.words(for: error))", code: code)
    }

    private func readPassword() throws(Failure) -> String {
        if isatty(STDIN_FILENO) != 1 { return try Secret.readLine() }
        let password = try Secret.ask("New password of \(name): ")
        if try Secret.ask("The same again: ") != password { throw Failure("the two are not the same", code: EX_DATAERR) }
        return password
    }
}
