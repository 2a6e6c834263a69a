/// How long to wait before the next attempt: twice as long after each failure, half of it by chance, so that many do not
/// come back at once.
struct RetryDelay {
    static let firstMilliseconds = 250
    static let longestMilliseconds = 30_000

    private var failures = 0

    /// Milliseconds until the next attempt.
    mutating func next(using random: inout some RandomNumberGenerator) -> Int {
        let most = min(Self.longestMilliseconds, Self.firstMilliseconds << min(failures, 16))
        failures += 1
        return most / 2 + Int.random(in: 0...most / 2, using: &random)
    }

    mutating func next() -> Int {
        var random = SystemRandomNumberGenerator()
        return next(using: &random)
    }

    /// It worked.
    mutating func reset() { failures = 0 }
}

/// Waits for a while, or until the task is cancelled.
func pause(milliseconds: Int) async {
    try? await Task.sleep(for: .milliseconds(milliseconds))
}
