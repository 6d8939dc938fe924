#include "h1/h1.h"

#include <stdio.h>

/* ------------------------------------------------------------------------------- the pieces */

static int put(bytes_buffer *out, const char *text) {
    return bytes_buffer_append(out, text, strlen(text));
}

static int put_status(bytes_buffer *out, int status) {
    char line[64];
    snprintf(line, sizeof(line), "HTTP/1.1 %03d %s\r\n", status, h1_reason(status));
    return put(out, line);
}

static int put_field(bytes_buffer *out, bytes_slice name, bytes_slice value) {
    if (bytes_buffer_reserve(out, name.size + value.size + 4) != 0)
        return -1;
    bytes_buffer_append(out, name.data, name.size);
    bytes_buffer_append(out, ": ", 2);
    bytes_buffer_append(out, value.data, value.size);
    bytes_buffer_append(out, "\r\n", 2);
    return 0;
}

static int put_number(bytes_buffer *out, const char *format, uint64_t number) {
    char line[64];
    snprintf(line, sizeof(line), format, (unsigned long long)number);
    return put(out, line);
}

static bool is_named(const h1_field *field, const char *name) {
    return h1_is_same(field->name, bytes_slice_of(name, strlen(name)));
}

/* ------------------------------------------------------------------------------ the framing */

/* What the fields say that is not theirs to decide alone. */
typedef struct wishes {
    bool has_length, is_close;
    uint64_t length;
} wishes;

/* Whether the comma-separated list has the member "close". */
static bool lists_close(bytes_slice list) {
    size_t at = 0;
    while (at < list.size) {
        size_t end = at;
        while (end < list.size && list.data[end] != ',')
            end++;
        bytes_slice item = bytes_slice_of(list.data + at, end - at);
        while (item.size > 0 && (*item.data == ' ' || *item.data == '\t')) {
            item.data++;
            item.size--;
        }
        while (item.size > 0 &&
               (item.data[item.size - 1] == ' ' || item.data[item.size - 1] == '\t'))
            item.size--;
        if (h1_is_same(item, BYTES_LITERAL("close")))
            return true;
        at = end + 1;
    }
    return false;
}

static bool read_length(bytes_slice text, uint64_t *length) {
    *length = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 18)
            return false;
        *length = *length * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.size > 0;
}

static wishes read_wishes(const h1_field *fields, size_t count) {
    wishes found = {false, false, 0};
    for (size_t i = 0; i < count; i++) {
        if (is_named(&fields[i], "connection"))
            found.is_close = found.is_close || lists_close(fields[i].value);
        else if (is_named(&fields[i], "content-length") && !found.has_length)
            found.has_length = read_length(fields[i].value, &found.length);
    }
    return found;
}

/* Fields that the writer writes itself, or not at all. */
static bool is_own(const h1_field *field) {
    return is_named(field, "content-length") || is_named(field, "connection") ||
           is_named(field, "keep-alive") || is_named(field, "transfer-encoding");
}

static bool is_tunnel(const h1_writer *writer, int status) {
    return status == 101 || (writer->is_connect && status >= 200 && status < 300);
}

/* Decides the framing; `size` becomes the length to be told, or H1_LENGTH_UNKNOWN. */
static void decide(h1_writer *writer, int status, const wishes *wished, uint64_t *size) {
    bool has_no_body = status == 204 || status == 304;
    uint64_t length = wished->has_length ? wished->length : *size;
    if (status == 205) /* RFC 9110 §15.3.6 */
        length = 0;
    *size = length;
    writer->left = 0;
    if (is_tunnel(writer, status)) {
        writer->framing = H1_TUNNEL;
        writer->is_keep_alive = false;
        *size = H1_LENGTH_UNKNOWN;
    } else if (writer->is_head || has_no_body) {
        writer->framing = H1_NO_BODY;
        if (status == 204 || !wished->has_length)
            *size = H1_LENGTH_UNKNOWN;
    } else if (length != H1_LENGTH_UNKNOWN) {
        writer->framing = H1_LENGTH;
        writer->left = length;
    } else if (writer->minor > 0) {
        writer->framing = H1_CHUNKED;
    } else {
        writer->framing = H1_CLOSE;
        writer->is_keep_alive = false;
    }
}

/* ---------------------------------------------------------------------------------- a head */

static int put_connection(const h1_writer *writer, bytes_buffer *out) {
    if (writer->framing == H1_TUNNEL)
        return 0;
    if (!writer->is_keep_alive)
        return put(out, "connection: close\r\n");
    if (put(out, "connection: keep-alive\r\n") != 0)
        return -1;
    return writer->keep_alive_s > 0
               ? put_number(out, "keep-alive: timeout=%llu\r\n", writer->keep_alive_s)
               : 0;
}

int h1_write_head(h1_writer *writer, bytes_buffer *out, int status, const h1_field *fields,
                  size_t count, uint64_t size) {
    wishes wished = read_wishes(fields, count);
    decide(writer, status, &wished, &size);
    if (wished.is_close)
        writer->is_keep_alive = false;
    if (put_status(out, status) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!is_own(&fields[i]) && put_field(out, fields[i].name, fields[i].value) != 0)
            return -1;
    if (size != H1_LENGTH_UNKNOWN && put_number(out, "content-length: %llu\r\n", size) != 0)
        return -1;
    if (put_connection(writer, out) != 0)
        return -1;
    return put(out, writer->framing == H1_CHUNKED ? "transfer-encoding: chunked\r\n\r\n" : "\r\n");
}

int h1_write_informational(const h1_writer *writer, bytes_buffer *out, int status,
                           const h1_field *fields, size_t count) {
    if (writer->minor == 0)
        return 0;
    if (put_status(out, status) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!is_own(&fields[i]) && put_field(out, fields[i].name, fields[i].value) != 0)
            return -1;
    return put(out, "\r\n");
}

/* ---------------------------------------------------------------------------------- a body */

int h1_write_data(h1_writer *writer, bytes_buffer *out, const uint8_t *data, size_t size) {
    if (size == 0 || writer->framing == H1_NO_BODY)
        return 0;
    if (writer->framing == H1_LENGTH)
        writer->left -= size;
    if (writer->framing != H1_CHUNKED)
        return bytes_buffer_append(out, data, size);
    if (bytes_buffer_reserve(out, size + 24) != 0)
        return -1;
    put_number(out, "%llx\r\n", size);
    bytes_buffer_append(out, data, size);
    return put(out, "\r\n");
}

int h1_write_end(h1_writer *writer, bytes_buffer *out, const h1_field *trailers, size_t count) {
    if (writer->framing == H1_LENGTH && writer->left > 0)
        writer->is_keep_alive = false;
    if (writer->framing != H1_CHUNKED)
        return 0;
    if (put(out, "0\r\n") != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!is_own(&trailers[i]) && put_field(out, trailers[i].name, trailers[i].value) != 0)
            return -1;
    return put(out, "\r\n");
}

int h1_write_fault(bytes_buffer *out, int status) {
    if (put_status(out, status) != 0)
        return -1;
    return put(out, "content-length: 0\r\nconnection: close\r\n\r\n");
}
