public import ArgumentParser
import Foundation

/// The options of every program that runs relays.
public struct RunOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A chatd that is built already.", valueName: "path"))
    public var chatd: String?

    @Option(help: "The core that servers run on.")
    public var serverCore = 0

    @Option(help: "The core that the load, or the well-behaved clients, run on.")
    public var loadCore = 1

    public init() {}
}

/// Why something cannot be done, in a sentence.
public struct RunFailure: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// Prints a sentence about the progress to standard error. Standard output is for the result.
public func printStatus(_ sentence: String) {
    FileHandle.standardError.write(Data("\(ProcessInfo.processInfo.processName): \(sentence)\n".utf8))
}
