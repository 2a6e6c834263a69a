#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tributary {

/// Whether a string that begins with that byte, its escapes unresolved, can be a credential at all.
inline bool may_begin_credential(uint8_t byte) {
    constexpr uint32_t letters = 1U << ('e' & 31) | 1U << ('h' & 31) | 1U << ('r' & 31) | 1U << ('s' & 31)
        | 1U << ('w' & 31) | 1U << ('\\' & 31);
    return byte >= 'A' && (letters >> (byte & 31) & 1) != 0;
}

/// No credential is shorter.
constexpr size_t shortest_credential = 8;

/// Whether a text is a credential by its form:
///
/// * a JSON Web Token in compact form (RFC 7519);
/// * a URL with user information (RFC 3986, 3.2.1);
/// * a URL to stream to (rtmp, srt, rist, whip) that names more than host and application: the rest is the stream key;
/// * an http, ws or rtsp URL with a parameter called like a token, key, password or signature, or a WHIP endpoint's key.
///
/// `text` is not empty.
bool is_credential(std::string_view text);

}  // namespace tributary
