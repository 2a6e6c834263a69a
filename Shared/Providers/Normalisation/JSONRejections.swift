import Events
import Wire

extension Rejection {
    /// The refusal of a whole webhook by the normaliser, with a sentence for the operator.
    static func normaliser(_ code: RejectionCode, element: UInt32 = wholeWebhook) -> Rejection {
        let detail =
            switch code {
            case .bodyNotJSON: "the body is not valid JSON in UTF-8 (RFC 8259)"
            case .bodyTooDeep: "arrays and objects of the body lie more than 64 deep"
            case .bodyNotObject: "the body is valid JSON but not an object, which every webhook of this provider is"
            case .bodyNotArray: "the body is valid JSON but neither an object nor an array of objects"
            case .bodyNotProtobuf: "the body is not a protobuf message of this provider's"
            case .tooManyElements: "the batch has more elements than a request of this provider may hold"
            case .elementNotObject: "the element is valid JSON but not an object"
            case .typeMissing: "the body has no `type`, or one that is not a non-empty string"
            default: ""
            }
        return Rejection(code, stage: .normaliser, element: element, detail: detail)
    }
}
