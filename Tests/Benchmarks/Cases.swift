import Events
import JSON
import Providers
import VerificationSchemes
import WebhookSamples

/// Every case, in the order of the table; the names are those of `thresholds.json`.
enum Cases {
    static func all() -> [BenchmarkCase] { ordinary() + hostile() }

    private static func ordinary() -> [BenchmarkCase] {
        [
            BenchmarkCase(
                name: "stream", provider: StreamProvider.self, verification: source("stream"), body: streamBody),
            BenchmarkCase(
                name: "stream, gzip", provider: StreamProvider.self, verification: source("stream"), body: streamBody,
                isCompressed: true),
            BenchmarkCase(
                name: "fastpix", provider: FastPixProvider.self, verification: source("fastpix"),
                body: sample("fastpix/video.media.ready.json")),
            BenchmarkCase(
                name: "fishjam", provider: FishjamProvider.self, verification: source("path-token"),
                body: sample("fishjam/peer_added.bin")),
            BenchmarkCase(
                name: "fishjam, signed", provider: FishjamProvider.self, verification: source("fishjam"),
                body: sample("fishjam/track_added.component.bin")),
            BenchmarkCase(
                name: "superviz", provider: SuperVizProvider.self, verification: source("path-token"),
                body: sample("superviz/realtime.single.json")),
            BenchmarkCase(
                name: "superviz, element of 1000", provider: SuperVizProvider.self,
                verification: source("path-token"), body: sample("superviz/realtime.batch.1000.json"), elements: 1000),
            BenchmarkCase(
                name: "eyeson", provider: EyesonProvider.self, verification: source("path-token"),
                body: sample("eyeson-streamrec/upload_ready.json")),
            BenchmarkCase(
                name: "livekit", provider: LiveKitProvider.self, verification: source("livekit"),
                body: Array(
                    #"{"event":"room_started","id":"EV_eugWmGhovZmm","createdAt":"1692985556","#.utf8)
                    + Array(#""room":{"sid":"RM_hycBMAjmt6Ub","name":"Demo Room"}}"#.utf8)),
            BenchmarkCase(
                name: "generic", provider: GenericProvider.self, verification: source("standard-webhooks"),
                options: MappingOptions(
                    pointers: PointerMapping(
                        type: "/type", id: "/session_id", time: "/created_at",
                        subject: "calls/{/call_cid}/users/{/participant/user/id}", partitionKey: "/call_cid")),
                body: streamBody),
        ]
    }

    /// What costs the most for its size. A bomb is 1 MiB of gzip that holds 1 GiB.
    private static func hostile() -> [BenchmarkCase] {
        let member = Gzip.compress([UInt8](repeating: 0x20, count: 16 << 20))
        let bomb = Array(repeatElement(member, count: 64).joined())
        let keys = (0..<300_000).reduce(into: Array("{".utf8)) { body, _ in body += Array("\"\":".utf8) + [0x30, 0x2C] }
        let digits = [UInt8](repeating: UInt8(ascii: "9"), count: 1_000_000)
        let deep =
            [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
            + [UInt8](repeating: UInt8(ascii: "]"), count: 100_000)
        let batch = Array(("[" + String(repeating: "{},", count: 299_999) + "{}]").utf8)
        let form = (0..<300_000).flatMap { Array("\($0 % 10)&".utf8) }
        return [
            hostile("bomb", bomb, .bodyTooLargeInflated),
            hostile("300 000 keys", keys.dropLast() + Array("}".utf8), .typeMissing),
            hostile("number of a million digits", Array(#"{"type":"#.utf8) + digits + Array("}".utf8), .typeMissing),
            hostile("depth 100 000", Array(#"{"type":"#.utf8) + deep + Array("}".utf8), .bodyTooDeep),
            hostile("batch of 300 000", batch, .tooManyElements, SuperVizProvider.self),
            hostile("form of 300 000 parameters", form, .signatureMismatch, TwilioProvider.self, source("twilio")),
        ]
    }

    private static func hostile(
        _ name: String, _ body: [UInt8], _ refusal: RejectionCode, _ provider: any Provider.Type = StreamProvider.self,
        _ verification: SourceVerification = source("none")
    ) -> BenchmarkCase {
        BenchmarkCase(
            name: name, provider: provider, verification: verification, body: body, isLarge: true, refusal: refusal)
    }

    /// A source with the scheme of that name and one key.
    private static func source(_ scheme: String) -> SourceVerification {
        guard let scheme = SchemePresets.scheme(named: scheme) else {
            preconditionFailure("there is no scheme \(scheme)")
        }
        let secret = SourceSecret(id: "k3ytest123abc", value: SampleLibrary.fastPixSecret)
        let secrets = scheme.proof == .none ? [] : [secret]
        guard let keys = try? SourceKeyring.keys(secrets, for: scheme, provider: scheme.name) else {
            preconditionFailure("the secret is one for \(scheme.name)")
        }
        return SourceVerification(
            source: "benchmark", scheme: scheme, keys: keys, publicURL: "https://gateway.example.com")
    }

    private static func sample(_ path: String) -> [UInt8] {
        guard let contents = try? SampleLibrary.contents(path) else {
            preconditionFailure("there is no sample \(path)")
        }
        return Array(contents)
    }

    /// 0.9 kB.
    static let streamBody = Array(
        (#"{"type":"call.session_participant_joined","created_at":"2026-10-05T14:49:14.142195051Z","#
            + #""call_cid":"livestream:town-hall-42","session_id":"0c8c7bec-ecee-4ab6-90e1-1a5989a3e7e4","#
            + #""participant":{"user":{"id":"john","name":"John Doe","image":"https://getstream.io/random_svg/?id=john","#
            + #""custom":{},"language":"en","role":"user","teams":["town-hall","moderators"],"#
            + #""created_at":"2026-10-05T14:49:14.142187951Z","updated_at":"2026-10-05T14:49:12.471772Z","#
            + #""banned":false,"online":true,"blocked_user_ids":[],"shadow_banned":false,"invisible":false,"#
            + #""devices":[{"id":"device-5f1b3a52-9f7f-4a63-8b1c-19a2b6f4f111","push_provider":"firebase","#
            + #""push_provider_name":"firebase-production","user_id":"john","disabled":false,"#
            + #""created_at":"2026-10-05T14:48:02.110Z"}]},"user_session_id":"aff08503-92ae-4f8c-a4d0-7da90a85b3cc","#
            + #""role":"user","joined_at":"2026-10-05T14:49:14.142179098Z"}}"#).utf8)
}
