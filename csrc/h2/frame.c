#include "h2/frame.h"

/* ------------------------------------------------------------------------------- header checks */

typedef enum frame_place { ON_EITHER, ON_STREAM, ON_SESSION } frame_place;

typedef struct frame_rule {
    frame_place place;
    uint32_t least;
    uint32_t most; /* 0: no other than SETTINGS_MAX_FRAME_SIZE */
} frame_rule;

static const frame_rule rules[H2_FRAME_TYPES] = {
    [H2_FRAME_DATA] = {ON_STREAM, 0, 0},
    [H2_FRAME_HEADERS] = {ON_STREAM, 0, 0},
    [H2_FRAME_PRIORITY] = {ON_STREAM, H2_PRIORITY_OCTETS, H2_PRIORITY_OCTETS},
    [H2_FRAME_RST_STREAM] = {ON_STREAM, 4, 4},
    [H2_FRAME_SETTINGS] = {ON_SESSION, 0, 0},
    [H2_FRAME_PUSH_PROMISE] = {ON_STREAM, 4, 0},
    [H2_FRAME_PING] = {ON_SESSION, 8, 8},
    [H2_FRAME_GOAWAY] = {ON_SESSION, H2_GOAWAY_OCTETS, 0},
    [H2_FRAME_WINDOW_UPDATE] = {ON_EITHER, 4, 4},
    [H2_FRAME_CONTINUATION] = {ON_STREAM, 0, 0},
    [H2_FRAME_ALTSVC] = {ON_EITHER, 2, 0},
    [H2_FRAME_PRIORITY_UPDATE] = {ON_SESSION, 4, 0},
};

void h2_frame_header_read(h2_frame_header *header, const uint8_t *octets) {
    header->length = bytes_get_u24(octets);
    header->type = octets[3];
    header->flags = octets[4];
    header->stream_id = bytes_get_u32(octets + 5) & H2_MAX_31_BIT;
}

/* A frame that the session's state hangs on ends the session when its size is wrong (§4.2); DATA is
 * among them here, since its octets cannot be accounted for. */
static int wrong_size(const h2_frame_header *header, h2_fault *fault) {
    if (header->type == H2_FRAME_PRIORITY && header->stream_id != 0)
        return h2_fault_stream(fault, header->stream_id, H2_FRAME_SIZE_ERROR,
                               "PRIORITY frame of a wrong size"); /* §6.3 */
    return h2_fault_session(fault, H2_FRAME_SIZE_ERROR, "frame of a wrong size");
}

static int check_settings_size(const h2_frame_header *header, h2_fault *fault) {
    if (header->flags & H2_FLAG_ACK) {
        if (header->length != 0)
            return h2_fault_session(fault, H2_FRAME_SIZE_ERROR,
                                    "SETTINGS acknowledgement with a payload");
    } else if (header->length % H2_SETTING_OCTETS != 0) {
        return h2_fault_session(fault, H2_FRAME_SIZE_ERROR, "SETTINGS frame cut inside an entry");
    }
    return H2_OK;
}

int h2_frame_check_limit(const h2_frame_header *header, uint32_t max_frame_size, h2_fault *fault) {
    if (header->length > max_frame_size)
        return h2_fault_session(fault, H2_FRAME_SIZE_ERROR, "frame over SETTINGS_MAX_FRAME_SIZE");
    return H2_OK;
}

int h2_frame_check(const h2_frame_header *header, uint32_t max_frame_size, h2_fault *fault) {
    int result = h2_frame_check_limit(header, max_frame_size, fault);
    if (result != H2_OK || header->type >= H2_FRAME_TYPES)
        return result;
    const frame_rule *rule = &rules[header->type];
    if (rule->place == ON_STREAM && header->stream_id == 0)
        return h2_fault_session(fault, H2_PROTOCOL_ERROR, "stream frame on stream 0");
    if (rule->place == ON_SESSION && header->stream_id != 0)
        return h2_fault_session(fault, H2_PROTOCOL_ERROR, "connection frame on a stream");
    if (header->length < rule->least || (rule->most && header->length > rule->most) ||
        header->length < h2_frame_prefix_octets(header))
        return wrong_size(header, fault);
    return header->type == H2_FRAME_SETTINGS ? check_settings_size(header, fault) : H2_OK;
}

