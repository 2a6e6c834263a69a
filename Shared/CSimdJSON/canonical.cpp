#include "canonical.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

namespace tributary {

namespace {

/// The place of a byte of UTF-8 in the order of UTF-16: characters beyond U+FFFF, which begin with surrogates there,
/// come before U+E000 to U+FFFF. Only first bytes of characters are this large.
uint8_t rank(uint8_t byte) {
    if (byte < 0xEE) { return byte; }
    return static_cast<uint8_t>(byte < 0xF0 ? byte + 5 : byte - 2);
}

uint64_t prefix_of(std::string_view key) {
    uint64_t prefix = 0;
    for (size_t at = 0; at < 8; ++at) {
        prefix = prefix << 8 | (at < key.size() ? rank(static_cast<uint8_t>(key[at])) : 0);
    }
    return prefix;
}

/// Whether the order of UTF-8 may differ from that of UTF-16.
bool has_high_bytes(std::string_view key) {
    return std::any_of(key.begin(), key.end(), [](char byte) { return static_cast<uint8_t>(byte) >= 0xEE; });
}

/// Less than, equal to or greater than 0 as `first` comes before, with or after `second` in UTF-16.
int compare(std::string_view first, std::string_view second, bool as_bytes) {
    const size_t shared = std::min(first.size(), second.size());
    if (as_bytes) {
        const int order = shared > 0 ? std::memcmp(first.data(), second.data(), shared) : 0;
        if (order != 0) { return order; }
    }
    for (size_t at = 0; at < shared && !as_bytes; ++at) {
        const int order = rank(static_cast<uint8_t>(first[at])) - rank(static_cast<uint8_t>(second[at]));
        if (order != 0) { return order; }
    }
    return first.size() == second.size() ? 0 : (first.size() < second.size() ? -1 : 1);
}

/// Whether the value of a number that no double can hold is too small rather than too large.
bool is_tiny(std::string_view digits) {
    long long magnitude = 0;
    long long after_point = 0;
    bool point = false, significant = false;
    size_t at = 0;
    for (; at < digits.size() && (digits[at] | 0x20) != 'e'; ++at) {
        const char digit = digits[at];
        if (digit == '.') { point = true; }
        if (digit < '0' || digit > '9') { continue; }
        significant = significant || digit != '0';
        if (significant && !point) { ++magnitude; }
        if (!significant && point) { ++after_point; }
    }
    long long exponent = 0;
    bool negative = false;
    for (++at; at < digits.size(); ++at) {
        if (digits[at] == '-') { negative = true; }
        if (digits[at] >= '0' && digits[at] <= '9' && exponent < (1LL << 50)) {
            exponent = exponent * 10 + (digits[at] - '0');
        }
    }
    return magnitude - after_point + (negative ? -exponent : exponent) <= 0;
}

/// Writes 0.d₁d₂d₃… × 10^point as ECMAScript writes a number with these digits, of which neither the first nor the last
/// is zero.
void append_decimal(std::string_view digits, long long point, std::string &output) {
    const auto count = static_cast<long long>(digits.size());
    const auto put = [&output, digits](long long from, long long to) {
        output.append(digits.substr(static_cast<size_t>(from), static_cast<size_t>(to - from)));
    };
    if (count <= point && point <= 21) {
        put(0, count);
        output.append(static_cast<size_t>(point - count), '0');
    } else if (0 < point && point <= 21) {
        put(0, point);
        output.push_back('.');
        put(point, count);
    } else if (-6 < point && point <= 0) {
        output.append("0.");
        output.append(static_cast<size_t>(-point), '0');
        put(0, count);
    } else {
        put(0, 1);
        if (count > 1) { output.push_back('.'); }
        put(1, count);
        const long long exponent = point - 1;
        output.append(exponent < 0 ? "e-" : "e+");
        char decimal[24];
        const auto end = std::to_chars(decimal, decimal + sizeof decimal, exponent < 0 ? -exponent : exponent).ptr;
        output.append(decimal, static_cast<size_t>(end - decimal));
    }
}

/// Number.prototype.toString of ECMAScript for a finite double.
void append_double(double number, std::string &output) {
    if (number == 0) {
        output.push_back('0');
        return;
    }
    char shortest[32];
    const auto written = std::to_chars(shortest, shortest + sizeof shortest, number, std::chars_format::scientific);
    const std::string_view text(shortest, static_cast<size_t>(written.ptr - shortest));
    const size_t mark = text.find('e');
    char digits[24];
    size_t count = 0;
    for (const char letter : text.substr(0, mark)) {
        if (letter == '-') { output.push_back('-'); }
        if (letter >= '0' && letter <= '9') { digits[count++] = letter; }
    }
    int exponent = 0;
    std::from_chars(text.data() + mark + (text[mark + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
    append_decimal(std::string_view(digits, count), exponent + 1, output);
}

/// Whether the digits are an integer that every double holds exactly and that is written one way only.
bool is_plain_integer(std::string_view digits) {
    const std::string_view magnitude = digits.front() == '-' ? digits.substr(1) : digits;
    if (magnitude.size() > 15) { return false; }
    if (magnitude == "0") { return digits.size() == 1; }
    return std::all_of(magnitude.begin(), magnitude.end(), [](char digit) { return digit >= '0' && digit <= '9'; });
}

}  // namespace

const std::string &canonical_writer::write(
    const token_text &tokens, const bracket_pairs &pairs, string_arena &arena, uint32_t token, bool exact) {
    this->exact = exact;
    this->tokens = &tokens;
    this->pairs = &pairs;
    this->arena = &arena;
    output.clear();
    members.clear();
    const size_t mark = arena.mark();
    value(token);
    arena.release(mark);
    return output;
}

void canonical_writer::give_back() {
    std::string().swap(output);
    std::string().swap(significant);
    std::vector<member>().swap(members);
}

void canonical_writer::value(uint32_t token) {
    switch (tokens->first(token)) {
    case '{': return object(token);
    case '[': return array(token);
    case '"': return string(tokens->inside(token));
    case 't': case 'f': case 'n': output.append(tokens->bytes(token)); return;
    default: return number(tokens->bytes(token));
    }
}

bool canonical_writer::precedes(const member &first, const member &second) {
    if (first.prefix != second.prefix) { return first.prefix < second.prefix; }
    if (first.key.size() <= 8 && second.key.size() <= 8) {
        // The prefix holds all of both; they can differ in NULs at their ends.
        if (first.key.size() != second.key.size()) { return first.key.size() < second.key.size(); }
        return first.value < second.value;
    }
    const int order = compare(first.key, second.key, !first.is_high && !second.is_high);
    return order != 0 ? order < 0 : first.value < second.value;
}

void canonical_writer::object(uint32_t token) {
    const size_t base = members.size();
    for (uint32_t at = token + 1; tokens->first(at) != '}';) {
        const std::string_view key = arena->resolve(tokens->inside(at));
        members.push_back({prefix_of(key), key, at + 2, has_high_bytes(key)});
        at = pairs->after(*tokens, at + 2);
        if (tokens->first(at) == ',') { ++at; }
    }
    const size_t end = members.size();
    std::sort(members.begin() + static_cast<ptrdiff_t>(base), members.end(), precedes);
    output.push_back('{');
    bool first = true;
    for (size_t at = base; at < end; ++at) {
        // What lies inside may move the members in memory.
        const member own = members[at];
        const bool may_repeat = at + 1 < end && members[at + 1].prefix == own.prefix;
        if (may_repeat && members[at + 1].key == own.key) { continue; }
        if (!first) { output.push_back(','); }
        first = false;
        output.push_back('"');
        escaped(own.key);
        output.append("\":");
        value(own.value);
    }
    output.push_back('}');
    members.resize(base);
}

void canonical_writer::array(uint32_t token) {
    output.push_back('[');
    for (uint32_t at = token + 1; tokens->first(at) != ']';) {
        value(at);
        at = pairs->after(*tokens, at);
        if (tokens->first(at) == ',') {
            output.push_back(',');
            ++at;
        }
    }
    output.push_back(']');
}

void canonical_writer::string(std::string_view inside) {
    output.push_back('"');
    if (has_escapes(inside)) {
        const size_t mark = arena->mark();
        escaped(arena->resolve(inside));
        arena->release(mark);
    } else {
        output.append(inside);
    }
    output.push_back('"');
}

void canonical_writer::escaped(std::string_view text) {
    size_t plain = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<uint8_t>(text[at]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') { continue; }
        output.append(text.substr(plain, at - plain));
        plain = at + 1;
        output.push_back('\\');
        switch (byte) {
        case '\b': output.push_back('b'); break;
        case '\t': output.push_back('t'); break;
        case '\n': output.push_back('n'); break;
        case '\f': output.push_back('f'); break;
        case '\r': output.push_back('r'); break;
        case '"': case '\\': output.push_back(static_cast<char>(byte)); break;
        default:
            output.append(byte < 0x10 ? "u000" : "u001");
            output.push_back("0123456789abcdef"[byte & 0xF]);
        }
    }
    output.append(text.substr(plain));
}

void canonical_writer::number(std::string_view digits) {
    if (is_plain_integer(digits)) {
        output.append(digits);
        return;
    }
    if (exact) { return exact_number(digits); }
    double number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (read.ec != std::errc::result_out_of_range) {
        append_double(number, output);
    } else if (is_tiny(digits)) {
        output.push_back('0');
    } else {
        output.append(digits);
    }
}

void canonical_writer::exact_number(std::string_view digits) {
    significant.clear();
    long long point = 0;
    bool behind_point = false;
    size_t at = 0;
    for (; at < digits.size() && (digits[at] | 0x20) != 'e'; ++at) {
        const char digit = digits[at];
        if (digit == '.') { behind_point = true; }
        if (digit < '0' || digit > '9') { continue; }
        if (significant.empty() && digit == '0') {
            point -= behind_point ? 1 : 0;
        } else {
            significant.push_back(digit);
            point += behind_point ? 0 : 1;
        }
    }
    significant.resize(significant.find_last_not_of('0') + 1);
    if (significant.empty()) {
        output.push_back('0');
        return;
    }
    long long exponent = 0;
    if (at < digits.size()) {
        const size_t sign = digits[at + 1] == '+' ? 1 : 0;
        const char *const end = digits.data() + digits.size();
        const auto read = std::from_chars(digits.data() + at + 1 + sign, end, exponent);
        constexpr long long most = 1LL << 60;
        if (read.ec != std::errc() || exponent > most || exponent < -most) {
            output.append(digits);
            return;
        }
    }
    if (digits.front() == '-') { output.push_back('-'); }
    append_decimal(significant, point + exponent, output);
}

}  // namespace tributary
