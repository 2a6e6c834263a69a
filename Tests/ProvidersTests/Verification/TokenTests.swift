import Events
import Gzip
import Testing
import WebhookSamples
import Wire

@testable import Providers
@testable import Verification
@testable import VerificationSchemes

struct TokenTests {
    private func vector(
        _ place: TokenPlace, secrets: [String] = ["s3cr3t token/ü"], fields: [(name: String, value: String)] = []
    ) -> SignedVector {
        let keys = secrets.enumerated().map { SourceKey(id: "\($0)", bytes: Array($1.utf8)) }
        let verification = SourceVerification(
            source: "s", scheme: VerificationScheme("token", .token(place)), keys: SourceKeys(keys))
        return SignedVector(
            verification, SignedRequest(fields: fields, query: "", pathToken: nil), body: [1], atNanoseconds: 5)
    }

    @Test func `a secret in a field must be the whole value behind the prefix`() throws {
        let secret = "s3cr3t token/ü"
        for (prefix, value, code) in [
            ("", secret, nil), ("Bearer ", "Bearer " + secret, nil), ("", "", RejectionCode.tokenMissing),
            ("", secret + " ", .tokenMismatch), ("", String(secret.dropLast()), .tokenMismatch),
            ("", "Bearer " + secret, .tokenMismatch), ("Bearer ", secret, .tokenMalformed),
            ("Bearer ", "bearer " + secret, nil), ("Bearer ", "Bearer ", .tokenMismatch),
            ("Bearer ", "BEARER   " + secret, nil), ("bearer ", "Bearer \t" + secret, nil),
            ("Bearer ", "Bearer" + secret, .tokenMalformed), ("Bearer ", "Bearer", .tokenMalformed),
            ("Bearer ", "Bearers " + secret, .tokenMalformed), ("key=", "key=" + secret, nil),
            ("key=", "KEY=" + secret, .tokenMalformed), ("ApiKey v=", "ApiKey v=" + secret, nil),
        ] {
            let vector = vector(.field("x-token", prefix: prefix), fields: [("x-token", value)])
            #expect(try vector.code() == code, "\(value)")
        }
        #expect(try vector(.field("x-token", prefix: "")).code() == .tokenMissing)
        let twice = [(name: "x-token", value: secret), (name: "x-token", value: secret)]
        #expect(try vector(.field("x-token", prefix: ""), fields: twice).code() == .tokenMalformed)
    }

    @Test func `a secret in the query is decoded`() throws {
        for (query, code) in [
            ("token=s3cr3t%20token%2F%C3%BC", nil), ("a=b&token=s3cr3t+token/%c3%bc&c", nil),
            ("%74oken=s3cr3t+token/%C3%BC", nil), ("token=", RejectionCode.tokenMismatch), ("token", .tokenMismatch),
            ("Token=s3cr3t+token/%C3%BC", .tokenMissing), ("", .tokenMissing), ("&&&=", .tokenMissing),
            ("token=s3cr3t+token/%C3%BC&token=x", .tokenMalformed), ("token=%", .tokenMalformed),
            ("token=%C", .tokenMalformed), ("token=%zz", .tokenMalformed),
        ] as [(String, RejectionCode?)] {
            #expect(try vector(.query("token"), fields: [(":query", query)]).code() == code, "\(query)")
        }
    }

    @Test func `a secret in the path may be escaped`() throws {
        for (token, code) in [
            ("s3cr3t%20token%2F%C3%BC", nil), ("s3cr3t token/ü", nil), ("s3cr3t+token/ü", RejectionCode.tokenMismatch),
            ("s3cr3t%20token%2F%C3%BC/", .tokenMismatch), ("x", .tokenMismatch), ("", .tokenMissing),
            ("%", .tokenMalformed), ("s3cr3t%2520token%2F%C3%BC", .tokenMismatch),
        ] as [(String, RejectionCode?)] {
            #expect(try vector(.path, fields: [(":token", token)]).code() == code, "\(token)")
        }
        #expect(try vector(.path).code() == .tokenMissing)
    }

    @Test func `HTTP Basic is decoded strictly`() throws {
        let secret = "user:pass"
        for (value, code) in [
            ("Basic dXNlcjpwYXNz", nil), ("basic dXNlcjpwYXNz", nil), ("BASIC dXNlcjpwYXNz", nil),
            ("Basic  dXNlcjpwYXNz", nil), ("Basic dXNlcjpwYXNz ", RejectionCode.tokenMalformed),
            ("Basic\tdXNlcjpwYXNz", nil), ("BasicdXNlcjpwYXNz", .tokenMalformed),
            ("Basic dXNlcjpwYXNy", .tokenMismatch), ("Basic", .tokenMalformed), ("Basic ", .tokenMalformed),
            ("Bearer dXNlcjpwYXNz", .tokenMalformed), ("Basic dXNlcjpwYXN", .tokenMalformed), ("", .tokenMissing),
        ] {
            let vector = vector(.basic, secrets: [secret], fields: [("authorization", value)])
            #expect(try vector.code() == code, "\(value)")
        }
    }

