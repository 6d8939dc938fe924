/* What the program sends: messages, chunks, ends and resets. */
#include "h2/session.h"

static const h2_ending local_cancel = {0, H2_BY_LOCAL, true, true, NULL};

/* ------------------------------------------------------------------------------------- requests */

bool h2_session_can_launch(const h2_session *session) {
    return !list_is_empty(&session->waiting) &&
           session->active_local < session->remote.max_concurrent_streams;
}

/* HEADERS of a request leave, by which the stream opens. */
static int open_request(h2_session *session, h2_stream *stream, const hpack_field *fields,
                        size_t count, bool is_end) {
    int result = h2_session_put_block(session, stream->id, 0, fields, count, is_end);
    if (result != H2_OK)
        return result;
    stream->is_waiting = false;
    stream->has_sent_final = true;
    session->last_begun_id = stream->id;
    h2_session_activate(session, stream);
    (void)h2_session_advance(session, stream, H2_SEND_HEADERS);
    if (is_end)
        (void)h2_session_advance(session, stream, H2_SEND_END);
    h2_session_schedule(session, stream);
    return H2_OK;
}

int h2_session_launch(h2_session *session) {
    while (h2_session_can_launch(session)) {
        h2_stream *stream = LIST_ENTRY(list_first(&session->waiting), h2_stream, link);
        bool has_more = stream->first_chunk || stream->trailers;
        int result = open_request(session, stream, stream->headers->fields, stream->headers->count,
                                  stream->is_ending && !has_more);
        if (result != H2_OK)
            return result;
        h2_session_release_held(session, &stream->headers);
        list_remove(&stream->link);
        list_append(&session->open, &stream->link);
        if (stream->trailers && !stream->first_chunk)
            result = h2_session_put_held_trailers(session, stream);
        if (result != H2_OK)
            return result;
    }
    return H2_OK;
}

/* The request has to wait, with all that is said of it. */
static int hold_request(h2_session *session, h2_stream *stream, const hpack_field *fields,
                        size_t count) {
    int result = h2_session_hold(session, fields, count, &stream->headers);
    if (result != H2_OK)
        return result;
    stream->is_waiting = true;
    list_remove(&stream->link);
    list_append(&session->waiting, &stream->link);
    return H2_OK;
}

static int check_new_request(const h2_session *session, const hpack_field *fields, size_t count) {
    if (session->role != H2_CLIENT)
        return H2_MISUSE;
    if (!h2_session_takes_requests(session))
        return H2_GONE;
    if (session->next_id > H2_MAX_31_BIT)
        return H2_NO_IDS;
    return h2_session_measure(session, fields, count);
}

int h2_session_submit_request(h2_session *session, const hpack_field *fields, size_t count,
                              bool is_end, void *context, uint32_t *stream_id) {
    h2_stream *stream;
    int result = check_new_request(session, fields, count);
    if (result == H2_OK)
        result = h2_session_add_stream(session, session->next_id, H2_STATE_IDLE, &stream);
    if (result != H2_OK)
        return result;
    h2_message_facts facts;
    h2_fields_survey(fields, count, &facts);
    stream->context = context;
    stream->is_head = facts.is_head;
    stream->is_connect = facts.is_connect;
    stream->is_ending = is_end;
    if (facts.has_priority) {
        stream->has_priority = true;
        stream->node.priority = facts.priority;
    }
    bool has_turn = list_is_empty(&session->waiting) &&
                    session->active_local < session->remote.max_concurrent_streams;
    result = has_turn ? open_request(session, stream, fields, count, is_end)
                      : hold_request(session, stream, fields, count);
    if (result != H2_OK) {
        h2_session_remove_stream(session, stream);
        return result;
    }
    *stream_id = stream->id;
    h2_history_open(&session->local_ids, stream->id);
    session->next_id += 2;
    return H2_OK;
}