uint32_t h2_frame_prefix_octets(const h2_frame_header *header) {
    uint32_t padding = header->flags & H2_FLAG_PADDED ? 1 : 0;
    switch (header->type) {
    case H2_FRAME_DATA:
        return padding;
    case H2_FRAME_HEADERS:
        return padding + (header->flags & H2_FLAG_PRIORITY ? H2_PRIORITY_OCTETS : 0);
    case H2_FRAME_PUSH_PROMISE:
        return padding + 4;
    default:
        return 0;
    }
}

/* ------------------------------------------------------------------------------------ payloads */

static void read_dependency(const uint8_t *octets, h2_dependency *dependency) {
    uint32_t word = bytes_get_u32(octets);
    dependency->stream_id = word & H2_MAX_31_BIT;
    dependency->is_exclusive = (word & ~H2_MAX_31_BIT) != 0;
    dependency->weight = octets[4];
}

/* RFC 7540 §5.3.1 made it a stream error; a session error leaves nothing to farm. */
static int check_dependency(const h2_frame_header *header, const h2_dependency *dependency,
                            h2_fault *fault) {
    if (dependency->stream_id == header->stream_id)
        return h2_fault_session(fault, H2_PROTOCOL_ERROR, "stream that depends on itself");
    return H2_OK;
}

static int check_promised_id(uint32_t promised_id, h2_fault *fault) {
    if (promised_id == 0 || promised_id % 2 != 0)
        return h2_fault_session(fault, H2_PROTOCOL_ERROR,
                                "promised stream with an identifier that no server can use");
    return H2_OK;
}

int h2_frame_read_prefix(const h2_frame_header *header, const uint8_t *octets,
                         h2_frame_prefix *prefix, h2_fault *fault) {
    *prefix = (h2_frame_prefix){0};
    if (header->flags & H2_FLAG_PADDED) {
        prefix->padding = *octets++;
        if (prefix->padding > header->length - h2_frame_prefix_octets(header))
            return h2_fault_session(fault, H2_PROTOCOL_ERROR, "padding longer than the payload");
    }
    if (header->type == H2_FRAME_HEADERS && header->flags & H2_FLAG_PRIORITY) {
        read_dependency(octets, &prefix->dependency);
        return check_dependency(header, &prefix->dependency, fault);
    }
    if (header->type == H2_FRAME_PUSH_PROMISE) {
        prefix->promised_id = bytes_get_u32(octets) & H2_MAX_31_BIT;
        return check_promised_id(prefix->promised_id, fault);
    }
    return H2_OK;
}

int h2_frame_read_priority(const h2_frame_header *header, const uint8_t *payload,
                           h2_dependency *dependency, h2_fault *fault) {
    read_dependency(payload, dependency);
    return check_dependency(header, dependency, fault);
}

h2_setting h2_frame_read_setting(const uint8_t *octets) {
    h2_setting setting = {bytes_get_u16(octets), bytes_get_u32(octets + 2)};
    return setting;
}

int h2_frame_read_window_update(const h2_frame_header *header, const uint8_t *payload,
                                uint32_t *increment, h2_fault *fault) {
    static const char text[] = "WINDOW_UPDATE with an increment of 0";
    *increment = bytes_get_u32(payload) & H2_MAX_31_BIT;
    if (*increment != 0)
        return H2_OK;
    if (header->stream_id == 0)
        return h2_fault_session(fault, H2_PROTOCOL_ERROR, text);
    return h2_fault_stream(fault, header->stream_id, H2_PROTOCOL_ERROR, text);
}

void h2_frame_read_goaway(const h2_frame_header *header, const uint8_t *payload,
                          h2_goaway *goaway) {
    goaway->last_id = bytes_get_u32(payload) & H2_MAX_31_BIT;
    goaway->code = bytes_get_u32(payload + 4);
    goaway->debug = bytes_slice_of(payload + H2_GOAWAY_OCTETS, header->length - H2_GOAWAY_OCTETS);
}

