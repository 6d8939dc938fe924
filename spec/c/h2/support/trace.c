#include "h2/support/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Tests make every allocation of the engine fail; those of the trace are not among them. */
static void append(bytes_buffer *buffer, const void *data, size_t size) {
    if (buffer->size + size > buffer->capacity) {
        buffer->capacity = (buffer->size + size) * 2 + 64;
        buffer->data = realloc(buffer->data, buffer->capacity);
        if (!buffer->data)
            abort();
    }
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

void trace_dispose(trace *t) {
    free(t->text.data);
    free(t->last.data);
    *t = (trace){0};
}

static void say(trace *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(trace *t, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    append(&t->text, line, size < (int)sizeof(line) ? (size_t)size : sizeof(line) - 1);
}

static void begin(trace *t) {
    if (t->text.size)
        say(t, "; ");
}

static const char *code_name(uint32_t code) {
    static char number[16];
    const char *name = h2_error_name(code);
    if (name)
        return name;
    snprintf(number, sizeof(number), "%u", code);
    return number;
}

static void end_data(trace *t, bool is_end) {
    if (t->data_stream == 0)
        return;
    begin(t);
    say(t, "data %u %zu", t->data_stream, t->data_octets);
    if (t->with_fields)
        say(t, " sum %u", t->data_sum);
    if (is_end)
        say(t, " end");
    t->data_stream = 0;
}

static void add_data(trace *t, const h2_event *event) {
    if (t->data_stream != event->stream_id) {
        end_data(t, false);
        t->data_stream = event->stream_id;
        t->data_octets = 0;
        t->data_sum = 0;
    }
    t->data_octets += event->data.octets.size;
    for (size_t i = 0; i < event->data.octets.size; i++)
        t->data_sum = t->data_sum * 31 + event->data.octets.data[i];
    if (event->data.is_end)
        end_data(t, true);
}

static void add_headers(trace *t, const h2_event *event) {
    static const char *const names[] = {"request", "push", "informational", "response", "trailers"};
    say(t, "%s %u", names[event->headers.message], event->stream_id);
    if (event->headers.status)
        say(t, " %u", event->headers.status);
    if (event->headers.parent_id)
        say(t, " on %u", event->headers.parent_id);
    for (size_t i = 0; t->with_fields && i < event->headers.count; i++) {
        const hpack_field *field = &event->headers.fields[i];
        say(t, " %.*s=", (int)field->name.size, (const char *)field->name.data);
        say(t, "%.*s", (int)field->value.size, (const char *)field->value.data);
    }
    if (event->headers.is_end)
        say(t, " end");
}

static void add_close(trace *t, const h2_event *event) {
    static const char *const by[] = {"local", "peer", "engine"};
    say(t, "close %u %s %s", event->stream_id, code_name(event->close.code), by[event->close.by]);
    if (event->close.is_reset)
        say(t, " reset");
    if (!event->close.is_processed)
        say(t, " unprocessed");
}

void trace_event(trace *t, const h2_event *event) {
    if (event->kind == H2_EV_DATA) {
        add_data(t, event);
        return;
    }
    if (event->kind == H2_EV_NONE)
        return;
    end_data(t, false);
    begin(t);
    switch (event->kind) {
    case H2_EV_HEADERS:
        add_headers(t, event);
        break;
    case H2_EV_CLOSE:
        add_close(t, event);
        break;
    case H2_EV_SETTINGS:
        say(t, "settings");
        break;
    case H2_EV_SETTINGS_ACK:
        say(t, "settings ack");
        break;
    case H2_EV_PING:
        say(t, "ping %.8s", (const char *)event->ping.payload);
        break;
    case H2_EV_PING_ACK:
        say(t, "ping ack %.8s", (const char *)event->ping.payload);
        break;
    case H2_EV_GOAWAY:
        say(t, "goaway %s %u", code_name(event->goaway.code), event->goaway.last_id);
        say(t, " %.*s", (int)event->goaway.debug.size, (const char *)event->goaway.debug.data);
        break;
    case H2_EV_PRIORITY:
        say(t, "depends %u on %u by %u%s", event->stream_id, event->dependency.parent_id,
            event->dependency.weight, event->dependency.is_exclusive ? " alone" : "");
        break;
    case H2_EV_PRIORITY_UPDATE:
        say(t, "priority %u u=%u%s", event->stream_id, event->priority.priority.urgency,
            event->priority.priority.is_incremental ? " i" : "");
        break;
    case H2_EV_ALTSVC:
        say(t, "altsvc %u [%.*s]", event->stream_id, (int)event->altsvc.origin.size,
            (const char *)event->altsvc.origin.data);
        say(t, " %.*s", (int)event->altsvc.value.size, (const char *)event->altsvc.value.data);
        break;
    case H2_EV_ORIGIN:
        say(t, "origin");
        for (size_t i = 0; i < event->origin.count; i++)
            say(t, " %.*s", (int)event->origin.origins[i].size,
                (const char *)event->origin.origins[i].data);
        break;
    case H2_EV_FAULT:
        say(t, "fault %s", code_name(event->fault.code));
        break;
    case H2_EV_NONE:
    case H2_EV_DATA:
        break;
    }
}

static const char *frame_name(uint8_t type) {
    static const char *const names[H2_FRAME_TYPES] = {
        "DATA",   "HEADERS",       "PRIORITY",     "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING",
        "GOAWAY", "WINDOW_UPDATE", "CONTINUATION", "ALTSVC",     NULL,       "ORIGIN"};
    if (type == H2_FRAME_PRIORITY_UPDATE)
        return "PRIORITY_UPDATE";
    return type < H2_FRAME_TYPES && names[type] ? names[type] : "UNKNOWN";
}

void trace_frame(trace *t, const h2_frame_header *header, const uint8_t *payload) {
    h2_goaway goaway;
    begin(t);
    say(t, "%s", frame_name(header->type));
    if (header->type == H2_FRAME_GOAWAY) {
        h2_frame_read_goaway(header, payload, &goaway);
        say(t, " %s %u", code_name(goaway.code), goaway.last_id);
    }
    if (header->stream_id || header->type == H2_FRAME_WINDOW_UPDATE)
        say(t, " %u", header->stream_id);
    if (header->type == H2_FRAME_DATA)
        say(t, " %u", header->length);
    if (header->type == H2_FRAME_RST_STREAM)
        say(t, " %s", code_name(bytes_get_u32(payload)));
    if (header->type == H2_FRAME_WINDOW_UPDATE)
        say(t, " %u", bytes_get_u32(payload));
    if (header->type == H2_FRAME_PUSH_PROMISE)
        say(t, " %u", bytes_get_u32(payload + (header->flags & H2_FLAG_PADDED ? 1 : 0)));
    if (header->type == H2_FRAME_PRIORITY_UPDATE)
        say(t, " %u %.*s", bytes_get_u32(payload), (int)(header->length - 4),
            (const char *)payload + 4);
    if (header->flags & H2_FLAG_PADDED)
        say(t, " padded");
    bool has_ack = header->type == H2_FRAME_SETTINGS || header->type == H2_FRAME_PING;
    bool has_end = header->type == H2_FRAME_DATA || header->type == H2_FRAME_HEADERS;
    if (has_ack && header->flags & H2_FLAG_ACK)
        say(t, " ack");
    if (has_end && header->flags & H2_FLAG_END_STREAM)
        say(t, " end");
}

const char *trace_take(trace *t) {
    end_data(t, false);
    append(&t->text, "", 1);
    bytes_buffer text = t->text;
    t->text = t->last;
    t->text.size = 0;
    t->last = text;
    return (const char *)text.data;
}
