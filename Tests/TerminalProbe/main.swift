import ChatTerminal
import Glibc
import Reactor

// Enters a terminal's mode, says `ready`, its process and its size, and does one thing:
//
//     TerminalProbe wait        waits for a signal; says what SIGCONT and SIGWINCH have brought
//     TerminalProbe leave       restores the mode, and ends
//     TerminalProbe exit        ends by `exit`
//     TerminalProbe raise N     sends itself a signal, and ends by `exit`
//     TerminalProbe trap        fails as Swift fails on an index out of range
//     TerminalProbe fault       writes where nothing can be written; `fault handled` has a handler for that, which ends with status 3
//     TerminalProbe overflow    calls itself without an end

func say(_ text: String) { _ = unsafe write(STDOUT_FILENO, text + "\n", text.utf8.count + 1) }

func descend(_ depth: Int) -> Int { depth < 0 ? 0 : descend(depth &+ 1) &+ descend(depth ^ 1) }

let arguments = CommandLine.arguments
if arguments.last == "handled" {
    signal(SIGSEGV) { _ in
        say("handled")
        _exit(3)
    }
}
let terminal = try Terminal()
try terminal.enter()
let size = terminal.size
say("ready \(getpid()) \(size.columns)x\(size.rows) \(terminal.isActive ? "active" : "inactive")")
switch arguments.dropFirst().first {
case "wait":
    let loop = try EventLoop()
    try loop.watchSignals([SIGCONT, SIGWINCH]) { number in
        if number == SIGCONT { return say("resumed \(terminal.resume() ? "active" : "inactive")") }
        say("size \(terminal.size.columns)x\(terminal.size.rows)")
    }
    say("waiting")
    try loop.run()
case "leave":
    terminal.leave()
    say("left")
case "raise":
    kill(getpid(), Int32(arguments.last ?? "") ?? 0)
    say("still here")
case "trap":
    let nothing: [Int] = []
    say("\(nothing[arguments.count])")
case "fault": unsafe UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = arguments.count
case "overflow": say("\(descend(arguments.count))")
default: break
}
exit(0)
