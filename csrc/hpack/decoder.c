#include "base/mem.h"
#include "hpack/hpack.h"
#include "hpack/huffman.h"
#include "hpack/integer.h"
#include "hpack/section.h"
#include "hpack/static_table.h"
#include "hpack/table.h"

/* RFC 7541 §4.2: an encoder needs two size updates at most, the smallest size and the final one. */
#define MAX_UPDATES 2

/* RFC 7541 §6, by the first octet. */
enum kind { KIND_INDEXED, KIND_INSERTED, KIND_UPDATE, KIND_NEVER_INDEXED, KIND_NOT_INDEXED };

/* What the next octet is. */
enum state {
    AT_REPRESENTATION,
    IN_INDEX, /* of any kind: the integer in the first octet goes on */
    AT_NAME,
    IN_NAME_LENGTH,
    IN_NAME,
    AT_VALUE,
    IN_VALUE_LENGTH,
    IN_VALUE
};

/* A string literal in progress. Its octets go straight to the section, but not committed there. */
typedef struct pending_string {
    uint8_t *data; /* NULL once it is longer than `room`: it is then decoded to be checked only */
    size_t size;
    size_t room;
    size_t left; /* encoded octets to come */
    bool is_huffman;
    hpack_huffman huffman;
} pending_string;

struct hpack_decoder {
    hpack_table table;
    size_t max_table;  /* what a size update may ask for */
    size_t update_due; /* the next block begins with a size update to this or less; or NO_UPDATE */

    enum state state;
    bool is_in_fields; /* of this block: no size update any more */
    unsigned updates;  /* of this block */

    /* The representation in progress. */
    enum kind kind;
    hpack_integer integer;
    pending_string string;
    bytes_slice name; /* data is NULL if it was not stored */
    hpack_token token;
};

#define NO_UPDATE SIZE_MAX

/* One call of hpack_decoder_decode. */
typedef struct input {
    const uint8_t *p;
    const uint8_t *end;
    bool is_last;
    const hpack_limits *limits;
    hpack_section *section;
} input;

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* What is left of `total` after `part`. */
static size_t rest_of(size_t total, size_t part) {
    return total > part ? total - part : 0;
}

/* ------------------------------------------------------------------------------- the object */

int hpack_decoder_new(hpack_decoder **out, size_t max_table_octets) {
    hpack_decoder *decoder = mem_alloc(sizeof(*decoder));
    if (!decoder)
        return HPACK_NOMEM;
    *decoder = (hpack_decoder){.update_due = NO_UPDATE};
    decoder->max_table = min_size(max_table_octets, HPACK_INTEGER_MAX);
    hpack_table_init(&decoder->table, min_size(decoder->max_table, HPACK_DEFAULT_TABLE_OCTETS));
    *out = decoder;
    return HPACK_OK;
}

void hpack_decoder_free(hpack_decoder *decoder) {
    if (!decoder)
        return;
    hpack_table_dispose(&decoder->table);
    mem_free(decoder);
}

void hpack_decoder_set_max_table(hpack_decoder *decoder, size_t octets) {
    decoder->max_table = min_size(octets, HPACK_INTEGER_MAX);
    if (decoder->max_table < decoder->table.max_octets)
        decoder->update_due = min_size(decoder->update_due, decoder->max_table);
}

size_t hpack_decoder_table_octets(const hpack_decoder *decoder) {
    return decoder->table.octets;
}

size_t hpack_decoder_memory(const hpack_decoder *decoder) {
    return sizeof(*decoder) + hpack_table_memory(&decoder->table);
}

/* ------------------------------------------------------------------------------ whole fields */

enum { ADMITTED = 0, DROPPED = 1 };

/* Charges a field of `octets`, names and values, to the section before anything is stored. */
static int admit(const input *in, size_t octets) {
    hpack_section *section = in->section;
    section->list_octets += octets + HPACK_FIELD_OVERHEAD;
    if (section->list_octets > in->limits->max_excess_octets)
        return HPACK_EXCESS;
    if (section->is_over_limit || section->list_octets > in->limits->max_list_octets ||
        section->count >= in->limits->max_fields)
        return DROPPED;
    return ADMITTED;
}

