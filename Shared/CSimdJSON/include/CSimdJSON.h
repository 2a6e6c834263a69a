#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Strict JSON (RFC 8259) behind a C face: simdjson validates the whole text once; a fixed set of fields, the byte ranges
/// to redact, the elements of a batch and the canonical form (RFC 8785) are then found through its index of tokens,
/// without reading the text again. One reader belongs to one thread at a time.
typedef struct tributary_json_reader tributary_json_reader;

/// What reading a text came to.
typedef enum {
    TRIBUTARY_JSON_OK = 0,
    /// Not JSON: grammar, UTF-8, or bytes after the value. Also said of what is both not JSON and too deep.
    TRIBUTARY_JSON_MALFORMED = 1,
    /// Valid JSON with more than TRIBUTARY_JSON_MAX_DEPTH arrays and objects inside one another.
    TRIBUTARY_JSON_TOO_DEEP = 2,
    /// Valid JSON, but not an object.
    TRIBUTARY_JSON_NOT_OBJECT = 3,
    TRIBUTARY_JSON_NO_MEMORY = 4,
    /// Valid JSON, but what the pointer leads to is neither an array nor an object.
    TRIBUTARY_JSON_NOT_ARRAY = 5
} tributary_json_status;

enum { TRIBUTARY_JSON_MAX_DEPTH = 64 };

/// The kind of a field's value.
typedef enum {
    TRIBUTARY_JSON_ABSENT = 0,
    TRIBUTARY_JSON_STRING = 1,
    TRIBUTARY_JSON_NUMBER = 2,
    TRIBUTARY_JSON_OTHER = 3
} tributary_json_kind;

/// One wanted field of the text or element read last.
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

/// Adds a wanted field and returns its index, counting from 0: a JSON Pointer (RFC 6901) where `path` begins with a
/// slash, otherwise object keys joined with dots. Where a key is repeated in one object, its last value counts, as in
/// JavaScript, Python and Go.
size_t tributary_json_want(tributary_json_reader *reader, const char *path);

/// Adds values to redact: a JSON Pointer, a path of keys in which `*` stands for every key or element, or `**.key` for
/// that key at any depth. Every occurrence of a repeated key is found; `null` has nothing to hide and is left.
void tributary_json_redact(tributary_json_reader *reader, const char *path);

/// Redacts every string, too, that is a credential by its form (`credentials.hpp`): JSON Web Tokens and URLs that carry a
/// password, a token or a stream key.
void tributary_json_redact_credentials(tributary_json_reader *reader);

/// Whether a text (UTF-8, not terminated) is one of these.
int tributary_json_is_credential(const char *text, size_t length);

/// Adds a path or `**.key`, as above, whose values, and all that lies in them, neither a `**.key` nor their form redacts.
void tributary_json_leave(tributary_json_reader *reader, const char *path);

/// Validates `bytes`, which must be an object, and finds fields and redactions. The results of all functions are valid
/// until the next read or select.
tributary_json_status tributary_json_read(tributary_json_reader *reader, const uint8_t *bytes, size_t length);

/// The same for a text that may be any JSON value.
tributary_json_status tributary_json_read_value(tributary_json_reader *reader, const uint8_t *bytes, size_t length);

/// Validates `bytes` and counts the elements of the array that `pointer` leads to (NULL: the text itself); an object there
/// counts as one element. Fields are found by `select`, which takes time for its element alone.
tributary_json_status tributary_json_read_elements(
    tributary_json_reader *reader, const uint8_t *bytes, size_t length, const char *pointer, size_t *count);

/// Whether the elements read last lie in an array.
int tributary_json_is_array(const tributary_json_reader *reader);

/// Finds fields and redactions in one element. TRIBUTARY_JSON_NOT_OBJECT where it is none: nothing is found in it then,
/// but its place and canonical form can be had.
tributary_json_status tributary_json_select(tributary_json_reader *reader, size_t index);

/// The place of the element selected last, or of the whole value.
tributary_json_range tributary_json_selected(const tributary_json_reader *reader);

/// The canonical form (RFC 8785) of the element selected last, or of the whole value. `exact`: numbers keep their value
/// where the RFC takes the double nearest to them.
const uint8_t *tributary_json_canonical(tributary_json_reader *reader, int exact, size_t *length);

/// A field found by the last successful read or select.
tributary_json_field tributary_json_get(const tributary_json_reader *reader, size_t index);

/// The ranges to redact of the last successful read or select: ascending, disjoint, offsets into the whole text.
const tributary_json_range *tributary_json_redactions(const tributary_json_reader *reader, size_t *count);

#ifdef __cplusplus
}
#endif
