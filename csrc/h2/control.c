/* Control frames: how they get on the wire, and those that concern nothing but themselves: PING,
 * RST_STREAM, PRIORITY, PRIORITY_UPDATE, ALTSVC and ORIGIN. */
#include "h2/session.h"

#include "base/mem.h"

/* ------------------------------------------------------------------------------------ the wire */

int h2_session_reserve(h2_session *session, size_t octets, size_t segments) {
    if (!session->wire)
        session->wire = h2_pool_take_wire(session->pool);
    if (!session->wire)
        return H2_NOMEM;
    int result = h2_wire_reserve(session->wire, octets, segments);
    if (result != H2_OK)
        h2_session_trim_wire(session);
    return result;
}

void h2_session_trim_wire(h2_session *session) {
    if (session->wire && h2_wire_is_empty(session->wire)) {
        h2_pool_give_wire(session->pool, session->wire);
        session->wire = NULL;
    }
}

void h2_session_add_frame(h2_session *session, size_t octets) {
    h2_wire_add(session->wire, octets, 1, 0);
    session->limits.outbound_frames++;
    H2_COUNT(session, frames_sent, 1);
}

void h2_session_add_ack(h2_session *session, size_t octets) {
    h2_wire_add(session->wire, octets, 1, 1);
    session->limits.outbound_frames++;
    session->limits.outbound_acks++;
    H2_COUNT(session, frames_sent, 1);
}

int h2_session_put_reset(h2_session *session, uint32_t stream_id, uint32_t code) {
    if (h2_session_reserve(session, H2_RST_STREAM_FRAME_OCTETS, 1) != H2_OK)
        return H2_NOMEM;
    h2_frame_write_rst_stream(h2_wire_tail(session->wire), stream_id, code);
    h2_session_add_frame(session, H2_RST_STREAM_FRAME_OCTETS);
    bool is_local = h2_role_owns_id(session->role, stream_id);
    h2_history_reset(is_local ? &session->local_ids : &session->peer_ids, stream_id);
    return H2_OK;
}

/* -------------------------------------------------------------------------------------- faults */

int h2_session_abort_stream(h2_session *session, const h2_fault *fault) {
    h2_ending ending = {fault->code, H2_BY_ENGINE, true, true, fault->text};
    uint32_t stream_id = fault->stream_id;
    h2_stream *stream;
    int result = h2_session_locate(session, stream_id, &stream); /* an idle one cannot be reset */
    if (result == H2_OK)
        result = h2_session_put_reset(session, stream_id, ending.code);
    if (result != H2_OK)
        return result;
    if (stream)
        h2_session_close(session, stream, ending);
    result = h2_limits_invalid_frame(&session->limits, &session->fault);
    if (result == H2_OK)
        result = h2_limits_reset(&session->limits, &session->fault);
    return result;
}

int h2_session_escalate(h2_session *session, int result) {
    if (result == H2_FAULT && session->limits.options.is_strict)
        session->fault.scope = H2_SCOPE_SESSION;
    return result;
}

int h2_receive_rst_stream(h2_session *session, const uint8_t *payload, h2_event *event) {
    (void)event;
    h2_stream *stream;
    int result = h2_session_locate(session, session->in.frame.stream_id, &stream);
    if (result != H2_OK)
        return result;
    if (!stream) /* it has crossed ours, or comes late (§5.1) */
        return h2_limits_glitch(&session->limits, &session->fault);
    uint32_t code = bytes_get_u32(payload);
    bool is_processed = code != H2_REFUSED_STREAM; /* §8.7 */
    h2_session_close(session, stream, (h2_ending){code, H2_BY_PEER, true, is_processed, NULL});
    return h2_limits_reset(&session->limits, &session->fault);
}

/* ---------------------------------------------------------------------------------------- PING */

int h2_session_put_ping(h2_session *session, uint8_t flags, const uint8_t payload[8]) {
    if (h2_session_reserve(session, H2_PING_FRAME_OCTETS, 1) != H2_OK)
        return H2_NOMEM;
    h2_frame_write_ping(h2_wire_tail(session->wire), flags, payload);
    if (flags & H2_FLAG_ACK)
        h2_session_add_ack(session, H2_PING_FRAME_OCTETS);
    else
        h2_session_add_frame(session, H2_PING_FRAME_OCTETS);
    return H2_OK;
}

int h2_receive_ping(h2_session *session, const uint8_t *payload, h2_event *event) {
    bool is_ack = (session->in.frame.flags & H2_FLAG_ACK) != 0;
    int result = H2_OK;
    if (is_ack && h2_session_take_own_ping(session, payload))
        return H2_OK;
    if (!is_ack) {
        result = h2_limits_ack(&session->limits, &session->fault);
        if (result == H2_OK)
            result = h2_session_put_ping(session, H2_FLAG_ACK, payload);
        h2_limits_payload(&session->limits, 8);
    } else if (session->unacknowledged_pings == 0) {
        result = h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                  "acknowledgement of a PING that was not sent");
    } else {
        session->unacknowledged_pings--;
    }
    if (result != H2_OK)
        return result;
    event->kind = is_ack ? H2_EV_PING_ACK : H2_EV_PING;
    memcpy(event->ping.payload, payload, 8);
    return H2_OK;
}