static int on_static_entry(const input *in, size_t index) {
    const hpack_static_entry *entry = &hpack_static_table[index];
    int outcome = admit(in, entry->name.size + entry->value.size);
    if (outcome != ADMITTED) {
        hpack_section_abandon(in->section);
        return outcome == DROPPED ? HPACK_OK : outcome;
    }
    hpack_field *field = hpack_section_next_field(in->section);
    if (!field)
        return HPACK_NOMEM;
    *field = (hpack_field){entry->name, entry->value, HPACK_STATIC_ENTRY, entry->token};
    in->section->count++;
    return HPACK_OK;
}

/* The name of an entry for a field that may outlive it: one of the static table, or a copy in the
 * section, committed. NULL data when memory is out. */
static bytes_slice lasting_name(const hpack_decoder *decoder, const hpack_entry *entry,
                                hpack_section *section) {
    if (entry->token)
        return hpack_static_table[entry->token].name;
    bytes_slice name = hpack_table_name(&decoder->table, entry);
    uint8_t *copy = hpack_section_reserve(section, name.size);
    if (copy) {
        memcpy(copy, name.data, name.size);
        hpack_section_commit(section, name.size);
    }
    return bytes_slice_of(copy, name.size);
}

static int on_dynamic_entry(const hpack_decoder *decoder, const input *in, size_t age) {
    if (age >= decoder->table.count)
        return HPACK_MALFORMED;
    const hpack_entry *entry = hpack_table_entry(&decoder->table, age);
    int outcome = admit(in, (size_t)entry->name_size + entry->value_size);
    if (outcome != ADMITTED) {
        hpack_section_abandon(in->section);
        return outcome == DROPPED ? HPACK_OK : outcome;
    }
    bytes_slice name = lasting_name(decoder, entry, in->section);
    bytes_slice value = hpack_table_value(&decoder->table, entry);
    uint8_t *copy = hpack_section_reserve(in->section, value.size);
    hpack_field *field = hpack_section_next_field(in->section);
    if (!name.data || !copy || !field)
        return HPACK_NOMEM;
    memcpy(copy, value.data, value.size);
    hpack_section_commit(in->section, value.size);
    *field = (hpack_field){name, bytes_slice_of(copy, value.size), 0, entry->token};
    in->section->count++;
    return HPACK_OK;
}

/* The index that begins a literal: its name. */
static int on_name_index(hpack_decoder *decoder, const input *in, size_t index) {
    decoder->state = AT_VALUE;
    if (index <= HPACK_STATIC_ENTRIES) {
        decoder->name = hpack_static_table[index].name;
        decoder->token = hpack_static_table[index].token;
        return HPACK_OK;
    }
    size_t age = index - HPACK_STATIC_ENTRIES - 1;
    if (age >= decoder->table.count)
        return HPACK_MALFORMED;
    const hpack_entry *entry = hpack_table_entry(&decoder->table, age);
    decoder->token = entry->token;
    decoder->name = lasting_name(decoder, entry, in->section);
    return decoder->name.data ? HPACK_OK : HPACK_NOMEM;
}

/* A literal whose strings have ended. The table takes it even if the section does not. */
static int on_literal(hpack_decoder *decoder, const input *in) {
    const pending_string *string = &decoder->string;
    bytes_slice value = bytes_slice_of(string->data, string->size);
    decoder->state = AT_REPRESENTATION;
    int outcome = admit(in, decoder->name.size + value.size);
    if (outcome < 0)
        return outcome;
    if (decoder->kind == KIND_INSERTED &&
        hpack_table_insert(&decoder->table, decoder->name, value, decoder->token) != HPACK_OK)
        return HPACK_NOMEM;
    if (outcome == DROPPED) {
        hpack_section_abandon(in->section);
        return HPACK_OK;
    }
    hpack_field *field = hpack_section_next_field(in->section);
    if (!field)
        return HPACK_NOMEM;
    hpack_section_commit(in->section, value.size);
    uint8_t flags = decoder->kind == KIND_NEVER_INDEXED ? HPACK_NEVER_INDEXED : 0;
    *field = (hpack_field){decoder->name, value, flags, decoder->token};
    in->section->count++;
    return HPACK_OK;
}

static int on_update(hpack_decoder *decoder, size_t octets) {
    decoder->state = AT_REPRESENTATION;
    if (++decoder->updates > MAX_UPDATES || octets > decoder->max_table)
        return HPACK_MALFORMED;
    if (octets > decoder->update_due)
        return HPACK_MALFORMED; /* RFC 9113 §4.3.1: not conformant to what was acknowledged */
    decoder->update_due = NO_UPDATE;
    hpack_table_resize(&decoder->table, octets);
    return HPACK_OK;
}

