/* Field sections out: encoded straight into the wire, as HEADERS or PUSH_PROMISE and as many
 * CONTINUATION frames as the peer's SETTINGS_MAX_FRAME_SIZE makes of it (RFC 9113 §4.3). */
#include "h2/session.h"

#define PROMISED_ID_OCTETS 4

int h2_session_measure(const h2_session *session, const hpack_field *fields, size_t count) {
    size_t bound = hpack_encoder_bound(fields, count);
    return bound > session->max_send_header_octets ? H2_TOO_LARGE : H2_OK;
}

uint32_t h2_session_padding(const h2_session *session, uint32_t octets, uint32_t limit) {
    uint32_t wanted = 0, misfit = (H2_FRAME_HEADER_OCTETS + octets) % 8;
    if (session->padding == H2_PADDING_MAX)
        wanted = H2_MAX_PADDING_OCTETS;
    else if (session->padding == H2_PADDING_ALIGNED && misfit != 0)
        wanted = 8 - misfit;
    uint32_t room = limit > octets ? limit - octets : 0;
    return wanted < room ? wanted : room;
}

/* Where the parts of a block are, from the frame header on. */
typedef struct layout {
    uint8_t *frame;
    uint32_t lead;  /* of PUSH_PROMISE: the promised identifier, not yet written */
    uint32_t block; /* octets of the header block behind it */
    uint8_t type;
    uint8_t flags;
    uint32_t stream_id;
    uint32_t promised_id;
} layout;

/* All in one frame, with padding if that is wanted. Returns the octets of the frame. */
static size_t frame_whole(const layout *l, uint32_t extra) {
    uint8_t *content = l->frame + H2_FRAME_HEADER_OCTETS;
    uint32_t length = l->lead + l->block + extra;
    uint8_t flags = (uint8_t)(l->flags | H2_FLAG_END_HEADERS | (extra ? H2_FLAG_PADDED : 0));
    if (extra) {
        memmove(content + 1, content, l->lead + l->block);
        memset(content + 1 + l->lead + l->block, 0, extra - 1);
        content = bytes_put_u8(content, (uint8_t)(extra - 1));
    }
    if (l->lead)
        bytes_put_u32(content, l->promised_id);
    h2_frame_write_header(l->frame, length, l->type, flags, l->stream_id);
    return H2_FRAME_HEADER_OCTETS + length;
}

/* Moves the block apart, from its end on, to make room for a header before each part. */
static size_t frame_in_parts(const layout *l, uint32_t max) {
    uint32_t first = max - l->lead;
    uint32_t parts = (l->block - first + max - 1) / max;
    uint8_t *block = l->frame + H2_FRAME_HEADER_OCTETS + l->lead;
    for (uint32_t i = parts; i-- > 0;) {
        uint32_t start = first + i * max;
        uint32_t size = i == parts - 1 ? l->block - start : max;
        uint8_t *part = block + start + i * H2_FRAME_HEADER_OCTETS;
        memmove(part + H2_FRAME_HEADER_OCTETS, block + start, size);
        uint8_t flags = i == parts - 1 ? H2_FLAG_END_HEADERS : 0;
        h2_frame_write_header(part, size, H2_FRAME_CONTINUATION, flags, l->stream_id);
    }
    h2_frame_write_header(l->frame, max, l->type, l->flags, l->stream_id);
    if (l->lead)
        bytes_put_u32(l->frame + H2_FRAME_HEADER_OCTETS, l->promised_id);
    return H2_FRAME_HEADER_OCTETS + l->lead + l->block + parts * H2_FRAME_HEADER_OCTETS;
}

static size_t frame_block(const h2_session *session, const layout *l) {
    uint32_t max = session->remote.max_frame_size;
    uint32_t octets = l->lead + l->block;
    if (octets > max)
        return frame_in_parts(l, max);
    return frame_whole(l, h2_session_padding(session, octets, max));
}

int h2_session_put_block(h2_session *session, uint32_t stream_id, uint32_t promised_id,
                         const hpack_field *fields, size_t count, bool is_end) {
    uint32_t lead = promised_id ? PROMISED_ID_OCTETS : 0;
    size_t bound = hpack_encoder_bound(fields, count);
    size_t frames = 2 + bound / session->remote.max_frame_size;
    size_t room = bound + frames * H2_FRAME_HEADER_OCTETS + lead + H2_MAX_PADDING_OCTETS;
    if (h2_session_reserve(session, room, 1) != H2_OK)
        return H2_NOMEM;
    /* From here on there is room: the encoder's state has to match what goes out. */
    bytes_buffer *octets = &session->wire->octets;
    size_t start = octets->size;
    size_t before = start + H2_FRAME_HEADER_OCTETS + lead;
    octets->size = before;
    if (hpack_encoder_encode(session->encoder, fields, count, octets) != HPACK_OK) {
        octets->size = start;
        h2_session_trim_wire(session);
        return H2_NOMEM;
    }
    layout l = {.frame = octets->data + start,
                .lead = lead,
                .block = (uint32_t)(octets->size - before),
                .type = promised_id ? H2_FRAME_PUSH_PROMISE : H2_FRAME_HEADERS,
                .flags = is_end ? H2_FLAG_END_STREAM : 0,
                .stream_id = stream_id,
                .promised_id = promised_id};
    size_t size = frame_block(session, &l);
    octets->size = start + size;
    h2_limits_payload(&session->limits, l.block);
    h2_wire_add_appended(session->wire, size);
    H2_COUNT(session, frames_sent, 1 + (l.lead + l.block - 1) / session->remote.max_frame_size);
    return H2_OK;
}
