#include "base/bytes.h"

#include "base/mem.h"

/* The first memory a buffer takes; small appends should not walk through 1, 2, 4, 8. */
#define LEAST_CAPACITY 64

void bytes_buffer_init(bytes_buffer *buffer) {
    *buffer = (bytes_buffer){0};
}

void bytes_buffer_dispose(bytes_buffer *buffer) {
    mem_free(buffer->data);
    bytes_buffer_init(buffer);
}

int bytes_buffer_reserve(bytes_buffer *buffer, size_t extra) {
    if (extra <= buffer->capacity - buffer->size)
        return 0;
    if (extra > SIZE_MAX / 2 - buffer->size)
        return -1;
    size_t capacity = buffer->capacity ? buffer->capacity : LEAST_CAPACITY;
    while (capacity < buffer->size + extra)
        capacity *= 2; /* stays below SIZE_MAX: what is asked for is at most half of it */
    uint8_t *data = mem_resize(buffer->data, capacity);
    if (!data)
        return -1;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int bytes_buffer_append(bytes_buffer *buffer, const void *data, size_t size) {
    if (size == 0)
        return 0;
    if (bytes_buffer_reserve(buffer, size) != 0)
        return -1;
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return 0;
}

void bytes_buffer_drop(bytes_buffer *buffer, size_t size) {
    if (size == 0)
        return;
    buffer->size -= size;
    memmove(buffer->data, buffer->data + size, buffer->size);
}