/* ------------------------------------------------------------------------- string literals */

static int on_string(hpack_decoder *decoder, const input *in) {
    pending_string *string = &decoder->string;
    if (decoder->state == IN_VALUE)
        return on_literal(decoder, in);
    decoder->state = AT_VALUE;
    decoder->name = bytes_slice_of(string->data, string->size);
    decoder->token = HPACK_TOKEN_NONE;
    if (string->data) {
        hpack_section_commit(in->section, string->size);
        decoder->token = hpack_token_of(decoder->name);
    }
    return HPACK_OK;
}

/* Decodes `n` octets of Huffman code into the room of the string, as many at once as surely fit:
 * the excess of HPACK_HUFFMAN_ROOM(1) over `room` lets one octet always do. */
static int read_huffman(pending_string *string, const uint8_t *p, size_t n) {
    while (n > 0) {
        uint8_t scratch[HPACK_HUFFMAN_ROOM(64)];
        uint8_t *out = scratch;
        size_t piece = min_size(n, 64);
        if (string->data) {
            out = string->data + string->size;
            piece = min_size(n, (string->room - string->size) * 5 / 8 + 1);
        }
        const uint8_t *end = hpack_huffman_decode(&string->huffman, p, piece, out);
        if (!end)
            return HPACK_MALFORMED;
        string->size += (size_t)(end - out);
        if (string->size > string->room)
            string->data = NULL;
        p += piece;
        n -= piece;
    }
    return HPACK_OK;
}

static int read_string(hpack_decoder *decoder, input *in) {
    pending_string *string = &decoder->string;
    size_t n = min_size(string->left, (size_t)(in->end - in->p));
    if (string->is_huffman) {
        if (read_huffman(string, in->p, n) != HPACK_OK)
            return HPACK_MALFORMED;
    } else {
        if (string->data)
            memcpy(string->data + string->size, in->p, n);
        string->size += n;
    }
    in->p += n;
    string->left -= n;
    if (string->left > 0)
        return HPACK_OK;
    if (string->is_huffman && !hpack_huffman_can_end(&string->huffman))
        return HPACK_MALFORMED;
    return on_string(decoder, in);
}

/* How long the string may become and still be of use: to the section, or else to the table. */
static size_t useful_octets(const hpack_decoder *decoder, const input *in, size_t name_size) {
    const hpack_section *section = in->section;
    size_t fixed = name_size + HPACK_FIELD_OVERHEAD;
    size_t useful = 0;
    if (!section->is_over_limit && section->count < in->limits->max_fields)
        useful = rest_of(in->limits->max_list_octets, section->list_octets + fixed);
    if (decoder->kind == KIND_INSERTED) {
        size_t in_table = rest_of(decoder->table.max_octets, fixed);
        useful = useful > in_table ? useful : in_table;
    }
    return useful;
}

/* The length of a string is known. It is held against the limits and, where the block's end is, the
 * block before memory is taken for it: a length is easily claimed. */
static int on_length(hpack_decoder *decoder, input *in) {
    pending_string *string = &decoder->string;
    size_t n = decoder->integer.value;
    size_t name_size = decoder->state == IN_VALUE ? decoder->name.size : 0;
    size_t least = string->is_huffman ? HPACK_HUFFMAN_LEAST(n) : n;
    if (in->section->list_octets + name_size + HPACK_FIELD_OVERHEAD + least >
        in->limits->max_excess_octets)
        return HPACK_EXCESS;
    if (in->is_last && n > (size_t)(in->end - in->p))
        return HPACK_MALFORMED;

    size_t useful = useful_octets(decoder, in, name_size);
    string->left = n;
    string->size = 0;
    string->room = min_size(string->is_huffman ? n * 8 / 5 : n, useful);
    string->data = NULL;
    string->huffman = (hpack_huffman){0};
    if (least <= useful) {
        size_t excess = string->is_huffman ? HPACK_HUFFMAN_ROOM(1) : 0;
        string->data = hpack_section_reserve(in->section, string->room + excess);
        if (!string->data)
            return HPACK_NOMEM;
    }
    return read_string(decoder, in);
}

/* --------------------------------------------------------------------- one step of the input */