int h2_session_set_next_id(h2_session *session, uint32_t stream_id) {
    if (!h2_role_owns_id(session->role, stream_id) || stream_id < session->next_id)
        return H2_MISUSE;
    session->next_id = stream_id;
    return H2_OK;
}

/* ------------------------------------------------------------------------------------ responses */

/* Whether HEADERS may go, without moving the state yet. */
static int check_send_headers(h2_session *session, const h2_stream *stream) {
    h2_stream_state next = stream->state;
    return h2_state_advance(&next, H2_SEND_HEADERS, stream->id, &session->fault);
}

static int put_response(h2_session *session, uint32_t stream_id, const hpack_field *fields,
                        size_t count, bool is_end, h2_stream **out) {
    h2_stream *stream = h2_session_find(session, stream_id);
    if (!stream)
        return H2_GONE;
    if (session->role != H2_SERVER || stream->has_sent_final)
        return H2_MISUSE;
    int result = check_send_headers(session, stream);
    if (result == H2_OK)
        result = h2_session_measure(session, fields, count);
    if (result == H2_OK)
        result = h2_session_put_block(session, stream_id, 0, fields, count, is_end);
    if (result != H2_OK)
        return result;
    (void)h2_session_advance(session, stream, H2_SEND_HEADERS);
    if (!stream->is_active) /* a push begins */
        h2_session_activate(session, stream);
    *out = stream;
    return H2_OK;
}

int h2_session_submit_response(h2_session *session, uint32_t stream_id, const hpack_field *fields,
                               size_t count, bool is_end) {
    h2_stream *stream;
    int result = put_response(session, stream_id, fields, count, is_end, &stream);
    if (result != H2_OK)
        return result;
    stream->has_sent_final = true;
    stream->is_ending = is_end;
    return is_end ? h2_session_advance(session, stream, H2_SEND_END) : H2_OK;
}

int h2_session_submit_informational(h2_session *session, uint32_t stream_id,
                                    const hpack_field *fields, size_t count) {
    h2_stream *stream;
    return put_response(session, stream_id, fields, count, false, &stream);
}

/* ---------------------------------------------------------------------------------------- pushes */

/* §8.4: only on a stream that the peer has opened, and while it takes pushes. */
static int check_push(h2_session *session, uint32_t parent_id) {
    const h2_stream *parent = h2_session_find(session, parent_id);
    if (session->role != H2_SERVER)
        return H2_MISUSE;
    if (!parent || !h2_session_takes_requests(session))
        return H2_GONE;
    if (h2_role_owns_id(session->role, parent_id))
        return H2_MISUSE;
    if (h2_state_is_local_closed(parent->state))
        return H2_GONE;
    if (!session->remote.enable_push)
        return H2_DISABLED;
    /* Promises count before they begin, so that none has to wait. */
    size_t pushes = session->live_streams - session->active_peer;
    if (pushes >= session->remote.max_concurrent_streams)
        return H2_LIMIT;
    return session->next_id > H2_MAX_31_BIT ? H2_NO_IDS : H2_OK;
}

int h2_session_submit_push(h2_session *session, uint32_t parent_id, const hpack_field *fields,
                           size_t count, void *context, uint32_t *promised_id) {
    h2_stream *stream;
    int result = check_push(session, parent_id);
    if (result == H2_OK)
        result = h2_session_measure(session, fields, count);
    if (result == H2_OK)
        result = h2_session_add_stream(session, session->next_id, H2_STATE_IDLE, &stream);
    if (result != H2_OK)
        return result;
    result = h2_session_put_block(session, parent_id, stream->id, fields, count, false);
    if (result != H2_OK) {
        h2_session_remove_stream(session, stream);
        return result;
    }
    (void)h2_session_advance(session, stream, H2_SEND_PROMISE);
    stream->context = context;
    stream->has_received_final = true;
    h2_history_open(&session->local_ids, stream->id);
    session->next_id += 2;
    *promised_id = stream->id;
    return H2_OK;
}

/* ------------------------------------------------------------------------------ content and ends */

