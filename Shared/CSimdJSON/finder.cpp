#include "finder.hpp"

#include "credentials.hpp"

namespace tributary {

void field_finder::clear() {
    for (auto &field : fields) { field = {TRIBUTARY_JSON_ABSENT, nullptr, 0}; }
    redactions.clear();
}

void field_finder::find(
    const token_text &tokens, const bracket_pairs *pairs, string_arena &arena, uint32_t token) {
    this->tokens = &tokens;
    this->pairs = pairs;
    this->arena = &arena;
    left = 0;
    visit(token, &root, root.redacted, false);
}

uint32_t field_finder::skip(uint32_t token) const {
    if (pairs) { return pairs->after(*tokens, token); }
    size_t open = 0;
    do {
        const uint8_t byte = tokens->first(token++);
        if (token_text::opens(byte)) {
            ++open;
        } else if (token_text::closes(byte)) {
            --open;
        }
    } while (open > 0);
    return token;
}

/// Whether a string is a credential by its form.
bool field_finder::is_credential(uint32_t token) {
    if (!may_begin_credential(tokens->text[tokens->starts[token] + 1])) { return false; }
    const std::string_view inside = tokens->inside(token);
    if (inside.size() < shortest_credential) { return false; }
    const size_t mark = arena->mark();
    const bool found = tributary::is_credential(arena->resolve(inside));
    arena->release(mark);
    return found;
}

/// Forgets what an earlier occurrence of a repeated key gave.
void field_finder::forget(const plan_node *node) {
    if (node->slot != no_slot) { fields[node->slot] = {TRIBUTARY_JSON_ABSENT, nullptr, 0}; }
    for (const auto &child : node->children) { forget(child.get()); }
    if (node->wildcard) { forget(node->wildcard.get()); }
}

uint32_t field_finder::visit(uint32_t token, const plan_node *node, bool redacted, bool hidden) {
    const uint8_t byte = tokens->first(token);
    if (byte == '"' && redacts_by_form && left == 0 && !hidden) { redacted = redacted || is_credential(token); }
    redacted = redacted && !hidden && byte != 'n';
    if (node && node->slot != no_slot) { take(token, node->slot); }
    uint32_t after = token + 1;
    if (token_text::opens(byte)) {
        const bool goes_on = node || (redacts_anywhere() && !hidden && !redacted);
        if (!goes_on) {
            after = skip(token);
        } else if (byte == '{') {
            after = visit_object(token, node, hidden || redacted);
        } else {
            after = visit_array(token, node, hidden || redacted);
        }
    }
    if (redacted) { hide(token, after); }
    return after;
}

uint32_t field_finder::visit_object(uint32_t token, const plan_node *node, bool hidden) {
    uint32_t at = token + 1;
    while (tokens->first(at) != '}') {
        const size_t mark = arena->mark();
        const std::string_view key = arena->resolve(tokens->inside(at));
        const plan_node *child = node ? node->child(key) : nullptr;
        const uint8_t rules = anywhere.of(key);
        arena->release(mark);
        const bool redacted = (child && child->redacted) || (left == 0 && rules & key_rules::redacted);
        const size_t leaves = (child && child->left) || rules & key_rules::left ? 1 : 0;
        if (child) { forget(child); }
        left += leaves;
        at = visit(at + 2, child, redacted, hidden);
        left -= leaves;
        if (tokens->first(at) == ',') { ++at; }
    }
    return at + 1;
}

uint32_t field_finder::visit_array(uint32_t token, const plan_node *node, bool hidden) {
    uint32_t at = token + 1;
    for (size_t index = 0; tokens->first(at) != ']'; ++index) {
        const plan_node *child = node ? node->element(index) : nullptr;
        at = visit(at, child, child && child->redacted, hidden);
        if (tokens->first(at) == ',') { ++at; }
    }
    return at + 1;
}

void field_finder::take(uint32_t token, size_t slot) {
    const uint8_t byte = tokens->first(token);
    std::string_view text;
    tributary_json_kind kind = TRIBUTARY_JSON_OTHER;
    if (byte == '"') {
        kind = TRIBUTARY_JSON_STRING;
        text = arena->resolve(tokens->inside(token));
    } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
        kind = TRIBUTARY_JSON_NUMBER;
        text = tokens->bytes(token);
    }
    fields[slot] = {kind, reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

void field_finder::hide(uint32_t token, uint32_t after) {
    const std::string_view last = tokens->bytes(after - 1);
    const size_t begin = tokens->starts[token];
    redactions.push_back({begin, tokens->starts[after - 1] + last.size() - begin});
}

}  // namespace tributary
