import Glibc

/// How many descriptors the process may have open (`RLIMIT_NOFILE`).
package enum DescriptorLimit {
    /// Kept for bus, journal, log, admin endpoint, and connections that are being refused.
    package static let reserved = 256
    /// More than any listener here needs; the kernel allows no more unless told to (`fs.nr_open`).
    private static let most: rlim_t = 1 << 20

    /// Raises the limit as far as the process may; where it may not, it stays. For the start of a process.
    package static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        let wanted = min(limit.rlim_max, most)
        guard wanted > limit.rlim_cur else { return }
        limit.rlim_cur = wanted
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    package static var current: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Int(most) }
        return Int(clamping: min(limit.rlim_cur, most))
    }

    /// How many connections there is room for beside what is reserved; of a low limit, half is kept.
    package static func connections(within limit: Int) -> Int {
        limit - min(reserved, limit / 2)
    }
}
