import Foundation

/// Why something cannot be done, in a sentence.
public struct Trouble: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// Says on standard error what is going on; standard output is for the result.
public func note(_ sentence: String) {
    FileHandle.standardError.write(Data("\(ProcessInfo.processInfo.processName): \(sentence)\n".utf8))
}
