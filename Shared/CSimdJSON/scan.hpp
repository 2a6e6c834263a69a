#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tributary {

/// The length of the RFC 8259 number that begins at `text`; 0 if there is none.
inline size_t number_length(const uint8_t *text, const uint8_t *end) {
    const uint8_t *at = text;
    const auto digits = [&at, end] {
        const uint8_t *start = at;
        while (at < end && *at >= '0' && *at <= '9') { ++at; }
        return at > start;
    };
    if (at < end && *at == '-') { ++at; }
    if (at < end && *at == '0') {
        ++at;
    } else if (!digits()) {
        return 0;
    }
    if (at < end && *at == '.') {
        ++at;
        if (!digits()) { return 0; }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at < end && (*at == '+' || *at == '-')) { ++at; }
        if (!digits()) { return 0; }
    }
    return static_cast<size_t>(at - text);
}

inline bool ends_number(const uint8_t *at, const uint8_t *end) {
    return at == end || (*at != 0 && std::strchr(" \t\r\n,]}", *at) != nullptr);
}

/// Calls `visit(at)` for each byte outside strings until the end; `visit` returns the next byte to look at.
template <typename Visit>
inline void scan_outside_strings(uint8_t *text, size_t length, Visit visit) {
    uint8_t *at = text;
    uint8_t *const end = text + length;
    bool inside_string = false;
    while (at < end) {
        if (inside_string) {
            if (*at == '\\') {
                ++at;
            } else if (*at == '"') {
                inside_string = false;
            }
            ++at;
        } else if (*at == '"') {
            inside_string = true;
            ++at;
        } else {
            at = visit(at);
        }
    }
}

/// Overwrites every well-formed number outside strings with `0` and spaces of the same length.
///
/// simdjson refuses numbers that fit the grammar but no machine type (2^70, 1e400). Their value is of no interest
/// here, so the text is validated once more without them. Whatever is malformed stays as it is and is refused.
inline void neutralise_numbers(uint8_t *text, size_t length) {
    const uint8_t *end = text + length;
    scan_outside_strings(text, length, [end](uint8_t *at) {
        if (*at != '-' && (*at < '0' || *at > '9')) { return at + 1; }
        const size_t count = number_length(at, end);
        if (count > 0 && ends_number(at + count, end)) {
            std::memset(at, ' ', count);
            *at = '0';
            return at + count;
        }
        while (at < end && !ends_number(at, end) && *at != '"') { ++at; }
        return at;
    });
}

struct nesting {
    /// How many arrays and objects lie inside one another at most.
    size_t deepest = 0;
    /// Whether each is closed.
    bool is_closed = false;
};

inline nesting nesting_of(uint8_t *text, size_t length) {
    nesting found;
    size_t open = 0;
    scan_outside_strings(text, length, [&open, &found](uint8_t *at) {
        if (*at == '[' || *at == '{') {
            ++open;
            found.deepest = open > found.deepest ? open : found.deepest;
        } else if ((*at == ']' || *at == '}') && open > 0) {
            --open;
        }
        return at + 1;
    });
    found.is_closed = open == 0;
    return found;
}

}  // namespace tributary
