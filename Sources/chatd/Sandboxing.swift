import ChatCommandLine
import ChatReactorRedis
import ChatdSandbox
import Glibc
import Reactor

extension Daemon {
    /// Gives up, for good, what the daemon does not need any more: it listens, has its streams, and knows all names and users.
    ///
    /// - Returns: A sentence for the log.
    func enterSandbox() -> String {
        // The programs of the tests are built for a sanitizer. What is shipped is not.
        if options.operation.noSandbox || Sandbox.isInstrumented {
            startSendHelpers(in: nil)
            return options.operation.noSandbox ? "not sandboxed (--no-sandbox)" : "not sandboxed (built to be watched)"
        }
        keepTimeZone()
        var sandbox = Sandbox()
        // The descriptor in reserve of each listener.
        sandbox.files.append(.read("/dev/null"))
        if !output.isSocket { sandbox.parts.insert(.log) }
        if console?.isInUse == true || EventLoop.copiesStandardStreams { sandbox.parts.insert(.console) }
        if !controls.isEmpty { sandbox.parts.insert(.control) }
        allowSocketPaths(&sandbox)
        allowMetrics(&sandbox)
        if certificates != nil || options.clusterOptions.cluster?.usesTLS == true { sandbox.parts.insert(.tls) }
        if let cluster = options.clusterOptions.cluster {
            sandbox.parts.insert(.cluster)
            if case .tcp = cluster.endpoint { sandbox.connectsOverTCP = true }
        }
        allowRoomLogs(&sandbox)
        allowBans(&sandbox)
        allowReading(&sandbox)
        sandbox.reachesAbstractSockets = serviceManager?.isAbstract == true
        if let workers {
            sandbox.parts.insert(.loops)
            workers.onEach { [sandbox] _, _ in sandbox.restrictThread() }
        }
        if sendHelpers != nil { sandbox.parts.insert(.loops) }
        startSendHelpers(in: sandbox)
        isSandboxed = true
        return "sandboxed (\(sandbox.enter()))"
    }

    /// Has the threads begin that help with sending, on processors of their own if the loop is on one.
    private func startSendHelpers(in sandbox: Sandbox?) {
        sendHelpers?.begin(on: options.operation.pinLoops ? processors : nil, in: sandbox)
    }

    /// Has glibc know where it is. Without the variable it looks at the file of the system's zone with each line that is logged.
    ///
    /// The corresponding C functions are `setenv` and `tzset`.
    private func keepTimeZone() {
        unsafe setenv("TZ", ":/etc/localtime", 0)
        tzset()
    }

    /// The paths that were made are removed at the end.
    private func allowSocketPaths(_ sandbox: inout Sandbox) {
        let named = (options.listen + [options.operation.metrics].compactMap(\.self)).map(\.endpoint)
        var paths = named.compactMap { if case .unix(let path) = $0 { path } else { nil } }
        if let path = options.chatOptions.control?.path { paths.append(path) }
        if paths.isEmpty { return }
        sandbox.parts.insert(.unixPaths)
        sandbox.files += paths.map { .remove(folder: folder(ofFile: $0)) }
    }

    private func allowMetrics(_ sandbox: inout Sandbox) {
        if servesMetrics { sandbox.parts.insert(.metrics) }
    }

    private func allowRoomLogs(_ sandbox: inout Sandbox) {
        guard let folder = options.chatOptions.roomLog else { return }
        sandbox.parts.insert(.roomLogs)
        // By the second, logs tell a restart from a power failure.
        sandbox.files += [.write(folder: folder), .read("/proc/sys/kernel/random/boot_id")]
    }

    private func allowBans(_ sandbox: inout Sandbox) {
        // The configuration may name a file later on.
        let mayNameOne = options.chatOptions.chat && configurationFile != nil
        if mayNameOne || options.chatOptions.bans != nil { sandbox.parts.insert(.bans) }
        guard let file = options.chatOptions.bans else { return }
        sandbox.files += Self.folders(of: file).map { .write(folder: $0) }
    }

    private func allowReading(_ sandbox: inout Sandbox) {
        // The operator may have the message of the day read at any time.
        var files = [options.chatOptions.motd].compactMap(\.self)
        if canReload {
            files += [configurationFile, options.loginOptions.passwordFile].compactMap(\.self)
            files += options.accessOptions.files + options.webOptions.webProxy.compactMap(\.file)
            files += options.loginOptions.addressFiles + options.tlsOptions.files
        }
        if usesPasswords { sandbox.parts.insert(.logins) }
        if !files.isEmpty || canReload { sandbox.parts.insert(.files) }
        sandbox.files += files.flatMap(Self.folders).map { .read($0) }
    }

    // MARK: - Folders

    /// The folder of a file, and if its name is a symbolic link, that of the file that is meant. A file is replaced by another one of its name, to
    /// which what is allowed of a file would not apply.
    ///
    /// The corresponding C function is `realpath`.
    private static func folders(of path: String) -> [String] {
        guard let real = unsafe realpath(path, nil) else { return [folder(ofFile: path)] }
        defer { unsafe free(real) }
        return [folder(ofFile: path), folder(ofFile: unsafe String(cString: real))]
    }
}

extension AccessOptions {
    /// The files of addresses.
    fileprivate var files: [String] {
        (allow + deny + proxyProtocol).compactMap(\.file)
    }
}
