#include "h1/support/reading.h"

#include <stdio.h>

typedef struct reading {
    bytes_buffer *trace;
    bool is_in_data; /* pieces of a body are told as one */
} reading;

static int put_slice(reading *r, bytes_slice slice) {
    return slice.size > 0 ? bytes_buffer_append(r->trace, slice.data, slice.size) : 0;
}

static int put(reading *r, const char *text) {
    return bytes_buffer_append(r->trace, text, strlen(text));
}

static int put_fields(reading *r, const h1_field *fields, size_t count) {
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        result |= put(r, " ");
        result |= put_slice(r, fields[i].name);
        result |= put(r, "=");
        result |= put_slice(r, fields[i].value);
    }
    return result;
}

static int put_head(reading *r, const h1_event *event) {
    int result = put_slice(r, event->head.method);
    result |= put(r, " ");
    result |= put_slice(r, event->head.path);
    result |= put(r, " of ");
    result |= put_slice(r, event->head.authority);
    result |= put_fields(r, event->head.fields, event->head.count);
    result |= put(r, event->head.minor == 0 ? " 1.0" : "");
    result |= put(r, event->head.is_keep_alive ? "" : " close");
    result |= put(r, event->head.is_upgrade ? " upgrade" : "");
    result |= put(r, event->head.has_body ? " body" : "");
    return result | put(r, "|");
}

static int put_event(reading *r, const h1_event *event) {
    char status[16];
    int result = 0;
    bool was_in_data = r->is_in_data;
    r->is_in_data = event->kind == H1_EV_DATA;
    if (was_in_data && !r->is_in_data)
        result |= put(r, "|");
    switch (event->kind) {
    case H1_EV_HEAD:
        return result | put_head(r, event);
    case H1_EV_DATA:
        return result | put_slice(r, event->data);
    case H1_EV_END:
        result |= put(r, "end");
        result |= put_fields(r, event->end.fields, event->end.count);
        return result | put(r, "|");
    default:
        snprintf(status, sizeof(status), "%d ", event->fault.status);
        return result | put(r, status) | put(r, event->fault.text);
    }
}

static int read_piece(reading *r, h1_parser *parser, const uint8_t *data, size_t size) {
    h1_event event;
    h1_parser_feed(parser, data, size);
    for (;;) {
        if (h1_parser_next(parser, &event) != 0)
            return -1;
        if (event.kind == H1_EV_NONE)
            return 0;
        if (put_event(r, &event) != 0)
            return -1;
        if (event.kind == H1_EV_HEAD && event.head.is_connect)
            h1_parser_tunnel(parser);
    }
}

int reading_trace(const uint8_t *data, size_t size, size_t step, const h1_limits *limits,
                  bytes_buffer *trace) {
    reading r = {trace, false};
    h1_parser *parser;
    if (h1_parser_new(&parser, limits) != 0)
        return -1;
    int result = 0;
    for (size_t at = 0; at < size && result == 0; at += step) {
        size_t piece = size - at < step ? size - at : step;
        result = read_piece(&r, parser, data + at, piece);
    }
    h1_parser_free(parser);
    if (result == 0)
        result = bytes_buffer_append(trace, "", 1);
    return result;
}
