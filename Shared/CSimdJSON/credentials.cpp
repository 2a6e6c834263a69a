#include "credentials.hpp"

#include <algorithm>
#include <cstddef>
#include <initializer_list>

namespace tributary {

namespace {

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
}

/// Whether `text`, in any case, is `word`, which is in lower case.
bool equals(std::string_view text, std::string_view word) {
    return text.size() == word.size()
        && std::equal(text.begin(), text.end(), word.begin(), [](char own, char other) { return lower(own) == other; });
}

bool ends_with(std::string_view text, std::string_view word) {
    return text.size() >= word.size() && equals(text.substr(text.size() - word.size()), word);
}

bool is_any(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [text](std::string_view word) { return equals(text, word); });
}

/// The part of `text` up to one of `separators`, which is taken off with it.
std::string_view take(std::string_view &text, std::string_view separators) {
    const size_t end = text.find_first_of(separators);
    const std::string_view part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return part;
}

bool is_web_token(std::string_view text) {
    // `{"` in base64 is `eyJ`: the header, and of a signed token the claims, too.
    if (text.substr(0, 3) != "eyJ" || text.size() < 24) { return false; }
    size_t dots = 0;
    for (const char letter : text) {
        const bool is_digit = (letter >= '0' && letter <= '9') || (lower(letter) >= 'a' && lower(letter) <= 'z');
        if (letter == '.') {
            ++dots;
        } else if (!is_digit && letter != '-' && letter != '_') {
            return false;
        }
    }
    return dots == 2 || dots == 4;
}

/// Whether a parameter of that name holds a credential: `token`, `hdnts_token`, `X-Amz-Signature` …
bool is_secret_parameter(std::string_view name) {
    for (const std::string_view ending : {"token", "secret", "signature", "password", "passphrase", "passcode"}) {
        if (ends_with(name, ending)) { return true; }
    }
    return is_any(
        name, {"key", "apikey", "api_key", "accesskey", "access_key", "streamkey", "stream_key", "pwd", "pass", "sig",
               "auth", "authorization", "jwt", "tk", "zak", "hdnts", "hdnea", "credential", "x-amz-credential"});
}

/// Whether one of the parameters of a query or fragment holds a credential.
bool has_secret_parameter(std::string_view query) {
    while (!query.empty()) {
        std::string_view parameter = take(query, "&#?");
        const std::string_view name = take(parameter, "=");
        if (!parameter.empty() && is_secret_parameter(name)) { return true; }
    }
    return false;
}

/// Whether a path is `…/whip/<key>`.
bool has_whip_key(std::string_view path) {
    while (!path.empty()) {
        if (equals(take(path, "/"), "whip")) { return !take(path, "/").empty(); }
    }
    return false;
}

size_t count_segments(std::string_view path) {
    size_t count = 0;
    while (!path.empty()) { count += take(path, "/").empty() ? 0 : 1; }
    return count;
}

}  // namespace

bool is_credential(std::string_view text) {
    if (text.front() == 'e') { return is_web_token(text); }
    const size_t colon = text.substr(0, 9).find("://");
    if (colon == std::string_view::npos) { return false; }
    const std::string_view scheme = text.substr(0, colon);
    const bool is_stream = is_any(
        scheme, {"rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpte", "rtmpts", "srt", "rist", "whip", "whips"});
    if (!is_stream && !is_any(scheme, {"http", "https", "ws", "wss", "rtsp", "rtsps"})) { return false; }
    const std::string_view rest = text.substr(colon + 3);
    std::string_view path = rest.substr(0, rest.find_first_of("?#"));
    const std::string_view query = path.size() < rest.size() ? rest.substr(path.size() + 1) : std::string_view();
    const std::string_view authority = take(path, "/");
    if (authority.find('@') != std::string_view::npos) { return true; }
    if (is_stream) { return !query.empty() || count_segments(path) > 1; }
    return has_secret_parameter(query) || has_whip_key(path);
}

}  // namespace tributary
