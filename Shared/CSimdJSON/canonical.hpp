#pragma once
#include <string>
#include <vector>

#include "tokens.hpp"

namespace tributary {

/// Writes the canonical form of RFC 8785: keys in the order of their UTF-16 code units, numbers as ECMAScript writes
/// the double nearest to them, the fewest escapes, no spaces. Of a repeated key the last value counts. A number beyond
/// all doubles, for which the RFC has no form, stays as it was written.
///
/// On request numbers keep their exact value instead, so that two large integers that are one double stay two: they are
/// written in the same style, with all their digits. Where these are the fewest that name the double, as programs write
/// them, both forms are the same.
class canonical_writer {
public:
    /// The canonical form of the value that begins at `token`; valid until the next call.
    const std::string &write(
        const token_text &tokens, const bracket_pairs &pairs, string_arena &arena, uint32_t token, bool exact);

    void give_back();

private:
    struct member {
        /// The key's first bytes, such that comparing them as numbers compares the keys.
        uint64_t prefix;
        std::string_view key;
        uint32_t value;
        /// Whether the order of its bytes may not be that of UTF-16.
        bool is_high;
    };

    const token_text *tokens = nullptr;
    const bracket_pairs *pairs = nullptr;
    string_arena *arena = nullptr;
    std::string output;
    bool exact = false;
    /// The digits of the number being written exactly.
    std::string significant;
    /// The members of the objects that are being written, the innermost last.
    std::vector<member> members;

    void value(uint32_t token);
    void object(uint32_t token);
    void array(uint32_t token);
    void string(std::string_view inside);
    void escaped(std::string_view text);
    void number(std::string_view digits);
    void exact_number(std::string_view digits);

    static bool precedes(const member &first, const member &second);
};

}  // namespace tributary
