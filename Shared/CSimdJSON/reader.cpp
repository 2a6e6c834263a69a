#define SIMDJSON_EXCEPTIONS 0
#include "CSimdJSON.h"

#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "plan.hpp"
#include "scan.hpp"

using namespace simdjson;
using tributary::plan_node;

namespace {

/// Buffers and parsers grown beyond this for one large text are given back before the next.
constexpr size_t kept_bytes = 256 * 1024;
constexpr size_t first_bytes = 16 * 1024;

struct free_bytes {
    void operator()(uint8_t *bytes) const { std::free(bytes); }
};

}  // namespace

struct tributary_json_reader {
    plan_node root;
    std::vector<std::string> redacted_anywhere;
    std::vector<tributary_json_field> fields;
    std::vector<tributary_json_range> redactions;

    std::unique_ptr<uint8_t, free_bytes> padded;
    size_t capacity = 0;
    bool altered = false;
    std::unique_ptr<dom::parser> validator;
    std::unique_ptr<ondemand::parser> finder;

    tributary_json_status read(const uint8_t *bytes, size_t length);

private:
    bool reserve(size_t length);
    error_code parse(size_t length, bool &is_object);
    tributary_json_status validate(const uint8_t *bytes, size_t length);
    void fill(const uint8_t *bytes, size_t length);
    error_code visit_object(ondemand::object object, const plan_node *node);
    error_code visit_array(ondemand::array array, const plan_node *node);
    error_code visit(ondemand::value value, const plan_node *node, bool redacted);
    error_code take(ondemand::value &value, ondemand::json_type type, size_t slot);
    error_code hide(ondemand::value &value, ondemand::json_type type);
    void forget(const plan_node *node);
    bool is_redacted_anywhere(std::string_view key) const;
};

/// Makes buffer and parsers fit for `length` bytes; they only grow, except after a large text.
bool tributary_json_reader::reserve(size_t length) {
    const bool oversized = capacity > kept_bytes && length <= kept_bytes;
    if (padded && length <= capacity && !oversized) { return true; }
    size_t wanted = first_bytes;
    while (wanted < length) { wanted *= 2; }
    padded.reset(static_cast<uint8_t *>(std::malloc(wanted + SIMDJSON_PADDING)));
    validator.reset(new (std::nothrow) dom::parser());
    finder.reset(new (std::nothrow) ondemand::parser());
    capacity = 0;
    if (!padded || !validator || !finder) { return false; }
    if (validator->allocate(wanted, TRIBUTARY_JSON_MAX_DEPTH) != SUCCESS) { return false; }
    if (finder->allocate(wanted) != SUCCESS) { return false; }
    capacity = wanted;
    return true;
}

void tributary_json_reader::fill(const uint8_t *bytes, size_t length) {
    if (length > 0) { std::memcpy(padded.get(), bytes, length); }
    std::memset(padded.get() + length, ' ', SIMDJSON_PADDING);
    altered = false;
}

error_code tributary_json_reader::parse(size_t length, bool &is_object) {
    dom::element element;
    auto error = validator->parse(padded.get(), length, false).get(element);
    if (error == NUMBER_ERROR) {
        tributary::neutralise_numbers(padded.get(), length);
        altered = true;
        error = validator->parse(padded.get(), length, false).get(element);
    }
    if (!error) { is_object = element.is_object(); }
    return error;
}

/// Validates what `fill` left in the buffer, and leaves the original text there.
tributary_json_status tributary_json_reader::validate(const uint8_t *bytes, size_t length) {
    bool is_object = false;
    auto error = parse(length, is_object);
    if (error == DEPTH_ERROR) {
        // simdjson counts an empty innermost container as no level: at the limit the exact depth decides.
        if (tributary::depth(padded.get(), length) > TRIBUTARY_JSON_MAX_DEPTH) { return TRIBUTARY_JSON_TOO_DEEP; }
        error = validator->allocate(capacity, TRIBUTARY_JSON_MAX_DEPTH + 1);
        if (!error) { error = parse(length, is_object); }
        if (validator->allocate(capacity, TRIBUTARY_JSON_MAX_DEPTH) != SUCCESS) { error = MEMALLOC; }
    }
    if (error == MEMALLOC) { return TRIBUTARY_JSON_NO_MEMORY; }
    if (error) { return TRIBUTARY_JSON_MALFORMED; }
    if (altered) { fill(bytes, length); }
    return is_object ? TRIBUTARY_JSON_OK : TRIBUTARY_JSON_NOT_OBJECT;
}

tributary_json_status tributary_json_reader::read(const uint8_t *bytes, size_t length) {
    for (auto &field : fields) { field = {TRIBUTARY_JSON_ABSENT, nullptr, 0}; }
    redactions.clear();
    if (!reserve(length)) { return TRIBUTARY_JSON_NO_MEMORY; }
    fill(bytes, length);
    const auto status = validate(bytes, length);
    if (status != TRIBUTARY_JSON_OK) { return status; }

    ondemand::document document;
    ondemand::object object;
    auto error = finder->iterate(padded.get(), length, capacity + SIMDJSON_PADDING).get(document);
    if (!error) { error = document.get_object().get(object); }
    if (!error) { error = visit_object(object, &root); }
    return error ? TRIBUTARY_JSON_MALFORMED : TRIBUTARY_JSON_OK;
}