int h2_frame_read_altsvc(const h2_frame_header *header, const uint8_t *payload, bytes_slice *origin,
                         bytes_slice *value, h2_fault *fault) {
    uint32_t size = bytes_get_u16(payload);
    if (size > header->length - 2)
        return h2_fault_session(fault, H2_FRAME_SIZE_ERROR, "ALTSVC origin past the frame");
    *origin = bytes_slice_of(payload + 2, size);
    *value = bytes_slice_of(payload + 2 + size, header->length - 2 - size);
    return H2_OK;
}

int h2_frame_read_origin(bytes_slice *rest, bytes_slice *origin, h2_fault *fault) {
    size_t size = rest->size < 2 ? 0 : bytes_get_u16(rest->data);
    if (rest->size < 2 + size)
        return h2_fault_session(fault, H2_FRAME_SIZE_ERROR, "ORIGIN entry past the frame");
    *origin = bytes_slice_of(rest->data + 2, size);
    *rest = bytes_slice_of(rest->data + 2 + size, rest->size - 2 - size);
    return H2_OK;
}

int h2_frame_read_priority_update(const h2_frame_header *header, const uint8_t *payload,
                                  uint32_t *stream_id, bytes_slice *value, h2_fault *fault) {
    *stream_id = bytes_get_u32(payload) & H2_MAX_31_BIT;
    *value = bytes_slice_of(payload + 4, header->length - 4);
    if (*stream_id == 0)
        return h2_fault_session(fault, H2_PROTOCOL_ERROR, "PRIORITY_UPDATE of stream 0");
    return H2_OK;
}

/* ------------------------------------------------------------------------------------- writing */

uint8_t *h2_frame_write_header(uint8_t *p, uint32_t length, uint8_t type, uint8_t flags,
                               uint32_t stream_id) {
    p = bytes_put_u24(p, length);
    p = bytes_put_u8(p, type);
    p = bytes_put_u8(p, flags);
    return bytes_put_u32(p, stream_id);
}

uint8_t *h2_frame_write_dependency(uint8_t *p, const h2_dependency *dependency) {
    p = bytes_put_u32(p, dependency->stream_id | (dependency->is_exclusive ? 0x80000000u : 0));
    return bytes_put_u8(p, dependency->weight);
}

uint8_t *h2_frame_write_priority(uint8_t *p, uint32_t stream_id, const h2_dependency *dependency) {
    p = h2_frame_write_header(p, H2_PRIORITY_OCTETS, H2_FRAME_PRIORITY, 0, stream_id);
    return h2_frame_write_dependency(p, dependency);
}

uint8_t *h2_frame_write_rst_stream(uint8_t *p, uint32_t stream_id, uint32_t code) {
    p = h2_frame_write_header(p, 4, H2_FRAME_RST_STREAM, 0, stream_id);
    return bytes_put_u32(p, code);
}

uint8_t *h2_frame_write_setting(uint8_t *p, h2_setting setting) {
    p = bytes_put_u16(p, setting.id);
    return bytes_put_u32(p, setting.value);
}

uint8_t *h2_frame_write_ping(uint8_t *p, uint8_t flags, const uint8_t payload[8]) {
    p = h2_frame_write_header(p, 8, H2_FRAME_PING, flags, 0);
    memcpy(p, payload, 8);
    return p + 8;
}

uint8_t *h2_frame_write_goaway(uint8_t *p, const h2_goaway *goaway) {
    uint32_t length = H2_GOAWAY_OCTETS + (uint32_t)goaway->debug.size;
    p = h2_frame_write_header(p, length, H2_FRAME_GOAWAY, 0, 0);
    p = bytes_put_u32(p, goaway->last_id);
    p = bytes_put_u32(p, goaway->code);
    if (goaway->debug.size)
        memcpy(p, goaway->debug.data, goaway->debug.size);
    return p + goaway->debug.size;
}

uint8_t *h2_frame_write_window_update(uint8_t *p, uint32_t stream_id, uint32_t increment) {
    p = h2_frame_write_header(p, 4, H2_FRAME_WINDOW_UPDATE, 0, stream_id);
    return bytes_put_u32(p, increment);
}