    @Test func `several path tokens count at once, each in its time`() throws {
        let tokens = [
            SourceKey(id: "old", bytes: Array("old".utf8), validity: KeyValidity(notAfterNanoseconds: 100)),
            SourceKey(id: "new", bytes: Array("new".utf8), validity: KeyValidity(notBeforeNanoseconds: 50)),
        ]
        var verification = SourceVerification(source: "s", scheme: .none)
        verification.pathTokens = SourceKeys(tokens)
        for (token, time, outcome) in [
            ("old", 99, VerificationOutcome.verified(keyID: "old")), ("new", 50, .verified(keyID: "new")),
        ] as [(String, Int64, VerificationOutcome)] {
            let request = SignedRequest(fields: [], query: "", pathToken: token)
            #expect(
                try SignedVector(verification, request, body: [1], atNanoseconds: time).outcome() == outcome)
        }
        for (token, time) in [("old", 100), ("new", 49), ("x", 75)] as [(String, Int64)] {
            let request = SignedRequest(fields: [], query: "", pathToken: token)
            #expect(
                try SignedVector(verification, request, body: [1], atNanoseconds: time).code() == .tokenMismatch)
        }
        let verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 10))
        #expect(verifier.proofs == ["old", "new"].map { Verification(scheme: "path-token", keyID: $0) })
        verification.pathTokens = SourceKeys([])
        let request = SignedRequest(fields: [], query: "", pathToken: "x")
        #expect(try SignedVector(verification, request, body: [1], atNanoseconds: 1).code() == .tokenMismatch)
    }

    @Test func `a path token is asked for besides the scheme's own proof`() throws {
        let vector = try #require(try SignedVector.byFormulas().first { $0.description == "agora" })
        let protected = vector.with {
            $0.verification.pathTokens = SourceKeys([SourceKey(id: "t", bytes: Array("secret".utf8))])
        }
        #expect(try protected.code() == .tokenMissing)
        #expect(try protected.with { $0.fields.append((":token", "wrong")) }.code() == .tokenMismatch)
        #expect(try protected.with { $0.fields.append((":token", "secret")) }.outcome() == .verified(keyID: "0"))
    }

    @Test func `where nothing is asked for, everything passes, and says so`() throws {
        let verification = SourceVerification(source: "s", scheme: .none)
        #expect(verification.isUnverified)
        let request = SignedRequest(fields: [], query: "", pathToken: nil)
        let vector = SignedVector(verification, request, body: [1], atNanoseconds: 1)
        #expect(try vector.outcome() == .verified(keyID: "none"))
        let verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 10))
        #expect(verifier.proofs == [Verification(scheme: "none", keyID: "none")])
    }

    @Test func `compressed bodies of every scheme are inflated after the proof`() throws {
        let plain = Array(#"{"a":1}"#.utf8)
        let packed = Gzip.compress(plain)
        for scheme in [
            SchemePresets.mux, VerificationScheme("token", .token(.field("x", prefix: ""))), SchemePresets.liveKit,
            .none,
        ] {
            let secrets = scheme.proof == .none ? [] : [SourceSecret(id: "k", value: Array("secret".utf8))]
            let keys = try SourceKeyring.keys(secrets, for: scheme, provider: "p")
            let verification = SourceVerification(source: "s", scheme: scheme, keys: keys)
            let key = keys.keys.first ?? SourceKey(id: "", bytes: [])
            for (body, code) in [
                (packed, nil), (Array(packed.dropLast()), RejectionCode.bodyNotInflatable),
                (Gzip.compress([UInt8](repeating: 32, count: 2000)), .bodyTooLargeInflated),
            ] {
                let request = SourceSigner.fields(
                    for: body, verification: verification, key: key, webhookID: "w", atNanoseconds: 0)
                let vector = SignedVector(verification, request, body: body, atNanoseconds: 0)
                let verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 1000))
                if let code {
                    guard case .refused(code, _) = try vector.outcome(verifier) else {
                        Issue.record("\(scheme.name): not refused with \(code)")
                        continue
                    }
                    continue
                }
                var record = vector.record
                _ = try record.pass { view, writer in
                    AcceptedWebhook(view).map { verifier.verify($0, into: &writer) }
                }
                #expect(try record.section(.inflatedBody) == plain, "\(scheme.name)")
            }
        }
    }
}
