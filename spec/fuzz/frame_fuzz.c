/* Frames from a peer, one after the other: whatever is read without a fault stays inside the frame, is
 * within its range, and is written back to the octets it came from.
 *
 * The input is the octets of a connection after its preface. */
#include "h2/frame.h"

#include <stdlib.h>

/* Returned values and facts are checked in every build. */
#define CHECK(is_so)                                                                               \
    do {                                                                                           \
        if (!(is_so))                                                                              \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static h2_fault fault;

static void check_inside(bytes_slice part, bytes_slice whole) {
    CHECK(part.size <= whole.size);
    CHECK(part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

/* The reserved bit of the four octets at `at` is not read, so it is not written back. */
static void check_written(const uint8_t *written, const uint8_t *end, bytes_slice payload,
                          int reserved_at) {
    const uint8_t *body = written + H2_FRAME_HEADER_OCTETS;
    CHECK((size_t)(end - body) == payload.size);
    for (size_t i = 0; i < payload.size; i++) {
        uint8_t mask = (int)i == reserved_at ? 0x7f : 0xff;
        CHECK(body[i] == (payload.data[i] & mask));
    }
}

static void check_fault(int result) {
    CHECK(result == H2_FAULT && fault.text && h2_error_name(fault.code));
    CHECK(fault.scope == H2_SCOPE_SESSION || fault.stream_id != 0);
}

static void check_prefix(const h2_frame_header *header, bytes_slice payload) {
    h2_frame_prefix prefix;
    int result = h2_frame_read_prefix(header, payload.data, &prefix, &fault);
    if (result != H2_OK) {
        check_fault(result);
        return;
    }
    CHECK(h2_frame_prefix_octets(header) + prefix.padding <= header->length);
    if (header->type == H2_FRAME_PUSH_PROMISE)
        CHECK(prefix.promised_id != 0 && prefix.promised_id % 2 == 0);
}

static void check_priority(const h2_frame_header *header, bytes_slice payload) {
    uint8_t written[H2_FRAME_HEADER_OCTETS + H2_PRIORITY_OCTETS];
    h2_dependency dependency;
    int result = h2_frame_read_priority(header, payload.data, &dependency, &fault);
    if (result != H2_OK)
        check_fault(result);
    else
        check_written(written, h2_frame_write_priority(written, header->stream_id, &dependency),
                      payload, -1);
}

static void check_window_update(const h2_frame_header *header, bytes_slice payload) {
    uint8_t written[H2_WINDOW_UPDATE_FRAME_OCTETS];
    uint32_t increment;
    int result = h2_frame_read_window_update(header, payload.data, &increment, &fault);
    if (result != H2_OK) {
        check_fault(result);
        return;
    }
    CHECK(increment > 0 && increment <= H2_MAX_31_BIT);
    check_written(written, h2_frame_write_window_update(written, header->stream_id, increment),
                  payload, 0);
}

static void check_goaway(const h2_frame_header *header, bytes_slice payload) {
    static uint8_t written[H2_FRAME_HEADER_OCTETS + H2_LEAST_MAX_FRAME_SIZE];
    h2_goaway goaway;
    h2_frame_read_goaway(header, payload.data, &goaway);
    check_inside(goaway.debug, payload);
    check_written(written, h2_frame_write_goaway(written, &goaway), payload, 0);
}

static void check_extension(const h2_frame_header *header, bytes_slice payload) {
    bytes_slice origin, value;
    uint32_t stream_id;
    int result = H2_OK;
    if (header->type == H2_FRAME_ALTSVC) {
        result = h2_frame_read_altsvc(header, payload.data, &origin, &value, &fault);
    } else {
        result = h2_frame_read_priority_update(header, payload.data, &stream_id, &value, &fault);
        origin = bytes_slice_of(payload.data, 0);
    }
    if (result != H2_OK) {
        check_fault(result);
        return;
    }
    check_inside(origin, payload);
    check_inside(value, payload);
}

static void check_origins(bytes_slice payload) {
    bytes_slice rest = payload, origin;
    while (rest.size > 0) {
        size_t before = rest.size;
        int result = h2_frame_read_origin(&rest, &origin, &fault);
        if (result != H2_OK) {
            check_fault(result);
            return;
        }
        check_inside(origin, payload);
        CHECK(rest.size == before - 2 - origin.size);
    }
}

static void check_frame(const h2_frame_header *header, bytes_slice payload) {
    switch (header->type) {
    case H2_FRAME_DATA:
    case H2_FRAME_HEADERS:
    case H2_FRAME_PUSH_PROMISE:
        check_prefix(header, payload);
        break;
    case H2_FRAME_PRIORITY:
        check_priority(header, payload);
        break;
    case H2_FRAME_WINDOW_UPDATE:
        check_window_update(header, payload);
        break;
    case H2_FRAME_GOAWAY:
        check_goaway(header, payload);
        break;
    case H2_FRAME_ALTSVC:
    case H2_FRAME_PRIORITY_UPDATE:
        check_extension(header, payload);
        break;
    case H2_FRAME_ORIGIN:
        check_origins(payload);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    while (size >= H2_FRAME_HEADER_OCTETS) {
        h2_frame_header header;
        h2_frame_header_read(&header, data);
        data += H2_FRAME_HEADER_OCTETS;
        size -= H2_FRAME_HEADER_OCTETS;
        CHECK(header.stream_id <= H2_MAX_31_BIT && header.length <= 0xffffff);
        int result = h2_frame_check(&header, H2_LEAST_MAX_FRAME_SIZE, &fault);
        if (result != H2_OK)
            check_fault(result);
        if (header.length > size)
            break;
        if (result == H2_OK)
            check_frame(&header, bytes_slice_of(data, header.length));
        data += header.length;
        size -= header.length;
    }
    return 0;
}