int h2_session_submit_ping(h2_session *session, const uint8_t payload[8]) {
    if (session->is_terminal)
        return H2_GONE;
    if (session->unacknowledged_pings >= session->limits.options.max_outstanding_pings)
        return H2_LIMIT;
    int result = h2_session_put_ping(session, 0, payload);
    if (result == H2_OK)
        session->unacknowledged_pings++;
    return result;
}

/* ------------------------------------------------------------------------------------ priority */

/* §5.3.2: the old priorities are read, told, and of no effect. */
int h2_receive_priority(h2_session *session, const uint8_t *payload, h2_event *event) {
    const h2_frame_header *frame = &session->in.frame;
    h2_dependency dependency;
    int result = h2_frame_read_priority(frame, payload, &dependency, &session->fault);
    if (result == H2_OK)
        result = h2_limits_glitch(&session->limits, &session->fault);
    if (result != H2_OK)
        return result;
    h2_stream *stream = h2_session_find(session, frame->stream_id);
    event->kind = H2_EV_PRIORITY;
    event->stream_id = frame->stream_id;
    event->context = stream ? stream->context : NULL;
    event->dependency.parent_id = dependency.stream_id;
    event->dependency.weight = (uint16_t)(dependency.weight + 1);
    event->dependency.is_exclusive = dependency.is_exclusive;
    return H2_OK;
}

static void set_priority(h2_session *session, h2_stream *stream, h2_priority priority) {
    stream->has_priority = true;
    h2_scheduler_move(&session->scheduler, &stream->node, priority);
}

/* Drops what was said of streams that were opened, or skipped, since. */
static void purge_early_priorities(h2_session *session) {
    h2_early_priorities *early = session->early_priorities;
    size_t kept = 0;
    for (size_t i = 0; i < early->count; i++)
        if (early->entries[i].stream_id > session->peer_ids.newest)
            early->entries[kept++] = early->entries[i];
    early->count = kept;
    if (kept > 0)
        return;
    mem_free(early);
    session->early_priorities = NULL;
}

void h2_session_apply_early_priority(h2_session *session, h2_stream *stream) {
    const h2_early_priorities *early = session->early_priorities;
    if (!early)
        return;
    for (size_t i = 0; i < early->count; i++)
        if (early->entries[i].stream_id == stream->id)
            set_priority(session, stream, early->entries[i].priority);
    purge_early_priorities(session);
}

static int note_early_priority(h2_session *session, uint32_t stream_id, h2_priority priority) {
    if (!session->early_priorities) {
        session->early_priorities = mem_alloc(sizeof(*session->early_priorities));
        if (!session->early_priorities)
            return H2_NOMEM;
        session->early_priorities->count = 0;
    }
    h2_early_priorities *early = session->early_priorities;
    size_t i = 0;
    while (i < early->count && early->entries[i].stream_id != stream_id)
        i++;
    if (i == H2_MAX_EARLY_PRIORITIES)
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                "PRIORITY_UPDATE for too many idle streams");
    early->entries[i].stream_id = stream_id;
    early->entries[i].priority = priority;
    if (i == early->count)
        early->count++;
    return H2_OK;
}

int h2_receive_priority_update(h2_session *session, const uint8_t *payload, h2_event *event) {
    uint32_t stream_id;
    bytes_slice value;
    int result = h2_frame_read_priority_update(&session->in.frame, payload, &stream_id, &value,
                                               &session->fault);
    if (result == H2_OK)
        result = h2_limits_glitch(&session->limits, &session->fault);
    if (result != H2_OK || value.size > H2_MAX_PRIORITY_VALUE)
        return result;
    h2_priority priority = h2_priority_parse(value);
    if (!h2_role_owns_id(session->role, stream_id) && stream_id > session->peer_ids.newest)
        return note_early_priority(session, stream_id, priority);
    h2_stream *stream;
    result = h2_session_locate(session, stream_id, &stream); /* an idle push: RFC 9218 §7.1 */
    if (result != H2_OK || !stream)
        return result;
    set_priority(session, stream, priority);
    event->kind = H2_EV_PRIORITY_UPDATE;
    event->stream_id = stream_id;
    event->context = stream->context;
    event->priority.priority = priority;
    return H2_OK;
}

static int put_priority_update(h2_session *session, uint32_t stream_id, h2_priority priority) {
    uint8_t value[6];
    uint32_t size = (uint32_t)h2_priority_print(priority, value);
    if (h2_session_reserve(session, H2_FRAME_HEADER_OCTETS + 4 + sizeof(value), 1) != H2_OK)
        return H2_NOMEM;
    uint8_t *p = h2_wire_tail(session->wire);
    p = h2_frame_write_header(p, 4 + size, H2_FRAME_PRIORITY_UPDATE, 0, 0);
    p = bytes_put_u32(p, stream_id);
    memcpy(p, value, size);
    h2_session_add_frame(session, H2_FRAME_HEADER_OCTETS + 4 + size);
    return H2_OK;
}

