#include "tokens.hpp"

#include "CSimdJSON.h"

namespace tributary {

namespace {

uint32_t hex_digit(char digit) {
    if (digit <= '9') { return static_cast<uint32_t>(digit - '0'); }
    return static_cast<uint32_t>((digit | 0x20) - 'a' + 10);
}

uint32_t hex_quad(const char *at) {
    return hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 | hex_digit(at[2]) << 4 | hex_digit(at[3]);
}

char *put_scalar(uint32_t scalar, char *to) {
    const auto put = [&to](uint32_t byte) { *to++ = static_cast<char>(byte); };
    if (scalar < 0x80) {
        put(scalar);
    } else if (scalar < 0x800) {
        put(0xC0 | scalar >> 6);
        put(0x80 | (scalar & 0x3F));
    } else if (scalar < 0x10000) {
        put(0xE0 | scalar >> 12);
        put(0x80 | (scalar >> 6 & 0x3F));
        put(0x80 | (scalar & 0x3F));
    } else {
        put(0xF0 | scalar >> 18);
        put(0x80 | (scalar >> 12 & 0x3F));
        put(0x80 | (scalar >> 6 & 0x3F));
        put(0x80 | (scalar & 0x3F));
    }
    return to;
}

char simple_escape(char letter) {
    switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return letter;
    }
}

}  // namespace

size_t unescape(std::string_view inside, char *target) {
    const char *at = inside.data();
    const char *const end = at + inside.size();
    char *to = target;
    while (at < end) {
        const auto *escape = static_cast<const char *>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
        const size_t plain = static_cast<size_t>((escape ? escape : end) - at);
        std::memcpy(to, at, plain);
        to += plain;
        if (!escape) { break; }
        at = escape + 2;
        if (escape[1] != 'u') {
            *to++ = simple_escape(escape[1]);
            continue;
        }
        uint32_t scalar = hex_quad(at);
        at += 4;
        // The validator has refused lone surrogates: behind a high one comes a low one.
        if (scalar >= 0xD800 && scalar < 0xDC00 && end - at >= 6) {
            scalar = 0x10000 + ((scalar - 0xD800) << 10) + (hex_quad(at + 2) - 0xDC00);
            at += 6;
        }
        to = put_scalar(scalar, to);
    }
    return static_cast<size_t>(to - target);
}

void bracket_pairs::build(const token_text &tokens) {
    if (!closing.empty()) { return; }
    closing.resize(tokens.count);
    uint32_t open[TRIBUTARY_JSON_MAX_DEPTH + 1];
    size_t depth = 0;
    for (uint32_t token = 0; token < tokens.count; ++token) {
        const uint8_t byte = tokens.first(token);
        if (token_text::opens(byte)) {
            open[depth++] = token;
        } else if (token_text::closes(byte)) {
            closing[open[--depth]] = token;
        }
    }
}

}  // namespace tributary
