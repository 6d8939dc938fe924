/* Octets: a borrowed slice, a growable buffer, and big-endian numbers. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Octets that somebody else owns. */
typedef struct bytes_slice {
    const uint8_t *data;
    size_t size;
} bytes_slice;

/* Octets owned by the struct. All zero is an empty buffer that holds no memory. */
typedef struct bytes_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
} bytes_buffer;

void bytes_buffer_init(bytes_buffer *buffer);
/* Frees the memory; the buffer is empty and may be used again. */
void bytes_buffer_dispose(bytes_buffer *buffer);

/* Makes room for `extra` more octets, growing by doubling. 0, or -1 when memory is out (the buffer
 * is then unchanged). */
int bytes_buffer_reserve(bytes_buffer *buffer, size_t extra);
/* Copies `size` octets to the end. 0 or -1, as above. */
int bytes_buffer_append(bytes_buffer *buffer, const void *data, size_t size);
/* Drops the first `size` octets. */
void bytes_buffer_drop(bytes_buffer *buffer, size_t size);

static inline uint16_t bytes_get_u16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t bytes_get_u24(const uint8_t *p) {
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t bytes_get_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint8_t *bytes_put_u8(uint8_t *p, uint8_t v) {
    p[0] = v;
    return p + 1;
}

static inline uint8_t *bytes_put_u16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static inline uint8_t *bytes_put_u24(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 16);
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)v;
    return p + 3;
}

static inline uint8_t *bytes_put_u32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
    return p + 4;
}

static inline bytes_slice bytes_slice_of(const void *data, size_t size) {
    bytes_slice slice = {(const uint8_t *)data, size};
    return slice;
}

/* The octets of a string literal, without its terminator. */
#define BYTES_LITERAL(text) bytes_slice_of((text), sizeof(text) - 1)

static inline bool bytes_slice_equal(bytes_slice a, bytes_slice b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#endif
