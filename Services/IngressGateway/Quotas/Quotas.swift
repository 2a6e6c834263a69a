import Synchronization

/// The quotas as event loops, journal and bus share them.
final class Quotas: Sendable {
    let book: Mutex<QuotaBook>

    init(_ settings: QuotaSettings = QuotaSettings()) {
        book = Mutex(QuotaBook(settings))
    }
}
