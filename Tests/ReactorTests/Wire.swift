import TestSupport

typealias Wire = TestConnection
