import ArgumentParser
import ChatCommandLine
import ChatReactorText
import Configuration
import Glibc
import Reactor

/// What chatd runs with, and where each of its options was set.
///
/// The parser of arguments is the only one that knows what an option takes. What a file and the environment have to say is turned into
/// arguments before those of the command line. Of several sources that have an option, the highest one has it alone: nothing is appended.
struct Settings {
    /// The file of `--config`, the environment and the command line of this process, as they are now.
    static func current() throws -> Settings {
        try Settings(Array(CommandLine.arguments.dropFirst()))
    }

    /// Where an option was set.
    enum Source: CustomStringConvertible {
        case standard
        case file(String, JSON.Position)
        case environment(String)
        case commandLine

        var description: String {
            switch self {
            case .standard: "default"
            case .file(let path, let position): "\(path), line \(position.line)"
            case .environment(let variable): "environment, \(variable)"
            case .commandLine: "option"
            }
        }
    }

    let options: Chatd
    /// The file that was read, if one was.
    let file: String?
    private let sources: [String: Source]
    /// As they were written, where somebody has set them.
    private let texts: [String: String]

    /// Reads the file and the environment, and parses all.
    ///
    /// - Parameter arguments: Those of the command line.
    /// - Throws: What the parser of arguments does if these are wrong; a `Failure` with EX_CONFIG that names the file and the key, or the
    ///   variable, if something else is.
    init(_ arguments: [String]) throws {
        let commandLine = CommandLineOptions(arguments)
        do {
            let path = commandLine.values["config"]?.last ?? environmentVariable("CHATD_CONFIG")
            let file = try path.map { path throws(Failure) in try Self.read(path) }
            let settings = try Self.settings(in: file, except: commandLine)
            (options, sources, texts) = try Self.parse(settings, commandLine)
            self.file = path
        } catch let failure as Failure {
            // Who asks for the help gets it, whatever is in the file.
            do { _ = try Self.command(of: arguments) } catch  where Chatd.exitCode(for: error).isSuccess { throw error } catch {}
            throw failure
        }
    }

    /// The options whose values are not the same as in others.
    func differences(from other: Settings) -> [String] {
        let new = DeclaredOptions.values(of: options)
        let old = DeclaredOptions.values(of: other.options)
        return DeclaredOptions.all.map(\.name).filter { new[$0] != old[$0] }
    }

    /// A line for each option: its value, and where it was set. What is secret is not in it.
    var description: String {
        let values = DeclaredOptions.values(of: options)
        return DeclaredOptions.all.map { option in
            let name = option.name
            let text =
                switch name {
                case "secret-room": options.chatOptions.secretRoomNames
                case "cluster": values[name]
                default: texts[name] ?? values[name]
                }
            return "\(name): \(text ?? "-") (\(sources[name] ?? .standard))\n"
        }.joined()
    }

    // MARK: - Sources

    /// An option that the file or the environment has.
    fileprivate struct Setting {
        let name: String
        let source: Source
        let texts: [String]
        let arguments: [String]
    }

    private static func read(_ path: String) throws(Failure) -> JSONSettings {
        let text = try TextFile.read(path, called: "the configuration", limit: 1 << 20, badCode: EX_CONFIG)
        do throws(JSON.Invalid) {
            let file = try JSONSettings(text, name: path)
            for setting in file.settings where !DeclaredOptions.all.contains(where: { $0.name == setting.key }) {
                let hint = nearest(to: setting.key).map { "; did you mean \($0)?" } ?? ""
                throw .init(position: setting.position, reason: "there is no option \(setting.key)\(hint)")
            }
            return file
        } catch {
            throw Failure("\(path), \(error)", code: EX_CONFIG)
        }
    }

    private static func nearest(to key: String) -> String? {
        let written = key.lowercased().replacing("_", with: "-")
        // The key of an option that has two names is the first of them.
        for name in [written, String(written.dropFirst(3))] where DeclaredOptions.all.contains(where: { $0.name == name }) {
            return name
        }
        // The parser knows which of its options is nearest.
        do { _ = try Chatd.parseAsRoot(["--\(written)"]) } catch {
            let parts = Chatd.message(for: error).split(separator: "Did you mean '--", maxSplits: 1)
            let name = parts.count == 2 ? String(parts[1].prefix { $0 != "'" }) : ""
            return DeclaredOptions.all.contains { $0.name == name } ? name : nil
        }
        return nil
    }

    /// What the environment or else the file has to say, in the order of the options.
    private static func settings(in file: JSONSettings?, except commandLine: CommandLineOptions) throws(Failure) -> [Setting] {
        let environment = EnvironmentVariablesProvider(environmentVariables: variables())
        var settings: [Setting] = []
        for option in DeclaredOptions.all where commandLine.values[option.name] == nil {
            let variable = "CHATD_" + option.name.uppercased().replacing("-", with: "_")
            do {
                if let value = try environment.value(forKey: ["chatd", option.name], type: option.type).value {
                    settings.append(Setting(option, value.content, .environment(variable)))
                    continue
                }
            } catch {
                throw Failure("\(variable) takes true or false, not '\(environmentVariable(variable) ?? "")'", code: EX_CONFIG)
            }
            guard let file, let position = file.setting(option.name)?.position else { continue }
            do {
                if let value = try file.value(forKey: [option.name], type: option.type).value {
                    settings.append(Setting(option, value.content, .file(file.providerName, position)))
                }
            } catch {
                throw Failure("\(file.providerName), \(error)", code: EX_CONFIG)
            }
        }
        return settings
    }

