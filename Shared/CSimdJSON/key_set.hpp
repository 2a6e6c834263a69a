#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

/// A few dozen keys, by length and first letter: most keys of a text share both with none.
class key_set {
public:
    bool empty() const { return count == 0; }

    void insert(std::string_view key) {
        by_length[place(key)].emplace_back(key);
        letters[place(key)] |= letter(key);
        ++count;
    }

    bool contains(std::string_view key) const {
        if ((letters[place(key)] & letter(key)) == 0) { return false; }
        for (const auto &candidate : by_length[place(key)]) {
            if (candidate == key) { return true; }
        }
        return false;
    }

private:
    std::array<std::vector<std::string>, 32> by_length;
    /// By length, which first letters there are, in any case.
    std::array<uint32_t, 32> letters{};
    size_t count = 0;

    static uint32_t letter(std::string_view key) { return key.empty() ? 1 : uint32_t(1) << (key.front() & 31); }

    /// Long keys share the last place.
    static size_t place(std::string_view key) { return key.size() < 31 ? key.size() : 31; }
};

}  // namespace tributary
