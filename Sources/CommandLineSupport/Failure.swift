/// Why a program ends: one sentence for the user, and an exit code of sysexits.h.
public struct Failure: Error, CustomStringConvertible {
    public let description: String
    public let code: Int32

    public init(_ description: String, code: Int32) {
        self.description = description
        self.code = code
    }
}
