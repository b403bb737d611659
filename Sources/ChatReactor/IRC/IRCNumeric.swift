/// The answers of an IRC server that have a number, with the text that each ends with as a rule.
enum IRCNumeric: Int, CaseIterable {
    // What was asked for.
    case welcome = 1
    case yourHost = 2
    case created = 3
    case myInfo = 4
    case isSupport = 5
    case statsEnd = 219
    case userMode = 221
    case usersOnline = 251
    case operatorsOnline = 252
    case unregistered = 253
    case roomsOnline = 254
    case clientsHere = 255
    case adminMe = 256
    case adminLocation = 257
    case localUsers = 265
    case globalUsers = 266
    case away = 301
    case userhost = 302
    case ison = 303
    case unaway = 305
    case nowAway = 306
    case whoisUser = 311
    case whoisServer = 312
    case whoisOperator = 313
    case whowasUser = 314
    case whoEnd = 315
    case whoisIdle = 317
    case whoisEnd = 318
    case whoisRooms = 319
    case listStart = 321
    case list = 322
    case listEnd = 323
    case roomMode = 324
    case creationTime = 329
    case whoisAccount = 330
    case noTopic = 331
    case topic = 332
    case topicSetter = 333
    case whoisHost = 338
    case invitation = 336
    case invitationsEnd = 337
    case inviting = 341
    case version = 351
    case who = 352
    case names = 353
    case whox = 354
    case links = 364
    case linksEnd = 365
    case namesEnd = 366
    case banList = 367
    case banListEnd = 368
    case whowasEnd = 369
    case info = 371
    case motd = 372
    case infoEnd = 374
    case motdStart = 375
    case motdEnd = 376
    case youAreOperator = 381
    case time = 391
    // Why it was not done.
    case noSuchNick = 401
    case noSuchServer = 402
    case noSuchRoom = 403
    case cannotSend = 404
    case tooManyRooms = 405
    case wasNoSuchNick = 406
    case tooManyTargets = 407
    case noOrigin = 409
    case invalidCapabilityCommand = 410
    case noRecipient = 411
    case noText = 412
    case inputTooLong = 417
    case unknownCommand = 421
    case noMotd = 422
    case noNickname = 431
    case badNickname = 432
    case nicknameInUse = 433
    case bannedKeepsName = 435
    case notInRoom = 441
    case youAreNotInRoom = 442
    case isInRoom = 443
    case notRegistered = 451
    case needMoreParameters = 461
    case alreadyRegistered = 462
    case wrongPassword = 464
    case roomIsFull = 471
    case unknownMode = 472
    case inviteOnly = 473
    case banned = 474
    case wrongKey = 475
    case banListFull = 478
    case noPrivileges = 481
    case notOperatorOfRoom = 482
    case noOperatorHost = 491
    case unknownUserMode = 501
    case othersMode = 502
    case helpNotFound = 524
    case whoisSecure = 671
    case invalidModeParameter = 696
    case helpStart = 704
    case help = 705
    case helpEnd = 706
    case monitorOnline = 730
    case monitorOffline = 731
    case monitorList = 732
    case monitorListEnd = 733
    case monitorListFull = 734
    case loggedIn = 900
    case loggedOut = 901
    case saslDone = 903
    case saslFailed = 904
    case saslTooLong = 905
    case saslAborted = 906
    case saslAlready = 907
    case saslMechanisms = 908

    /// Three digits.
    var code: String {
        let digits = String(rawValue)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }

    /// Nil for those that end with something else.
    var text: String? {
        switch self {
        case .statsEnd: "End of /STATS report"
        case .isSupport: "are supported by this server"
        case .operatorsOnline: "operator(s) online"
        case .unregistered: "unregistered connection(s)"
        case .roomsOnline: "channels formed"
        case .unaway: "You are no longer marked as being away"
        case .nowAway: "You have been marked as being away"
        case .whoisOperator: "is an IRC operator"
        case .whoEnd: "End of /WHO list"
        case .whoisIdle: "seconds idle, signon time"
        case .whoisEnd: "End of /WHOIS list"
        case .listStart: "Users  Name"
        case .listEnd: "End of /LIST"
        case .whoisAccount: "is logged in as"
        case .noTopic: "No topic is set"
        case .invitationsEnd: "End of /INVITE list"
        case .whoisHost: "is actually using host"
        case .linksEnd: "End of /LINKS list"
        case .namesEnd: "End of /NAMES list"
        case .banListEnd: "End of channel ban list"
        case .whowasEnd: "End of WHOWAS"
        case .infoEnd: "End of /INFO list"
        case .motdEnd: "End of /MOTD command"
        case .youAreOperator: "You are now an IRC operator"
        case .noSuchNick: "No such nick/channel"
        case .noSuchServer: "No such server"
        case .noSuchRoom: "No such channel"
        case .cannotSend: "Cannot send to channel"
        case .tooManyRooms: "You have joined too many channels"
        case .wasNoSuchNick: "There was no such nickname"
        case .tooManyTargets: "Too many targets"
        case .noOrigin: "No origin specified"
        case .invalidCapabilityCommand: "Invalid CAP command"
        case .noRecipient: "No recipient given"
        case .noText: "No text to send"
        case .inputTooLong: "Input line was too long"
        case .unknownCommand: "Unknown command"
        case .noMotd: "MOTD File is missing"
        case .noNickname: "No nickname given"
        case .badNickname: "Erroneous nickname"
        case .nicknameInUse: "Nickname is already in use"
        case .bannedKeepsName: "Cannot change nickname while banned on channel"
        case .notInRoom: "They aren't on that channel"
        case .youAreNotInRoom: "You're not on that channel"
        case .isInRoom: "is already on channel"
        case .notRegistered: "You have not registered"
        case .needMoreParameters: "Not enough parameters"
        case .alreadyRegistered: "You may not reregister"
        case .wrongPassword: "Password incorrect"
        case .roomIsFull: "Cannot join channel (+l)"
        case .unknownMode: "is unknown mode char to me"
        case .inviteOnly: "Cannot join channel (+i)"
        case .banned: "Cannot join channel (+b)"
        case .wrongKey: "Cannot join channel (+k)"
        case .banListFull: "Channel ban list is full"
        case .noPrivileges: "Permission Denied- You're not an IRC operator"
        case .notOperatorOfRoom: "You're not channel operator"
        case .noOperatorHost: "No O-lines for your host"
        case .unknownUserMode: "Unknown MODE flag"
        case .othersMode: "Can't change mode for other users"
        case .helpNotFound: "Help not found"
        case .whoisSecure: "is using a secure connection"
        case .helpEnd: "End of /HELP"
        case .monitorListEnd: "End of MONITOR list"
        case .monitorListFull: "Monitor list is full"
        case .loggedOut: "You are now logged out"
        case .saslDone: "SASL authentication successful"
        case .saslFailed: "SASL authentication failed"
        case .saslTooLong: "SASL message too long"
        case .saslAborted: "SASL authentication aborted"
        case .saslAlready: "You have already authenticated using SASL"
        case .saslMechanisms: "are available SASL mechanisms"
        default: nil
        }
    }
}
