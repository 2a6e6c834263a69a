#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

/// A text that was found valid, seen through the offsets of its tokens: each bracket, colon and comma, and the first
/// byte of each string, number and name. A token is known by its number, counting from 0.
struct token_text {
    const uint8_t *text = nullptr;
    /// `count` offsets, and behind them the length of the text.
    const uint32_t *starts = nullptr;
    uint32_t count = 0;

    uint8_t first(uint32_t token) const { return text[starts[token]]; }

    static bool opens(uint8_t byte) { return (byte | 0x20) == '{'; }
    static bool closes(uint8_t byte) { return (byte | 0x20) == '}'; }

    /// The bytes of a token, without the spaces after it.
    std::string_view bytes(uint32_t token) const {
        const uint8_t *begin = text + starts[token];
        const uint8_t *end = text + starts[token + 1];
        while (end > begin && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\r' || end[-1] == '\t')) { --end; }
        return std::string_view(reinterpret_cast<const char *>(begin), static_cast<size_t>(end - begin));
    }

    /// What a string token has between its quotes.
    std::string_view inside(uint32_t token) const {
        const std::string_view quoted = bytes(token);
        return quoted.substr(1, quoted.size() - 2);
    }
};

inline bool has_escapes(std::string_view inside) {
    return !inside.empty() && std::memchr(inside.data(), '\\', inside.size()) != nullptr;
}

/// Resolves the escapes of a valid string into `target`, which has room for as many bytes; returns the bytes written.
size_t unescape(std::string_view inside, char *target);

/// Room for unescaped strings. What was taken stays where it is until `clear`.
class string_arena {
public:
    /// Makes room for `capacity` bytes; false where there is no memory.
    bool reserve(size_t capacity) {
        bytes.reset(new (std::nothrow) char[capacity]);
        used = 0;
        return bytes != nullptr;
    }

    void clear() { used = 0; }

    /// The string without escapes: itself, or resolved in the arena. All strings of one text fit.
    std::string_view resolve(std::string_view inside) {
        if (!has_escapes(inside)) { return inside; }
        char *target = bytes.get() + used;
        const size_t length = unescape(inside, target);
        used += length;
        return std::string_view(target, length);
    }

    /// Where the arena ends now, and back to there.
    size_t mark() const { return used; }
    void release(size_t mark) { used = mark; }

private:
    std::unique_ptr<char[]> bytes;
    size_t used = 0;
};

/// For each opening bracket the number of the token that closes it.
class bracket_pairs {
public:
    void clear() { closing.clear(); }
    bool is_built() const { return !closing.empty(); }
    void give_back() { std::vector<uint32_t>().swap(closing); }

    /// Pairs the brackets of a text whose depth is within the limit, unless it is done already.
    void build(const token_text &tokens);

    /// The first token behind the value that begins at `token`.
    uint32_t after(const token_text &tokens, uint32_t token) const {
        return (token_text::opens(tokens.first(token)) ? closing[token] : token) + 1;
    }

private:
    std::vector<uint32_t> closing;
};

}  // namespace tributary
