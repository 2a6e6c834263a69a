#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Strict JSON (RFC 8259) behind a C face: simdjson's DOM parser validates the whole text, its on-demand parser then
/// finds a fixed set of fields and the byte ranges to redact. One reader belongs to one thread at a time.
typedef struct tributary_json_reader tributary_json_reader;

/// What reading a text came to.
typedef enum {
    TRIBUTARY_JSON_OK = 0,
    /// Not JSON: grammar, UTF-8, or bytes after the value.
    TRIBUTARY_JSON_MALFORMED = 1,
    /// More than TRIBUTARY_JSON_MAX_DEPTH arrays and objects inside one another.
    TRIBUTARY_JSON_TOO_DEEP = 2,
    /// Valid JSON, but not an object.
    TRIBUTARY_JSON_NOT_OBJECT = 3,
    TRIBUTARY_JSON_NO_MEMORY = 4
} tributary_json_status;

enum { TRIBUTARY_JSON_MAX_DEPTH = 64 };

/// The kind of a field's value.
typedef enum {
    TRIBUTARY_JSON_ABSENT = 0,
    TRIBUTARY_JSON_STRING = 1,
    TRIBUTARY_JSON_NUMBER = 2,
    TRIBUTARY_JSON_OTHER = 3
} tributary_json_kind;

/// One wanted field of the text read last.
typedef struct {
    tributary_json_kind kind;
    /// A string's text with its escapes resolved (UTF-8, not terminated) or a number's digits as they were written.
    const uint8_t *text;
    size_t length;
} tributary_json_field;

/// A value's place in the text, from its first byte to its last.
typedef struct {
    size_t offset;
    size_t length;
} tributary_json_range;

/// Makes a reader that wants nothing yet; NULL when there is no memory.
tributary_json_reader *tributary_json_create(void);
void tributary_json_destroy(tributary_json_reader *reader);

/// Adds a wanted field by its path of object keys joined with dots; returns its index, counting from 0.
/// Where a key is repeated in one object, its last value counts, as in JavaScript, Python and Go.
size_t tributary_json_want(tributary_json_reader *reader, const char *path);

/// Adds values to redact: a path in which `*` stands for every key or element, or `**.key` for that key at any depth.
/// Every occurrence of a repeated key is found; `null` has nothing to hide and is left.
void tributary_json_redact(tributary_json_reader *reader, const char *path);

/// Validates `bytes` and finds fields and redactions. The results are valid until the next read.
tributary_json_status tributary_json_read(tributary_json_reader *reader, const uint8_t *bytes, size_t length);

/// A field found by the last successful read.
tributary_json_field tributary_json_get(const tributary_json_reader *reader, size_t index);

/// The ranges to redact of the last successful read: ascending, disjoint.
const tributary_json_range *tributary_json_redactions(const tributary_json_reader *reader, size_t *count);

#ifdef __cplusplus
}
#endif