/* A stream whose sending side is open, and that has said what the content belongs to. */
static int find_writable(h2_session *session, uint32_t stream_id, h2_stream **out) {
    h2_stream *stream = h2_session_find(session, stream_id);
    if (!stream || stream->is_ending)
        return H2_GONE;
    if (!stream->has_sent_final && !stream->is_waiting)
        return H2_MISUSE;
    *out = stream;
    return H2_OK;
}

int h2_session_write(h2_session *session, uint32_t stream_id, h2_chunk *chunk) {
    h2_stream *stream;
    int result = find_writable(session, stream_id, &stream);
    if (result != H2_OK)
        return result;
    if (chunk->data && chunk->size == 0 && !stream->first_chunk) {
        /* Nothing to wait for: it is done when what went before it is sent. */
        if (h2_session_reserve(session, 0, 1) != H2_OK)
            return H2_NOMEM;
        chunk->_next = NULL;
        chunk->_unsent = 0;
        h2_wire_add_release(session->wire, chunk);
        return H2_OK;
    }
    h2_stream_push_chunk(stream, chunk);
    if (chunk->data)
        session->queued_octets += chunk->size;
    h2_session_schedule(session, stream);
    return H2_OK;
}

int h2_session_put_end(h2_session *session, h2_stream *stream) {
    if (h2_session_reserve(session, H2_FRAME_HEADER_OCTETS, 1) != H2_OK)
        return H2_NOMEM;
    h2_frame_write_header(h2_wire_tail(session->wire), 0, H2_FRAME_DATA, H2_FLAG_END_STREAM,
                          stream->id);
    h2_wire_add(session->wire, H2_FRAME_HEADER_OCTETS, 0, 0);
    H2_COUNT(session, frames_sent, 1);
    return h2_session_advance(session, stream, H2_SEND_END);
}

int h2_session_end(h2_session *session, uint32_t stream_id) {
    h2_stream *stream;
    int result = find_writable(session, stream_id, &stream);
    if (result == H2_OK && !stream->first_chunk && !stream->is_waiting)
        result = h2_session_put_end(session, stream);
    if (result == H2_OK)
        stream->is_ending = true;
    return result;
}

int h2_session_put_held_trailers(h2_session *session, h2_stream *stream) {
    int result = h2_session_put_block(session, stream->id, 0, stream->trailers->fields,
                                      stream->trailers->count, true);
    if (result != H2_OK)
        return result;
    h2_session_release_held(session, &stream->trailers);
    return h2_session_advance(session, stream, H2_SEND_END);
}

int h2_session_submit_trailers(h2_session *session, uint32_t stream_id, const hpack_field *fields,
                               size_t count) {
    h2_stream *stream;
    int result = find_writable(session, stream_id, &stream);
    if (result == H2_OK)
        result = h2_session_measure(session, fields, count);
    if (result != H2_OK)
        return result;
    bool has_to_wait = stream->first_chunk || stream->is_waiting;
    result = has_to_wait ? h2_session_hold(session, fields, count, &stream->trailers)
                         : h2_session_put_block(session, stream_id, 0, fields, count, true);
    if (result != H2_OK)
        return result;
    stream->is_ending = true;
    return has_to_wait ? H2_OK : h2_session_advance(session, stream, H2_SEND_END);
}

void h2_session_resume(h2_session *session, uint32_t stream_id) {
    h2_stream *stream = h2_session_find(session, stream_id);
    if (!stream)
        return;
    stream->is_blocked = false;
    h2_session_schedule(session, stream);
}

int h2_session_reset(h2_session *session, uint32_t stream_id, uint32_t code) {
    h2_stream *stream = h2_session_find(session, stream_id);
    if (!stream)
        return H2_OK;
    h2_ending ending = local_cancel;
    ending.code = code;
    ending.is_processed = !stream->is_waiting;
    if (!stream->is_waiting && h2_session_put_reset(session, stream_id, code) != H2_OK)
        return H2_NOMEM;
    h2_session_close(session, stream, ending);
    return H2_OK;
}
