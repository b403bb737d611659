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
