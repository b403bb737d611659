public import Foundation

/// A program that is run to its end.
public enum Command {
    public struct Output {
        public var status: Int32
        public var text: String
        public var errors: String
    }

    /// Runs a command, found by the search path, and kills it after so many seconds.
    public static func run(_ command: [String], timeLimit: Double) throws -> Output {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        // Files, unlike pipes, never fill up.
        let directory = FileManager.default.temporaryDirectory
        let places = ["out", "err"].map {
            directory.appending(path: "\(ProcessInfo.processInfo.processName)-\(getpid())-command.\($0)")
        }
        defer { for place in places { try? FileManager.default.removeItem(at: place) } }
        for place in places { try Data().write(to: place) }
        process.standardOutput = try FileHandle(forWritingTo: places[0])
        process.standardError = try FileHandle(forWritingTo: places[1])
        try process.run()
        if !process.hasEnded(within: timeLimit) {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            throw RunFailure("\(command[0]) did not end within \(timeLimit) seconds")
        }
        let texts = places.map { String(decoding: (try? Data(contentsOf: $0)) ?? Data(), as: UTF8.self) }
        return Output(status: process.terminationStatus, text: texts[0], errors: texts[1])
    }

    /// Where a program is, by the search path.
    public static func path(of name: String) throws -> String {
        let searchPath = ProcessInfo.processInfo.environment["PATH"] ?? ""
        // Servers are often where only administrators look.
        let places = searchPath.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin"]
        for place in places where FileManager.default.isExecutableFile(atPath: "\(place)/\(name)") {
            return "\(place)/\(name)"
        }
        throw RunFailure("\(name) is not installed")
    }
}

extension String {
    /// What comes before the first newline; nil if that is nothing.
    public var firstLine: String? {
        split(separator: "\n").map(String.init).first
    }
}

extension Process {
    /// Waits until the process has ended, for so many seconds at most.
    public func hasEnded(within seconds: Double) -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while isRunning {
            if ContinuousClock.now > deadline { return false }
            Thread.sleep(forTimeInterval: 0.002)
        }
        return true
    }
}
