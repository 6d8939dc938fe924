/* Requests from a hostile client, cut in any way: the outcome never depends on the cuts, nothing
 * follows a fault, and memory is bounded by the limits.
 *
 * The input is one octet, the size of the pieces, and then the octets of a connection. */
#include "base/mem.h"
#include "h1/h1.h"

#include <stdlib.h>

#define CHECK(is_so)                                                                               \
    do {                                                                                           \
        if (!(is_so))                                                                              \
            abort();                                                                               \
    } while (0)

/* What an outcome is compared for: a sum over all events that no cut can change. */
typedef struct outcome {
    uint64_t sum, body_octets;
    bool is_over;
} outcome;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(outcome *o, bytes_slice slice) {
    for (size_t i = 0; i < slice.size; i++)
        o->sum = o->sum * 31 + slice.data[i] + 1;
    o->sum = o->sum * 31 + 257;
}

static void add_fields(outcome *o, const h1_field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        CHECK(h1_is_token(fields[i].name));
        add(o, fields[i].name);
        add(o, fields[i].value);
    }
}

static void note(outcome *o, h1_parser *parser, const h1_event *event) {
    CHECK(!o->is_over);
    switch (event->kind) {
    case H1_EV_HEAD:
        add(o, event->head.method);
        add(o, event->head.authority);
        add(o, event->head.path);
        add_fields(o, event->head.fields, event->head.count);
        if (event->head.is_connect)
            h1_parser_tunnel(parser);
        break;
    case H1_EV_DATA:
        o->body_octets += event->data.size;
        break;
    case H1_EV_END:
        add_fields(o, event->end.fields, event->end.count);
        break;
    default:
        o->is_over = true;
        CHECK(event->fault.status >= 400 && event->fault.text != NULL);
    }
}

static outcome read_all(const uint8_t *data, size_t size, size_t step) {
    outcome o = {0};
    h1_limits limits = {.max_head_octets = 2000, .max_fields = 20, .max_chunk_octets = 30};
    h1_parser *parser;
    CHECK(h1_parser_new(&parser, &limits) == 0);
    for (size_t at = 0; at < size; at += step) {
        h1_event event;
        h1_parser_feed(parser, data + at, size - at < step ? size - at : step);
        do {
            CHECK(h1_parser_next(parser, &event) == 0);
            if (event.kind != H1_EV_NONE)
                note(&o, parser, &event);
        } while (event.kind != H1_EV_NONE);
        CHECK(h1_parser_rest(parser).size == 0 || o.is_over);
    }
    h1_parser_free(parser);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    size_t step = 1 + data[0] % 64;
    outcome whole = read_all(data + 1, size - 1, size);
    outcome cut = read_all(data + 1, size - 1, step);
    CHECK(whole.is_over == cut.is_over);
    if (!whole.is_over) {
        CHECK(whole.sum == cut.sum);
        CHECK(whole.body_octets == cut.body_octets);
    }
    CHECK(mem_blocks() == 0);
    return 0;
}
