import Glibc

/// The function that libFuzzer calls with each input. One program has all targets; the environment's FUZZ_TARGET chooses one.
///
/// A target returns if all was as it must be, and ends the process if not: libFuzzer then keeps the input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    do {
        switch Target.chosen {
        case .framing: try FramingTarget.run(FuzzInput(bytes))
        case .arguments: try ArgumentsTarget.run(FuzzInput(bytes))
        case .text: TextTarget.run(bytes)
        case .http: HTTPTarget.run(bytes)
        case .web: WebSocketTarget.run(bytes)
        case .tls: try TLSTarget.run(FuzzInput(bytes))
        case .relay: try RelayTarget.run(FuzzInput(bytes))
        case .irc: IRCTarget.run(bytes)
        }
    } catch {
        fatalError("\(error)")
    }
    return 0
}

private enum Target: String {
    case framing, arguments, text, relay, http, tls, web, irc

    static let chosen: Target = {
        let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
        guard let target = Target(rawValue: name) else { fatalError("FUZZ_TARGET is '\(name)', which is no target") }
        return target
    }()
}
