// An import of ChatReactor imports the loop and the topics as well.
@_exported public import Broadcast
@_exported public import Reactor
