import Testing

/// Everything that needs the whole pipeline: real processes under the supervisor, real sockets, real faults. One test
/// at a time, because each wants the machine for itself.
@Suite(.serialized, .onBlockingThread, .timeLimit(.minutes(4))) enum EndToEnd {}
