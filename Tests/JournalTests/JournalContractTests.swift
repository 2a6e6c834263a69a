import Journal
import SeededRandom
import Testing
import Wire

/// Every implementation of `Journal`.
enum JournalKind: CaseIterable {
    case memory, sqlite

    func make(_ folder: TemporaryFolder, budgetBytes: Int = 1 << 20) throws -> any Journal {
        switch self {
        case .memory: MemoryJournal(budgetBytes: budgetBytes)
        case .sqlite: try SQLiteJournal(path: folder.path, budgetBytes: budgetBytes)
        }
    }
}

@Suite(.serialized) struct JournalContractTests {
    private let folder = TemporaryFolder()

    @Test(arguments: JournalKind.allCases)
    func `what was appended is read back sealed and in order`(_ kind: JournalKind) throws {
        let journal = try kind.make(folder)
        #expect(journal.nextSequence == 1)
        let sealed = try journal.append([batch(["a", "b"]), batch(["c"])])
        #expect(sealed.map(\.first) == [1, 3])
        _ = try journal.append([batch(["d"])])
        #expect(journal.nextSequence == 5)
        #expect(try journal.all().map(\.body) == ["a", "b", "c", "d"])
        #expect(try journal.all().allSatisfy { $0.journal == journal.id })
        #expect(try journal.all(from: 2).map(\.sequence) == [2, 3, 4])
        #expect(try journal.all(from: 5).isEmpty)
    }

    @Test(arguments: JournalKind.allCases)
    func `reading stops at either limit but gives at least one`(_ kind: JournalKind) throws {
        let journal = try kind.make(folder)
        _ = try journal.append([batch(["a", "b", "c"]), batch(["d", "e"])])
        let one = try stored(journal.read(from: 2, maxRecords: 1, maxBytes: .max))
        #expect(one.map(\.body) == ["b"])
        #expect(try stored(journal.read(from: 2, maxRecords: 3, maxBytes: .max)).map(\.body) == ["b", "c", "d"])
        #expect(try stored(journal.read(from: 3, maxRecords: 9, maxBytes: 1)).map(\.body) == ["c"])
        let size = batch(["a"]).byteCount
        #expect(try stored(journal.read(from: 1, maxRecords: 9, maxBytes: 4 * size)).count == 4)
    }

    @Test(arguments: JournalKind.allCases)
    func `settled batches go in small steps and the numbers go on`(_ kind: JournalKind) throws {
        let journal = try kind.make(folder)
        for _ in 0..<100 { _ = try journal.append([batch(["a", "b"])]) }
        journal.settle(through: 151)
        journal.settle(through: 3)
        journal.settle(through: 100_000)
        #expect(journal.watermark == 151)
        while journal.hasSettledBatches { try journal.tidy() }
        #expect(journal.firstRetained == 151)
        #expect(try journal.all().first?.sequence == 151)
        journal.settle(through: 200)
        while journal.hasSettledBatches { try journal.tidy() }
        #expect(journal.retainedBytes == 0)
        #expect(journal.firstRetained == 201)
        #expect(try journal.append([batch(["z"])]).first?.first == 201)
    }

    @Test(arguments: JournalKind.allCases)
    func `the budget refuses without using up a number, and settling makes room`(_ kind: JournalKind) throws {
        let size = batch(["a"]).byteCount
        let journal = try kind.make(folder, budgetBytes: 3 * size)
        for _ in 0..<3 { _ = try journal.append([batch(["a"])]) }
        let error = #expect(throws: JournalError.self) { try journal.append([batch(["a"])]) }
        #expect(error?.code == .overBudget)
        #expect(journal.nextSequence == 4)
        journal.settle(through: 1)
        #expect(try journal.append([batch(["b"])]).first?.first == 4)
        #expect(try journal.all().map(\.sequence) == [2, 3, 4])
    }

    @Test(arguments: JournalKind.allCases)
    func `a renumbered journal keeps what is not settled under new names`(_ kind: JournalKind) throws {
        let journal = try kind.make(folder)
        _ = try journal.append([batch(["a", "b", "c"]), batch(["d"]), batch(["e", "f"])])
        journal.settle(through: 2)
        let newID = JournalID.random()
        try journal.renumber(newID: newID)
        #expect(journal.id == newID)
        #expect(journal.nextSequence == 5)
        #expect(journal.watermark == 0)
        let expected = zip(["c", "d", "e", "f"], 1...).map { Stored(journal: newID, sequence: $1, body: $0) }
        #expect(try journal.all() == expected)
        #expect(try journal.append([batch(["g"])]).first?.first == 5)
        journal.settle(through: 5)
        while journal.hasSettledBatches { try journal.tidy() }
        #expect(journal.retainedBytes == 0)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `random use agrees with the model`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let model = MemoryJournal(budgetBytes: 20_000)
        var journal = try SQLiteJournal(path: folder.path, budgetBytes: 20_000, pageSizeBytes: 512)
        for step in 0..<150 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<5:
                let batches = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                    batch((0..<Int.random(in: 1...4, using: &generator)).map { "\(step)-\($0)" })
                }
                let expected = Result { try model.append(batches).map(\.first) }
                let found = Result { try journal.append(batches).map(\.first) }
                #expect((try? expected.get()) == (try? found.get()))
            case 5, 6:
                let sequence = UInt64.random(in: 0..<model.nextSequence + 2, using: &generator)
                model.settle(through: sequence)
                journal.settle(through: sequence)
            case 7:
                try journal.tidy()
                try model.tidy()
            case 8:
                let from = UInt64.random(in: model.watermark + 1...model.nextSequence, using: &generator)
                let records = Int.random(in: 1...9, using: &generator)
                let expected = try stored(model.read(from: from, maxRecords: records, maxBytes: .max)).map(\.body)
                #expect(
                    try stored(journal.read(from: from, maxRecords: records, maxBytes: .max)).map(\.body) == expected)
            default:
                _ = consume journal
                journal = try SQLiteJournal(path: folder.path, budgetBytes: 20_000, pageSizeBytes: 512)
                journal.settle(through: model.watermark)
            }
            #expect(journal.nextSequence == model.nextSequence)
            #expect(
                try journal.all(from: model.watermark + 1).map(\.body)
                    == model.all(from: model.watermark + 1).map(\.body))
        }
    }
}
