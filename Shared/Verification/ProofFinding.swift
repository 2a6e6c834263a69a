import Events

/// What one check of a webhook came to.
enum ProofFinding {
    /// It holds; the key's place in its list.
    case proved(key: Int)
    /// It holds, and this is the sender's answer.
    case answered(key: Int, reply: [UInt8])
    case refused(Refusal)
}

/// Why a webhook is refused, with a sentence for the operator that holds no secret.
struct Refusal {
    let code: RejectionCode
    let detail: String

    init(_ code: RejectionCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}
