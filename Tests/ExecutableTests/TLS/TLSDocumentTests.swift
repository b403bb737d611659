#if TLS
    import Foundation
    import Reactor
    import TestSupport
    import Testing

    /// Docs/tls.md: what it tells an operator to type works as it stands there, from top to bottom.
    @Suite(.enabled(if: ["bash", "openssl", "ncat"].allSatisfy(ChildProcess.isInstalled))) struct TLSDocumentTests {
        private static let page = #filePath.replacing(#/Tests/ExecutableTests/TLS/[^\/]+$/#, with: "Docs/tls.md")

        /// The blocks that begin with ```sh, with another port: tests share a machine. All others are about another machine.
        private static func blocks(port: UInt16) throws -> [String] {
            try String(contentsOfFile: page, encoding: .utf8).components(separatedBy: "\n```sh\n").dropFirst().map { part in
                part.components(separatedBy: "\n```\n")[0].replacing("3002", with: "\(port)")
                    .replacing("tls://localhost", with: "tls://localhost:\(port)")
            }
        }

        /// A shell in an empty folder, with the programs in its PATH.
        private final class Shell {
            let folder: TemporaryFolder
            let process: ChildProcess

            init() throws {
                folder = try TemporaryFolder()
                let programs = URL(filePath: ChildProcess.pathOfExecutable("chatd")).deletingLastPathComponent().path
                process = try ChildProcess("bash", input: .pipe)
                try process.write(
                    "cd \(folder.path); export PATH='\(programs)':\"$PATH\" HOME=\(folder.path) XDG_CONFIG_HOME=\(folder.path)\n")
            }

            /// Runs a block, and returns what it prints.
            func run(_ block: String, number: Int) throws -> String {
                try block.write(toFile: "\(folder.path)/block", atomically: true, encoding: .utf8)
                try process.write(". ./block </dev/null; echo \"block \(number): $?\"\n")
                return try process.output.text(through: "block \(number): 0\n")
            }
        }

        private final class TemporaryFolder {
            let path: String

            init() throws {
                path = "/tmp/chatreactor-page-\(UInt64.random(in: 0 ... .max))"
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            }

            deinit { try? FileManager.default.removeItem(atPath: path) }
        }

        @Test func `the commands of the page`() throws {
            let shell = try Shell()
            let port = try #require(PlayedServer().address.port)
            var (starts, reloads, refusals, welcomes) = (0, 0, 0, 0)
            for (number, block) in try Self.blocks(port: port).enumerated() {
                let output = try shell.run(block, number: number)
                welcomes += output.matches(of: #/\* welcome to tea/#).count
                if block.contains("\nchatd ") || block.hasPrefix("chatd ") {
                    // A person waits for that, too.
                    try shell.process.error.text(through: "chatd: listening on tls:127.0.0.1:\(port)\n")
                    starts += 1
                }
                if block.contains("kill -HUP") {
                    try shell.process.error.text(
                        through: "chatd: the configuration was read again; changed: tls-certificate, tls-key\n")
                    reloads += 1
                }
                if block.contains("eve") {
                    #expect(output.contains("that was 77\n"))
                    try shell.process.error.text(through: "nobody gets in without a certificate")
                    refusals += 1
                }
            }
            #expect((starts, reloads, refusals, welcomes) == (2, 1, 1, 2))
            shell.process.closeInput()
            #expect(try shell.process.waitForEnd() == .exit(0))
        }
    }
#endif
