#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tributary {

constexpr size_t no_index = static_cast<size_t>(-1);

/// Walks the steps of a JSON Pointer (RFC 6901). `~0` and `~1` are resolved, any other `~` stays as it is.
class pointer_steps {
public:
    /// The step as an object key.
    std::string key;
    /// The step as an array index; `no_index` where it is none (RFC 6901, section 4: no leading zeros).
    size_t index = no_index;

    explicit pointer_steps(std::string_view pointer) : rest(pointer) {}

    /// Moves on to the next step; false at the end.
    bool next() {
        if (rest.empty()) { return false; }
        if (rest.front() == '/') { rest.remove_prefix(1); }
        const size_t slash = rest.find('/');
        const std::string_view step = rest.substr(0, slash);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
        key.clear();
        for (size_t at = 0; at < step.size(); ++at) {
            const char after = at + 1 < step.size() ? step[at + 1] : '\0';
            const bool escaped = step[at] == '~' && (after == '0' || after == '1');
            key.push_back(escaped ? (after == '0' ? '~' : '/') : step[at]);
            if (escaped) { ++at; }
        }
        index = array_index(key);
        return true;
    }

private:
    std::string_view rest;

    static size_t array_index(std::string_view step) {
        const bool leading_zero = step.size() > 1 && step.front() == '0';
        if (step.empty() || step.size() > 9 || leading_zero) { return no_index; }
        size_t number = 0;
        for (const char digit : step) {
            if (digit < '0' || digit > '9') { return no_index; }
            number = number * 10 + static_cast<size_t>(digit - '0');
        }
        return number;
    }
};

}  // namespace tributary