static int on_index(hpack_decoder *decoder, input *in) {
    size_t index = decoder->integer.value;
    if (decoder->kind == KIND_UPDATE)
        return on_update(decoder, index);
    if (decoder->kind != KIND_INDEXED) {
        if (index > 0)
            return on_name_index(decoder, in, index);
        decoder->state = AT_NAME;
        return HPACK_OK;
    }
    decoder->state = AT_REPRESENTATION;
    if (index == 0)
        return HPACK_MALFORMED; /* RFC 7541 §6.1 */
    if (index <= HPACK_STATIC_ENTRIES)
        return on_static_entry(in, index);
    return on_dynamic_entry(decoder, in, index - HPACK_STATIC_ENTRIES - 1);
}

/* Whether a representation other than a size update may come; there is none later in the block. */
static bool enter_fields(hpack_decoder *decoder) {
    decoder->is_in_fields = true;
    return decoder->update_due == NO_UPDATE;
}

static int read_first_octet(hpack_decoder *decoder, input *in) {
    uint8_t octet = *in->p++;
    unsigned prefix_bits;
    if (octet & 0x80) {
        decoder->kind = KIND_INDEXED;
        prefix_bits = 7;
    } else if (octet & 0x40) {
        decoder->kind = KIND_INSERTED;
        prefix_bits = 6;
    } else if (octet & 0x20) {
        decoder->kind = KIND_UPDATE;
        prefix_bits = 5;
    } else {
        decoder->kind = octet & 0x10 ? KIND_NEVER_INDEXED : KIND_NOT_INDEXED;
        prefix_bits = 4;
    }
    if (decoder->kind == KIND_UPDATE ? decoder->is_in_fields : !enter_fields(decoder))
        return HPACK_MALFORMED;
    if (hpack_integer_begin(&decoder->integer, octet, prefix_bits))
        return on_index(decoder, in);
    decoder->state = IN_INDEX;
    return HPACK_OK;
}

/* The first octet of a string literal (RFC 7541 §5.2); `state` is that of the string, and the one
 * before it that of a length which goes on. */
static int read_string_head(hpack_decoder *decoder, input *in, enum state state) {
    uint8_t octet = *in->p++;
    decoder->string.is_huffman = octet & 0x80;
    if (hpack_integer_begin(&decoder->integer, octet, 7)) {
        decoder->state = state;
        return on_length(decoder, in);
    }
    decoder->state = state - 1;
    return HPACK_OK;
}

static int read_length(hpack_decoder *decoder, input *in) {
    int outcome = hpack_integer_continue(&decoder->integer, &in->p, in->end);
    if (outcome != HPACK_OK)
        return outcome == HPACK_INTEGER_MORE ? HPACK_OK : outcome;
    decoder->state++;
    return on_length(decoder, in);
}

static int read_index(hpack_decoder *decoder, input *in) {
    int outcome = hpack_integer_continue(&decoder->integer, &in->p, in->end);
    if (outcome != HPACK_OK)
        return outcome == HPACK_INTEGER_MORE ? HPACK_OK : outcome;
    return on_index(decoder, in);
}

static int read_more(hpack_decoder *decoder, input *in) {
    switch (decoder->state) {
    case AT_REPRESENTATION:
        return read_first_octet(decoder, in);
    case IN_INDEX:
        return read_index(decoder, in);
    case AT_NAME:
        return read_string_head(decoder, in, IN_NAME);
    case AT_VALUE:
        return read_string_head(decoder, in, IN_VALUE);
    case IN_NAME_LENGTH:
    case IN_VALUE_LENGTH:
        return read_length(decoder, in);
    default:
        return read_string(decoder, in);
    }
}

static int end_block(hpack_decoder *decoder) {
    if (decoder->state != AT_REPRESENTATION || decoder->update_due != NO_UPDATE)
        return HPACK_MALFORMED;
    decoder->is_in_fields = false;
    decoder->updates = 0;
    return HPACK_OK;
}

int hpack_decoder_decode(hpack_decoder *decoder, bytes_slice data, bool is_last,
                         const hpack_limits *limits, hpack_section *section) {
    input in = {data.data, data.data, is_last, limits, section};
    if (data.size > 0)
        in.end += data.size;
    while (in.p < in.end) {
        int outcome = read_more(decoder, &in);
        if (outcome != HPACK_OK)
            return outcome;
    }
    return is_last ? end_block(decoder) : HPACK_OK;
}