    /// The variables that begin with `CHATD_`.
    private static func variables() -> [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let parts = unsafe String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            unsafe next += 1
            guard parts.count == 2, parts[0].hasPrefix("CHATD_") else { continue }
            // Beside a service that is called chatd, Kubernetes sets CHATD_PORT=tcp://10.0.0.7:3001, as Docker does for a link: nobody meant
            // the option by that, and no port looks like it.
            if parts[0] == "CHATD_PORT", parts[1].contains("://") { continue }
            variables[String(parts[0])] = String(parts[1])
        }
        return variables
    }

    // MARK: - Parsing

    private static func parse(
        _ settings: [Setting], _ commandLine: CommandLineOptions
    ) throws -> (Chatd, [String: Source], [String: String]) {
        var sources: [String: Source] = [:]
        var texts: [String: String] = [:]
        for (name, values) in commandLine.values {
            sources[name] = .commandLine
            texts[name] = values.joined(separator: ", ")
        }
        for setting in settings {
            sources[setting.name] = setting.source
            texts[setting.name] = setting.texts.joined(separator: ", ")
        }
        do {
            return (try command(of: settings.flatMap(\.arguments) + commandLine.arguments), sources, texts)
        } catch {
            throw explain(error, settings, commandLine)
        }
    }

    /// - Throws: Also what asks for the help to be shown, and for the like.
    private static func command(of arguments: [String]) throws -> Chatd {
        var command = try Chatd.parseAsRoot(arguments)
        if let command = command as? Chatd { return command }
        // It prints nothing itself: it throws what is to be printed.
        try command.run()
        throw CleanExit.helpRequest()
    }

    /// Names the source of a setting that the parser refuses, for which the arguments are none that anybody has written.
    private static func explain(
        _ error: any Error, _ settings: [Setting], _ commandLine: CommandLineOptions
    ) -> any Error {
        if Chatd.exitCode(for: error).isSuccess { return error }
        let message = Chatd.message(for: error)
        // The one that is refused for the same reason when it is alone, or without which all are taken.
        let alone = settings.first { self.message(for: $0.arguments) == message }
        let blamed =
            alone
            ?? settings.last { setting in
                let others = settings.filter { $0.name != setting.name }
                return self.message(for: others.flatMap(\.arguments) + commandLine.arguments) == nil
            }
        guard let blamed else { return error }
        return Failure("\(blamed.place): \(withoutArgument(message, blamed.name))", code: EX_CONFIG)
    }

    /// Why arguments are refused; nil if they are not.
    private static func message(for arguments: [String]) -> String? {
        do { _ = try command(of: arguments) } catch { return Chatd.message(for: error) }
        return nil
    }

    /// The reason in "The value '5x' is invalid for '--max-line <size>': write 64k", without an argument that nobody has written.
    private static func withoutArgument(_ message: String, _ name: String) -> String {
        guard let argument = message.firstRange(of: " for '--\(name)") else { return message }
        let reason = message[..<argument.lowerBound] + message[argument.upperBound...].drop { $0 != "'" }.dropFirst()
        return String(reason.last == "." ? reason.dropLast() : reason)
    }
}

extension Settings.Setting {
    fileprivate init(_ option: DeclaredOptions.Declaration, _ content: ConfigContent, _ source: Settings.Source) {
        name = option.name
        self.source = source
        switch content {
        case .bool(let value):
            texts = ["\(value)"]
            let negation = option.kind == .invertibleFlag ? ["--no-\(option.name)"] : []
            arguments = value ? ["--\(option.name)"] : negation
        case .string(let text):
            texts = [text]
            arguments = ["--\(option.name)=\(text)"]
        case .stringArray(let values):
            texts = values
            arguments = values.map { "--\(option.name)=\($0)" }
        default: (texts, arguments) = ([], [])
        }
    }

    /// For a sentence about what is wrong there.
    fileprivate var place: String {
        switch source {
        case .file(let path, let position): "\(path), \(position): \(name)"
        case .environment(let variable): variable
        case .standard, .commandLine: "--\(name)"
        }
    }
}

extension DeclaredOptions.Declaration {
    fileprivate var type: ConfigType {
        switch kind {
        case .value: .string
        case .repeatable: .stringArray
        case .flag, .invertibleFlag: .bool
        }
    }
}

/// The options that a command line has, by name, with their values. Whether they are right, the parser of arguments says.
private struct CommandLineOptions {
    let arguments: [String]
    private(set) var values: [String: [String]] = [:]

    init(_ arguments: [String]) {
        self.arguments = arguments
        for (index, argument) in arguments.enumerated() {
            if argument == "--" { break }
            guard argument.hasPrefix("--") else { continue }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let kinds = DeclaredOptions.all
            if let option = kinds.first(where: { $0.kind == .invertibleFlag && name == "no-\($0.name)" }) {
                values[option.name] = ["false"]
            } else if parts.count == 2 {
                values[name, default: []].append(String(parts[1]))
            } else if kinds.contains(where: { $0.name == name && ($0.kind == .flag || $0.kind == .invertibleFlag) }) {
                values[name] = ["true"]
            } else if index + 1 < arguments.count {
                values[name, default: []].append(arguments[index + 1])
            }
        }
    }
}
