#pragma once
#include <simdjson.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "CSimdJSON.h"
#include "canonical.hpp"
#include "finder.hpp"

/// The state behind the C face: the padded copy of the text, simdjson's parser over it, and what was found.
struct tributary_json_reader {
    tributary::field_finder finder;
    /// The plan's slot of each wanted field.
    std::vector<size_t> wanted_slots;
    bool is_settled = false;

    tributary_json_status read(const uint8_t *bytes, size_t length, bool must_be_object);
    tributary_json_status read_elements(const uint8_t *bytes, size_t length, const char *pointer, size_t *count);
    tributary_json_status select(size_t index);
    tributary_json_range selected() const;
    const std::string &canonical(bool exact);
    bool is_array() const { return elements_in_array; }

private:
    struct free_bytes {
        void operator()(uint8_t *bytes) const { std::free(bytes); }
    };

    std::unique_ptr<uint8_t, free_bytes> padded;
    size_t capacity = 0;
    /// Whether numbers in `padded` are overwritten.
    bool altered = false;
    std::unique_ptr<simdjson::dom::parser> validator;

    tributary::token_text tokens;
    tributary::bracket_pairs pairs;
    tributary::string_arena arena;
    tributary::canonical_writer writer;
    std::vector<uint32_t> elements;
    bool elements_in_array = false;
    uint32_t selected_token = 0;

    bool reserve(size_t length);
    void fill(const uint8_t *bytes, size_t length);
    simdjson::error_code parse(size_t length);
    simdjson::error_code parse_deep(size_t length, size_t &deepest);
    tributary_json_status validate(const uint8_t *bytes, size_t length);
    bool resolve(const char *pointer, uint32_t &token);
};
