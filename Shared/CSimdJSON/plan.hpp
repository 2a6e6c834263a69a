#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pointer.hpp"

namespace tributary {

constexpr size_t no_slot = static_cast<size_t>(-1);

/// One step on the way to the wanted fields: named children, and one wildcard that stands for every key or element.
/// After `settle` a named child does also what the wildcard beside it asks for.
struct plan_node {
    std::string key;
    /// Which array element the key names; only pointers lead into arrays by number.
    size_t array_index = no_index;
    size_t slot = no_slot;
    bool redacted = false;
    /// Whether only paths redact what lies here.
    bool left = false;
    std::vector<std::unique_ptr<plan_node>> children;
    std::unique_ptr<plan_node> wildcard;

    const plan_node *child(std::string_view wanted) const {
        if (key_lengths >> (wanted.size() & 63) & 1) {
            for (const auto &candidate : children) {
                if (candidate->key == wanted) { return candidate.get(); }
            }
        }
        return wildcard.get();
    }

    const plan_node *element(size_t index) const {
        for (const auto &candidate : children) {
            if (candidate->array_index == index) { return candidate.get(); }
        }
        return wildcard.get();
    }

    /// The node at the end of `path`, made where it does not exist.
    plan_node *grow(std::string_view path) {
        if (!path.empty() && path.front() == '/') { return grow_pointer(path); }
        plan_node *node = this;
        while (!path.empty()) {
            const size_t dot = path.find('.');
            const std::string_view step = path.substr(0, dot);
            path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
            node = step == "*" ? node->grow_wildcard() : node->grow_child(step);
        }
        return node;
    }

    /// Gives every named child what the wildcard beside it asks for; to be called after the last `grow`.
    void settle() {
        for (const auto &named : children) {
            if (wildcard) { named->take_over(*wildcard); }
            named->settle();
        }
        if (wildcard) { wildcard->settle(); }
    }

private:
    /// Which lengths modulo 64 the children's keys have: most keys of a text are none of them.
    uint64_t key_lengths = 0;

    plan_node *grow_pointer(std::string_view pointer) {
        plan_node *node = this;
        for (pointer_steps steps(pointer); steps.next();) {
            node = node->grow_child(steps.key);
            node->array_index = steps.index;
        }
        return node;
    }

    plan_node *grow_wildcard() {
        if (!wildcard) { wildcard = std::make_unique<plan_node>(); }
        return wildcard.get();
    }

    plan_node *grow_child(std::string_view step) {
        for (const auto &candidate : children) {
            if (candidate->key == step) { return candidate.get(); }
        }
        key_lengths |= uint64_t(1) << (step.size() & 63);
        children.push_back(std::make_unique<plan_node>());
        children.back()->key = std::string(step);
        return children.back().get();
    }

    void take_over(const plan_node &other) {
        if (slot == no_slot) { slot = other.slot; }
        redacted = redacted || other.redacted;
        left = left || other.left;
        for (const auto &named : other.children) {
            plan_node *own = grow_child(named->key);
            if (own->array_index == no_index) { own->array_index = named->array_index; }
            own->take_over(*named);
        }
        if (other.wildcard) { grow_wildcard()->take_over(*other.wildcard); }
    }
};

}  // namespace tributary