int h2_session_set_priority(h2_session *session, uint32_t stream_id, h2_priority priority) {
    h2_stream *stream = h2_session_find(session, stream_id);
    if (!stream)
        return H2_GONE;
    if (priority.urgency >= H2_URGENCIES)
        return H2_MISUSE;
    if (session->role == H2_CLIENT) {
        int result = put_priority_update(session, stream_id, priority);
        if (result != H2_OK)
            return result;
    }
    set_priority(session, stream, priority);
    return H2_OK;
}

/* -------------------------------------------------------------------------- ALTSVC and ORIGIN */

int h2_receive_altsvc(h2_session *session, const uint8_t *payload, h2_event *event) {
    const h2_frame_header *frame = &session->in.frame;
    bytes_slice origin, value;
    int result = h2_frame_read_altsvc(frame, payload, &origin, &value, &session->fault);
    if (result == H2_OK)
        result = h2_limits_glitch(&session->limits, &session->fault);
    if (result != H2_OK)
        return result;
    /* RFC 7838 §4: on a stream the origin is the stream's, else it must be said. */
    const h2_stream *stream = h2_session_find(session, frame->stream_id);
    if (frame->stream_id == 0 ? origin.size == 0 : origin.size > 0 || !stream)
        return H2_OK;
    event->kind = H2_EV_ALTSVC;
    event->stream_id = frame->stream_id;
    event->context = stream ? stream->context : NULL;
    event->altsvc.origin = origin;
    event->altsvc.value = value;
    return H2_OK;
}

static int count_origins(h2_session *session, bytes_slice payload, size_t *count) {
    bytes_slice origin;
    int result = H2_OK;
    for (*count = 0; result == H2_OK && payload.size > 0; ++*count)
        result = h2_frame_read_origin(&payload, &origin, &session->fault);
    return result;
}

int h2_receive_origin(h2_session *session, const uint8_t *payload, h2_event *event) {
    const uint8_t reserved_flags = 0x0f; /* RFC 8336 §2: what they may mean one day is not known */
    const h2_frame_header *frame = &session->in.frame;
    bytes_slice rest = bytes_slice_of(payload, frame->length);
    size_t count;
    int result = h2_limits_glitch(&session->limits, &session->fault);
    if (result != H2_OK || frame->stream_id != 0 || frame->flags & reserved_flags)
        return result;
    result = count_origins(session, rest, &count);
    if (result != H2_OK)
        return result;
    session->origins = mem_alloc((count + 1) * sizeof(*session->origins));
    if (!session->origins)
        return H2_NOMEM;
    for (size_t i = 0; i < count; i++)
        (void)h2_frame_read_origin(&rest, &session->origins[i], &session->fault);
    event->kind = H2_EV_ORIGIN;
    event->origin.origins = session->origins;
    event->origin.count = count;
    return H2_OK;
}

int h2_session_submit_altsvc(h2_session *session, uint32_t stream_id, bytes_slice origin,
                             bytes_slice value) {
    size_t length = 2 + origin.size + value.size;
    if (session->role != H2_SERVER)
        return H2_MISUSE;
    if (session->is_terminal || (stream_id != 0 && !h2_session_find(session, stream_id)))
        return H2_GONE;
    if (length > session->remote.max_frame_size || origin.size > UINT16_MAX)
        return H2_TOO_LARGE;
    if (h2_session_reserve(session, H2_FRAME_HEADER_OCTETS + length, 1) != H2_OK)
        return H2_NOMEM;
    uint8_t *p = h2_wire_tail(session->wire);
    p = h2_frame_write_header(p, (uint32_t)length, H2_FRAME_ALTSVC, 0, stream_id);
    p = bytes_put_u16(p, (uint16_t)origin.size);
    if (origin.size)
        memcpy(p, origin.data, origin.size);
    if (value.size)
        memcpy(p + origin.size, value.data, value.size);
    h2_session_add_frame(session, H2_FRAME_HEADER_OCTETS + length);
    return H2_OK;
}

int h2_session_submit_origin(h2_session *session, const bytes_slice *origins, size_t count) {
    size_t length = 0;
    if (session->role != H2_SERVER)
        return H2_MISUSE;
    if (session->is_terminal)
        return H2_GONE;
    for (size_t i = 0; i < count; i++) {
        length += 2 + origins[i].size;
        if (length > session->remote.max_frame_size || origins[i].size > UINT16_MAX)
            return H2_TOO_LARGE;
    }
    if (h2_session_reserve(session, H2_FRAME_HEADER_OCTETS + length, 1) != H2_OK)
        return H2_NOMEM;
    uint8_t *p = h2_wire_tail(session->wire);
    p = h2_frame_write_header(p, (uint32_t)length, H2_FRAME_ORIGIN, 0, 0);
    for (size_t i = 0; i < count; i++) {
        p = bytes_put_u16(p, (uint16_t)origins[i].size);
        if (origins[i].size)
            memcpy(p, origins[i].data, origins[i].size);
        p += origins[i].size;
    }
    h2_session_add_frame(session, H2_FRAME_HEADER_OCTETS + length);
    return H2_OK;
}
