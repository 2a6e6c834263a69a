#define SIMDJSON_EXCEPTIONS 0
#include <cstring>
#include <new>

#include "credentials.hpp"
#include "reader.hpp"

tributary_json_reader *tributary_json_create(void) {
    return new (std::nothrow) tributary_json_reader();
}

void tributary_json_destroy(tributary_json_reader *reader) {
    delete reader;
}

size_t tributary_json_want(tributary_json_reader *reader, const char *path) {
    auto &finder = reader->finder;
    auto *node = finder.root.grow(path);
    if (node->slot == tributary::no_slot) {
        node->slot = finder.fields.size();
        finder.fields.push_back({TRIBUTARY_JSON_ABSENT, nullptr, 0});
    }
    reader->wanted_slots.push_back(node->slot);
    reader->is_settled = false;
    return reader->wanted_slots.size() - 1;
}

void tributary_json_redact(tributary_json_reader *reader, const char *path) {
    if (std::strncmp(path, "**.", 3) == 0) {
        reader->finder.anywhere.insert(path + 3, tributary::key_rules::redacted);
    } else {
        reader->finder.root.grow(path)->redacted = true;
    }
    reader->is_settled = false;
}

void tributary_json_redact_credentials(tributary_json_reader *reader) {
    reader->finder.redacts_by_form = true;
}

int tributary_json_is_credential(const char *text, size_t length) {
    const std::string_view view(text, length);
    return length >= tributary::shortest_credential && tributary::is_credential(view) ? 1 : 0;
}

void tributary_json_leave(tributary_json_reader *reader, const char *path) {
    if (std::strncmp(path, "**.", 3) == 0) {
        reader->finder.anywhere.insert(path + 3, tributary::key_rules::left);
    } else {
        reader->finder.root.grow(path)->left = true;
    }
    reader->is_settled = false;
}

tributary_json_status tributary_json_read(tributary_json_reader *reader, const uint8_t *bytes, size_t length) {
    return reader->read(bytes, length, true);
}

tributary_json_status tributary_json_read_value(tributary_json_reader *reader, const uint8_t *bytes, size_t length) {
    return reader->read(bytes, length, false);
}

tributary_json_status tributary_json_read_elements(
    tributary_json_reader *reader, const uint8_t *bytes, size_t length, const char *pointer, size_t *count) {
    return reader->read_elements(bytes, length, pointer, count);
}

int tributary_json_is_array(const tributary_json_reader *reader) {
    return reader->is_array() ? 1 : 0;
}

tributary_json_status tributary_json_select(tributary_json_reader *reader, size_t index) {
    return reader->select(index);
}

tributary_json_range tributary_json_selected(const tributary_json_reader *reader) {
    return reader->selected();
}

const uint8_t *tributary_json_canonical(tributary_json_reader *reader, int exact, size_t *length) {
    const auto &text = reader->canonical(exact != 0);
    *length = text.size();
    return reinterpret_cast<const uint8_t *>(text.data());
}

tributary_json_field tributary_json_get(const tributary_json_reader *reader, size_t index) {
    if (index >= reader->wanted_slots.size()) { return {TRIBUTARY_JSON_ABSENT, nullptr, 0}; }
    return reader->finder.fields[reader->wanted_slots[index]];
}

const tributary_json_range *tributary_json_redactions(const tributary_json_reader *reader, size_t *count) {
    *count = reader->finder.redactions.size();
    return reader->finder.redactions.data();
}
