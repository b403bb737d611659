public import ArgumentParser

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
