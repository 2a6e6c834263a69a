#pragma once
#include <string_view>

namespace tributary {

/// Whether the bytes between a string's quotes, their escapes unresolved, can be a credential at all: a look at the
/// first of them.
inline bool may_be_credential(std::string_view inside) {
    if (inside.size() < 8) { return false; }
    switch (inside.front() | 0x20) {
    case 'e': case 'h': case 'r': case 's': case 'w': return true;
    default: return inside.front() == '\\';
    }
}

/// Whether a text is a credential by its form:
///
/// * a JSON Web Token in compact form (RFC 7519);
/// * a URL with user information (RFC 3986, 3.2.1);
/// * a URL to stream to (rtmp, srt, rist, whip) that names more than host and application: the rest is the stream key;
/// * an http, ws or rtsp URL with a parameter called like a token, key, password or signature, or a WHIP endpoint's key.
bool is_credential(std::string_view text);

}  // namespace tributary
