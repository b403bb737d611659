/// The version of the programs, and of the libraries that they come with.
public let version = "0.2.0"
