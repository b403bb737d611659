import ArgumentParser
import ChatReactor
import ChatdPasswords
import CommandLineSupport
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
        var file: PasswordFile
        do throws(PasswordFileError) {
            file = try PasswordFile(reading: path)
        } catch {
            // It is made with its first line.
            guard error.error == Errno(rawValue: ENOENT), !delete else { throw Failure(error) }
            file = PasswordFile()
        }
        if delete {
            if !file.remove(name) { throw Failure("\(name) is not in \(path)", code: EX_NOUSER) }
        } else {
            let password = try readPassword()
            var entry = file.entries[name] ?? PasswordFile.Entry(hash: nil)
            if let isOperator = self.operator { entry.isOperator = isOperator }
            do throws(Errno) { entry.hash = try PasswordHash(of: password) } catch {
                throw Failure("cannot hash a password: \(error)", code: EX_OSERR)
            }
            file.set(entry, for: name)
        }
        do throws(PasswordFileError) { try file.write(to: path) } catch {
            throw Failure("\(error)", code: error.error == .permissionDenied ? EX_NOPERM : EX_CANTCREAT)
        }
    }

    private func readPassword() throws(Failure) -> String {
        if isatty(STDIN_FILENO) != 1 { return try Secret.readLine() }
        let password = try Secret.ask("New password of \(name): ")
        if try Secret.ask("The same again: ") != password { throw Failure("the two are not the same", code: EX_DATAERR) }
        return password
    }
}
