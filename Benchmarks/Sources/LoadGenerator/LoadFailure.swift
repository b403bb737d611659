/// Why a load could not be put on a server, in one sentence.
public struct LoadFailure: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