bool tributary_json_reader::is_redacted_anywhere(std::string_view key) const {
    for (const auto &candidate : redacted_anywhere) {
        if (key == candidate) { return true; }
    }
    return false;
}

/// Forgets what an earlier occurrence of a repeated key gave.
void tributary_json_reader::forget(const plan_node *node) {
    if (node->slot != tributary::no_slot) { fields[node->slot] = {TRIBUTARY_JSON_ABSENT, nullptr, 0}; }
    for (const auto &child : node->children) { forget(child.get()); }
}

error_code tributary_json_reader::visit_object(ondemand::object object, const plan_node *node) {
    for (auto entry : object) {
        ondemand::field field;
        if (auto error = std::move(entry).get(field)) { return error; }
        std::string_view key;
        if (auto error = field.unescaped_key().get(key)) { return error; }
        const plan_node *child = node ? node->child(key) : nullptr;
        const bool redacted = (child && child->redacted) || is_redacted_anywhere(key);
        if (!child && !redacted && redacted_anywhere.empty()) { continue; }
        if (child) { forget(child); }
        if (auto error = visit(field.value(), child, redacted)) { return error; }
    }
    return SUCCESS;
}

error_code tributary_json_reader::visit_array(ondemand::array array, const plan_node *node) {
    const plan_node *child = node ? node->wildcard.get() : nullptr;
    for (auto entry : array) {
        ondemand::value value;
        if (auto error = std::move(entry).get(value)) { return error; }
        if (auto error = visit(value, child, child && child->redacted)) { return error; }
    }
    return SUCCESS;
}

error_code tributary_json_reader::visit(ondemand::value value, const plan_node *node, bool redacted) {
    ondemand::json_type type;
    if (auto error = value.type().get(type)) { return error; }
    if (redacted) { return hide(value, type); }
    if (node && node->slot != tributary::no_slot) { return take(value, type, node->slot); }
    const bool interesting = node || !redacted_anywhere.empty();
    if (interesting && type == ondemand::json_type::object) {
        ondemand::object object;
        if (auto error = value.get_object().get(object)) { return error; }
        return visit_object(object, node);
    }
    if (interesting && type == ondemand::json_type::array) {
        ondemand::array array;
        if (auto error = value.get_array().get(array)) { return error; }
        return visit_array(array, node);
    }
    return SUCCESS;
}

/// simdjson's raw tokens run up to the next token; the spaces between do not belong to the value.
static std::string_view trimmed(std::string_view token) {
    const size_t last = token.find_last_not_of(" \t\r\n");
    return token.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

error_code tributary_json_reader::take(ondemand::value &value, ondemand::json_type type, size_t slot) {
    std::string_view text;
    tributary_json_kind kind = TRIBUTARY_JSON_OTHER;
    if (type == ondemand::json_type::string) {
        kind = TRIBUTARY_JSON_STRING;
        if (auto error = value.get_string().get(text)) { return error; }
    } else if (type == ondemand::json_type::number) {
        kind = TRIBUTARY_JSON_NUMBER;
        text = trimmed(value.raw_json_token());
    }
    fields[slot] = {kind, reinterpret_cast<const uint8_t *>(text.data()), text.size()};
    return SUCCESS;
}

error_code tributary_json_reader::hide(ondemand::value &value, ondemand::json_type type) {
    std::string_view token;
    if (type == ondemand::json_type::null) { return SUCCESS; }
    if (type == ondemand::json_type::object) {
        ondemand::object object;
        if (auto error = value.get_object().get(object)) { return error; }
        if (auto error = object.raw_json().get(token)) { return error; }
    } else if (type == ondemand::json_type::array) {
        ondemand::array array;
        if (auto error = value.get_array().get(array)) { return error; }
        if (auto error = array.raw_json().get(token)) { return error; }
    } else {
        token = value.raw_json_token();
    }
    token = trimmed(token);
    const auto *begin = reinterpret_cast<const uint8_t *>(token.data());
    redactions.push_back({static_cast<size_t>(begin - padded.get()), token.size()});
    return SUCCESS;
}

tributary_json_reader *tributary_json_create(void) {
    return new (std::nothrow) tributary_json_reader();
}

void tributary_json_destroy(tributary_json_reader *reader) {
    delete reader;
}

size_t tributary_json_want(tributary_json_reader *reader, const char *path) {
    const size_t slot = reader->fields.size();
    reader->fields.push_back({TRIBUTARY_JSON_ABSENT, nullptr, 0});
    reader->root.grow(path)->slot = slot;
    return slot;
}

void tributary_json_redact(tributary_json_reader *reader, const char *path) {
    if (std::strncmp(path, "**.", 3) == 0) {
        reader->redacted_anywhere.emplace_back(path + 3);
    } else {
        reader->root.grow(path)->redacted = true;
    }
}

tributary_json_status tributary_json_read(tributary_json_reader *reader, const uint8_t *bytes, size_t length) {
    return reader->read(bytes, length);
}

tributary_json_field tributary_json_get(const tributary_json_reader *reader, size_t index) {
    if (index >= reader->fields.size()) { return {TRIBUTARY_JSON_ABSENT, nullptr, 0}; }
    return reader->fields[index];
}

const tributary_json_range *tributary_json_redactions(const tributary_json_reader *reader, size_t *count) {
    *count = reader->redactions.size();
    return reader->redactions.data();
}
