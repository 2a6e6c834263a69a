#define SIMDJSON_EXCEPTIONS 0
#include "reader.hpp"

#include <cstring>
#include <new>

#include "pointer.hpp"
#include "scan.hpp"

using simdjson::error_code;

namespace {

/// Buffers and parsers grown beyond this for one large text are given back before the next.
constexpr size_t kept_bytes = 256 * 1024;
constexpr size_t first_bytes = 16 * 1024;

}  // namespace

/// Makes buffers and parser fit for `length` bytes; they only grow, except after a large text.
bool tributary_json_reader::reserve(size_t length) {
    const bool oversized = capacity > kept_bytes && length <= kept_bytes;
    if (padded && length <= capacity && !oversized) { return true; }
    // The index of tokens counts in 32 bits.
    if (length > simdjson::SIMDJSON_MAXSIZE_BYTES) { return false; }
    size_t wanted = first_bytes;
    while (wanted < length) { wanted *= 2; }
    capacity = 0;
    padded.reset(static_cast<uint8_t *>(std::malloc(wanted + simdjson::SIMDJSON_PADDING)));
    validator.reset(new (std::nothrow) simdjson::dom::parser());
    pairs.give_back();
    writer.give_back();
    std::vector<uint32_t>().swap(elements);
    std::vector<tributary_json_range>().swap(finder.redactions);
    if (!padded || !validator) { return false; }
    // Twice: once for fields and keys, which lie apart in the text, once for a value being written canonically.
    if (!arena.reserve(2 * wanted)) { return false; }
    if (validator->allocate(wanted, TRIBUTARY_JSON_MAX_DEPTH) != simdjson::SUCCESS) { return false; }
    capacity = wanted;
    return true;
}

void tributary_json_reader::fill(const uint8_t *bytes, size_t length) {
    if (length > 0) { std::memcpy(padded.get(), bytes, length); }
    std::memset(padded.get() + length, ' ', simdjson::SIMDJSON_PADDING);
    altered = false;
}

error_code tributary_json_reader::parse(size_t length) {
    simdjson::dom::element element;
    auto error = validator->parse(padded.get(), length, false).get(element);
    if (error == simdjson::NUMBER_ERROR && !altered) {
        tributary::neutralise_numbers(padded.get(), length);
        altered = true;
        error = validator->parse(padded.get(), length, false).get(element);
    }
    return error;
}

/// Parses a text that simdjson found too deep, with room for all its levels, and says how many there are. What is not
/// JSON is thus told from what is only deep. The room, 9 bytes a level, is given back.
error_code tributary_json_reader::parse_deep(size_t length, size_t &deepest) {
    const auto nesting = tributary::nesting_of(padded.get(), length);
    deepest = nesting.deepest;
    if (!nesting.is_closed) { return simdjson::TAPE_ERROR; }
    auto error = validator->allocate(capacity, deepest + 1);
    if (!error) { error = parse(length); }
    // A valid text within the limit keeps its index of tokens, which does not depend on the depth.
    if (validator->allocate(capacity, TRIBUTARY_JSON_MAX_DEPTH) != simdjson::SUCCESS) { error = simdjson::MEMALLOC; }
    return error;
}

/// Validates the text and leaves it, unaltered, in the buffer with its tokens.
tributary_json_status tributary_json_reader::validate(const uint8_t *bytes, size_t length) {
    finder.clear();
    pairs.clear();
    arena.clear();
    elements.clear();
    selected_token = 0;
    tokens = {};
    if (!is_settled) { finder.root.settle(); }
    is_settled = true;
    if (!reserve(length)) { return TRIBUTARY_JSON_NO_MEMORY; }
    fill(bytes, length);
    auto error = parse(length);
    size_t deepest = 0;
    if (error == simdjson::DEPTH_ERROR) { error = parse_deep(length, deepest); }
    if (error == simdjson::MEMALLOC) { return TRIBUTARY_JSON_NO_MEMORY; }
    if (error) { return TRIBUTARY_JSON_MALFORMED; }
    if (deepest > TRIBUTARY_JSON_MAX_DEPTH) { return TRIBUTARY_JSON_TOO_DEEP; }
    if (altered) { fill(bytes, length); }
    const auto &index = *validator->implementation;
    tokens = {padded.get(), index.structural_indexes.get(), index.n_structural_indexes};
    return TRIBUTARY_JSON_OK;
}

