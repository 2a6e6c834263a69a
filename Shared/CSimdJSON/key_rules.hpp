#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tributary {

/// What holds of a few dozen keys wherever they stand, by length and first letter: most keys of a text share both with
/// none.
class key_rules {
public:
    /// The value is redacted.
    static constexpr uint8_t redacted = 1;
    /// The value is left: only paths redact in it.
    static constexpr uint8_t left = 2;

    bool redacts_any() const { return any_redacted; }

    void insert(std::string_view key, uint8_t rule) {
        by_length[place(key)].emplace_back(key, rule);
        letters[place(key)] |= letter(key);
        any_redacted = any_redacted || rule == redacted;
    }

    /// The rules of a key, or 0.
    uint8_t of(std::string_view key) const {
        if ((letters[place(key)] & letter(key)) == 0) { return 0; }
        uint8_t found = 0;
        for (const auto &candidate : by_length[place(key)]) {
            if (candidate.first == key) { found |= candidate.second; }
        }
        return found;
    }

private:
    std::array<std::vector<std::pair<std::string, uint8_t>>, 32> by_length;
    /// By length, which first letters there are, in any case.
    std::array<uint32_t, 32> letters{};
    bool any_redacted = false;

    static uint32_t letter(std::string_view key) { return key.empty() ? 1 : uint32_t(1) << (key.front() & 31); }

    /// Long keys share the last place.
    static size_t place(std::string_view key) { return key.size() < 31 ? key.size() : 31; }
};

}  // namespace tributary
