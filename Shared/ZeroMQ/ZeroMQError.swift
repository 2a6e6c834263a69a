internal import CZeroMQ

/// A call into libzmq that failed: what was tried, libzmq's error number and its sentence.
package struct ZeroMQError: Error, Equatable, CustomStringConvertible {
    package let operation: String
    package let code: Int32

    /// Takes the error number of the calling thread; call it right after the failing call.
    static func last(_ operation: String) -> ZeroMQError {
        ZeroMQError(operation: operation, code: zmq_errno())
    }

    package var description: String {
        "\(operation): \(String(cString: zmq_strerror(code))) (\(code))"
    }
}