tributary_json_status tributary_json_reader::read(const uint8_t *bytes, size_t length, bool must_be_object) {
    const auto status = validate(bytes, length);
    if (status != TRIBUTARY_JSON_OK) { return status; }
    if (must_be_object && tokens.first(0) != '{') { return TRIBUTARY_JSON_NOT_OBJECT; }
    finder.find(tokens, nullptr, arena, 0);
    return TRIBUTARY_JSON_OK;
}

/// The token that `pointer` leads to; false where it leads nowhere.
bool tributary_json_reader::resolve(const char *pointer, uint32_t &token) {
    token = 0;
    for (tributary::pointer_steps steps(pointer); steps.next();) {
        const uint8_t opening = tokens.first(token);
        if (!tributary::token_text::opens(opening)) { return false; }
        const uint8_t closing = opening == '{' ? '}' : ']';
        uint32_t found = 0;
        size_t index = 0;
        for (uint32_t at = token + 1; tokens.first(at) != closing; ++index) {
            if (opening == '{') {
                if (arena.resolve(tokens.inside(at)) == steps.key) { found = at + 2; }
                arena.clear();
                at += 2;
            } else if (index == steps.index) {
                found = at;
                break;
            }
            at = pairs.after(tokens, at);
            if (tokens.first(at) == ',') { ++at; }
        }
        if (found == 0) { return false; }
        token = found;
    }
    return true;
}

tributary_json_status tributary_json_reader::read_elements(
    const uint8_t *bytes, size_t length, const char *pointer, size_t *count) {
    *count = 0;
    const auto status = validate(bytes, length);
    if (status != TRIBUTARY_JSON_OK) { return status; }
    pairs.build(tokens);
    uint32_t token = 0;
    if (!resolve(pointer ? pointer : "", token)) { return TRIBUTARY_JSON_NOT_ARRAY; }
    const uint8_t opening = tokens.first(token);
    elements_in_array = opening == '[';
    if (elements_in_array) {
        for (uint32_t at = token + 1; tokens.first(at) != ']';) {
            elements.push_back(at);
            at = pairs.after(tokens, at);
            if (tokens.first(at) == ',') { ++at; }
        }
    } else if (opening == '{') {
        elements.push_back(token);
    } else {
        return TRIBUTARY_JSON_NOT_ARRAY;
    }
    *count = elements.size();
    return TRIBUTARY_JSON_OK;
}

tributary_json_status tributary_json_reader::select(size_t index) {
    finder.clear();
    arena.clear();
    if (index >= elements.size()) { return TRIBUTARY_JSON_NOT_OBJECT; }
    selected_token = elements[index];
    if (tokens.first(selected_token) != '{') { return TRIBUTARY_JSON_NOT_OBJECT; }
    finder.find(tokens, &pairs, arena, selected_token);
    return TRIBUTARY_JSON_OK;
}

tributary_json_range tributary_json_reader::selected() const {
    if (tokens.count == 0) { return {0, 0}; }
    const uint32_t token = selected_token;
    uint32_t last = token;
    if (tributary::token_text::opens(tokens.first(token))) {
        last = pairs.is_built() ? pairs.after(tokens, token) - 1 : tokens.count - 1;
    }
    const size_t begin = tokens.starts[token];
    return {begin, tokens.starts[last] + tokens.bytes(last).size() - begin};
}

const std::string &tributary_json_reader::canonical(bool exact) {
    pairs.build(tokens);
    return writer.write(tokens, pairs, arena, selected_token, exact);
}
