/// Who may connect to a Unix-domain socket that is listened on: the permissions of its path. Connecting needs the right to write.
///
/// What is nil is as the kernel makes it: the owner and the group are those of the process, and the mode is 0777 without the bits of its
/// umask.
public struct UnixPermissions: Hashable, Sendable {
    /// The permissions, from 0 to 0o777. Higher bits are passed over.
    public var mode: UInt16?
    /// The number of the user who owns it. Only root may give it to another one.
    public var owner: UInt32?
    /// The number of its group. Others than root may give it to a group that they are in.
    public var group: UInt32?

    /// The permissions of a path.
    public init(mode: UInt16? = nil, owner: UInt32? = nil, group: UInt32? = nil) {
        self.mode = mode
        self.owner = owner
        self.group = group
    }
}
