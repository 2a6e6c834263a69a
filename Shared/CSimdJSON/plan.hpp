#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tributary {

constexpr size_t no_slot = static_cast<size_t>(-1);

/// One step on the way to the wanted fields. A node has named children or one wildcard child, never both.
struct plan_node {
    std::string key;
    size_t slot = no_slot;
    bool redacted = false;
    std::vector<std::unique_ptr<plan_node>> children;
    std::unique_ptr<plan_node> wildcard;

    const plan_node *child(std::string_view wanted) const {
        for (const auto &candidate : children) {
            if (candidate->key == wanted) { return candidate.get(); }
        }
        return wildcard.get();
    }

    /// The node at the end of `path`, made where it does not exist.
    plan_node *grow(std::string_view path) {
        plan_node *node = this;
        while (!path.empty()) {
            const size_t dot = path.find('.');
            const std::string_view step = path.substr(0, dot);
            path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
            node = step == "*" ? node->grow_wildcard() : node->grow_child(step);
        }
        return node;
    }

private:
    plan_node *grow_wildcard() {
        if (!wildcard) { wildcard = std::make_unique<plan_node>(); }
        return wildcard.get();
    }

    plan_node *grow_child(std::string_view step) {
        for (const auto &candidate : children) {
            if (candidate->key == step) { return candidate.get(); }
        }
        children.push_back(std::make_unique<plan_node>());
        children.back()->key = std::string(step);
        return children.back().get();
    }
};

}  // namespace tributary
