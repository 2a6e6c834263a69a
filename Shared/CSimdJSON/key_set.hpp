#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

/// A few dozen keys, by length: most keys of a text have the length of none.
class key_set {
public:
    bool empty() const { return count == 0; }

    void insert(std::string_view key) {
        by_length[place(key)].emplace_back(key);
        ++count;
    }

    bool contains(std::string_view key) const {
        for (const auto &candidate : by_length[place(key)]) {
            if (candidate == key) { return true; }
        }
        return false;
    }

private:
    std::array<std::vector<std::string>, 32> by_length;
    size_t count = 0;

    /// Long keys share the last place.
    static size_t place(std::string_view key) { return key.size() < 31 ? key.size() : 31; }
};

}  // namespace tributary
