/// Where a peer's bytes stand between text and the commands of telnet (RFC 854).
///
/// A command begins with the byte 255, which telnet calls IAC ("interpret as command"), and has two or three bytes; a subnegotiation
/// has any number of them, and ends with IAC SE. UTF-8 never contains the byte 255. Only a peer that sends UTF-8 is taken for one that may
/// speak telnet: in an image or an archive, nothing is a command.
enum TelnetState: UInt8 {
    case text
    /// The peer has sent what is no text. Nothing is a command any more.
    case binary
    /// After IAC.
    case command
    /// After IAC and one of these verbs; the option follows.
    case will, wont, `do`, dont
    /// After IAC SB.
    case subnegotiation
    /// After IAC within a subnegotiation.
    case subnegotiationCommand

    static let interpretAsCommand: UInt8 = 255
    /// How long a subnegotiation may be, in bytes. What follows is text again: a peer that never ends it must not be muted.
    static let longestSubnegotiation = 1_024

    /// The verbs by which an offer and a request are refused.
    enum Refusal: UInt8 {
        case wont = 252
        case dont = 254
    }

    enum Step: Equatable {
        /// The byte belongs to a command.
        case skip
        /// The byte is text: an escaped 255, or what follows a subnegotiation that is too long.
        case text
        /// The byte and the 255 before it are no command, and no text either.
        case notACommand
        /// The byte is an option, which has to be refused.
        case refuse(Refusal)
    }

    /// Takes the next byte of a command. Must not be called in the states `text` and `binary`.
    ///
    /// - Parameter length: How many bytes of a subnegotiation have come. It is 0 outside of one.
    mutating func receive(_ byte: UInt8, length: inout Int) -> Step {
        switch self {
        case .subnegotiation:
            if byte == Self.interpretAsCommand {
                self = .subnegotiationCommand
            } else if length < Self.longestSubnegotiation {
                length += 1
            } else {
                (self, length) = (.text, 0)
                return .text
            }
            return .skip
        case .subnegotiationCommand where byte == Self.interpretAsCommand:
            self = .subnegotiation
            return .skip
        case .will:
            self = .text
            return .refuse(.dont)
        case .do:
            self = .text
            return .refuse(.wont)
        case .wont, .dont:
            // These must never be answered: two sides that answer each other's refusals would do so for ever.
            self = .text
            return .skip
        case .text, .binary, .command, .subnegotiationCommand:
            (self, length) = (.text, 0)
            switch byte {
            case 250: self = .subnegotiation
            case 251: self = .will
            case 252: self = .wont
            case 253: self = .do
            case 254: self = .dont
            // From "end of file" to "go ahead", among them "interrupt process" and "are you there".
            case 236...249: break
            case Self.interpretAsCommand: return .text
            default:
                self = .binary
                return .notACommand
            }
            return .skip
        }
    }
}
