import ChatdSandbox
import Glibc
import RawSystemCalls

// Enters the sandbox of chatd, and does one thing there.
//
//     SandboxProbe call NAME              makes a system call of RawSystemCalls
//     SandboxProbe nothing                ends
//     SandboxProbe write FOLDER PATH      may write in a folder, and makes a file at a path
//     SandboxProbe read FOLDER PATH       may read in a folder, and opens a file
//
// Before it does so it prints what is in force, and after that what came of it: a number, negative if that is an error.

let arguments = CommandLine.arguments
var sandbox = Sandbox()
if arguments.count == 4 {
    // By which a file can be made.
    sandbox.parts.insert(.roomLogs)
    sandbox.files = [arguments[1] == "write" ? .write(folder: arguments[2]) : .read(arguments[2])]
}
func say(_ text: String) { _ = unsafe write(STDOUT_FILENO, text + "\n", text.utf8.count + 1) }

say(sandbox.enter())
switch arguments.dropFirst().first {
case "call": say("\(unsafe raw_system_call_make(arguments[2]))")
case "write":
    let result = unsafe open(arguments[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    say("\(result < 0 ? -errno : 0)")
case "read":
    let result = unsafe open(arguments[3], O_RDONLY | O_CLOEXEC)
    say("\(result < 0 ? -errno : 0)")
default: say("0")
}
exit(0)
