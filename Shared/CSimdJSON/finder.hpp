#pragma once
#include <string>
#include <vector>

#include "CSimdJSON.h"
#include "key_rules.hpp"
#include "plan.hpp"
#include "tokens.hpp"

namespace tributary {

/// Finds the wanted fields and the values to redact in a value of a valid text.
class field_finder {
public:
    plan_node root;
    key_rules anywhere;
    /// Whether strings are redacted that are credentials by their form.
    bool redacts_by_form = false;
    /// By slot of the plan.
    std::vector<tributary_json_field> fields;
    std::vector<tributary_json_range> redactions;

    void clear();

    /// Fills fields and redactions from the value that begins at `token`. `pairs` may be null: what is of no interest
    /// is then stepped over token by token.
    void find(const token_text &tokens, const bracket_pairs *pairs, string_arena &arena, uint32_t token);

private:
    const token_text *tokens = nullptr;
    const bracket_pairs *pairs = nullptr;
    string_arena *arena = nullptr;
    /// In how many values that are left this one lies.
    size_t left = 0;

    bool redacts_anywhere() const { return left == 0 && (redacts_by_form || anywhere.redacts_any()); }
    bool is_credential(uint32_t token);

    /// Each returns the first token behind the value. `hidden`: a redaction covers the value already.
    uint32_t visit(uint32_t token, const plan_node *node, bool redacted, bool hidden);
    uint32_t visit_object(uint32_t token, const plan_node *node, bool hidden);
    uint32_t visit_array(uint32_t token, const plan_node *node, bool hidden);
    uint32_t skip(uint32_t token) const;
    void take(uint32_t token, size_t slot);
    void hide(uint32_t token, uint32_t after);
    void forget(const plan_node *node);
};

}  // namespace tributary
