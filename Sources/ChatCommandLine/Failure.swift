import Glibc
public import Reactor

/// Why a program ends: one sentence for the user, more lines where one is not enough, and an exit code of sysexits.h.
public struct Failure: Error, CustomStringConvertible {
    public let description: String
    public let details: [String]
    public let code: Int32

    public init(_ description: String, details: [String] = [], code: Int32) {
        self.description = description
        self.details = details
        self.code = code
    }
}

extension Failure {
    /// The exit code for a file that could not be read, or that is not as it should be: then the system has said nothing.
    public static func code(forReading error: Errno?) -> Int32 {
        switch error {
        case nil: EX_DATAERR
        case .permissionDenied: EX_NOPERM
        default: EX_NOINPUT
        }
    }
}
