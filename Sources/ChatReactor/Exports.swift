// Whoever imports ChatReactor has the loop and the topics, too.
@_exported public import Broadcast
@_exported public import Reactor
