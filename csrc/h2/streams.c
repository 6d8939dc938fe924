/* The streams of a session: finding, opening, counting, closing. */
#include "h2/session.h"

h2_stream *h2_session_find(const h2_session *session, uint32_t stream_id) {
    h2_stream *stream = idmap_get(&session->streams, stream_id);
    return stream && stream->state != H2_STATE_CLOSED ? stream : NULL;
}

static h2_history *history_of(h2_session *session, uint32_t stream_id) {
    bool is_local = h2_role_owns_id(session->role, stream_id);
    return is_local ? &session->local_ids : &session->peer_ids;
}

int h2_session_locate(h2_session *session, uint32_t stream_id, h2_stream **out) {
    *out = h2_session_find(session, stream_id);
    bool is_idle = *out ? (*out)->is_waiting : stream_id > history_of(session, stream_id)->newest;
    if (is_idle)
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR, "frame on an idle stream");
    return H2_OK;
}

int h2_session_locate_open(h2_session *session, uint32_t stream_id, h2_stream **out) {
    int result = h2_session_locate(session, stream_id, out);
    if (result != H2_OK || *out)
        return result;
    switch (h2_history_fate(history_of(session, stream_id), stream_id)) {
    case H2_FATE_UNUSED:
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                "stream identifier below an earlier one"); /* §5.1.1 */
    case H2_FATE_USED:
        return h2_fault_session(&session->fault, H2_STREAM_CLOSED, "frame on a closed stream");
    case H2_FATE_RESET:
    case H2_FATE_FORGOTTEN:
        break;
    }
    return h2_limits_glitch(&session->limits, &session->fault);
}

/* ------------------------------------------------------------------------------------- opening */

int h2_session_add_stream(h2_session *session, uint32_t stream_id, h2_stream_state state,
                          h2_stream **out) {
    h2_stream *stream = h2_pool_take_stream(session->pool);
    if (!stream)
        return H2_NOMEM;
    h2_stream_init(stream, stream_id, state, session->remote.initial_window_size,
                   session->local.initial_window_size);
    if (idmap_put(&session->streams, stream_id, stream) != 0) {
        h2_pool_give_stream(session->pool, stream);
        return H2_NOMEM;
    }
    list_append(&session->open, &stream->link);
    session->live_streams++;
    if (session->counters && session->live_streams > session->counters->most_streams)
        session->counters->most_streams = session->live_streams;
    *out = stream;
    return H2_OK;
}

void h2_session_remove_stream(h2_session *session, h2_stream *stream) {
    idmap_remove(&session->streams, stream->id);
    list_remove(&stream->link);
    session->live_streams--;
    h2_pool_give_stream(session->pool, stream);
}

static uint32_t *active_count(h2_session *session, const h2_stream *stream) {
    bool is_local = h2_role_owns_id(session->role, stream->id);
    return is_local ? &session->active_local : &session->active_peer;
}

void h2_session_activate(h2_session *session, h2_stream *stream) {
    /* A stream asks for updates of its window a few times before it is answered. */
    h2_limits_earn_updates(&session->limits, 4);
    stream->is_active = true;
    ++*active_count(session, stream);
}

void h2_session_schedule(h2_session *session, h2_stream *stream) {
    if (h2_stream_is_sendable(stream))
        h2_scheduler_add(&session->scheduler, &stream->node);
    else
        h2_scheduler_remove(&session->scheduler, &stream->node);
    h2_session_note_stall(session, stream);
}

int h2_session_hold(h2_session *session, const hpack_field *fields, size_t count,
                    hpack_section **out) {
    hpack_section *section = h2_pool_take_section(session->pool);
    if (!section)
        return H2_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (hpack_section_add(section, &fields[i]) != HPACK_OK) {
            h2_pool_give_section(session->pool, section);
            return H2_NOMEM;
        }
    }
    session->held_octets += section->list_octets;
    *out = section;
    return H2_OK;
}

void h2_session_release_held(h2_session *session, hpack_section **held) {
    if (!*held)
        return;
    session->held_octets -= (*held)->list_octets;
    h2_pool_give_section(session->pool, *held);
    *held = NULL;
}

/* ------------------------------------------------------------------------------------- closing */

static void discharge(h2_session *session, h2_stream *stream) {
    session->queued_octets -= stream->queued_octets;
    session->unread_octets -= stream->receive_window.unread;
    session->unread_frames -= stream->unread_frames;
    stream->receive_window.unread = 0;
    stream->unread_frames = 0;
    h2_growth_give_back(&session->growth, &stream->receive_window);
    h2_stream_drop_chunks(stream);
    h2_session_release_held(session, &stream->headers);
    h2_session_release_held(session, &stream->trailers);
    h2_scheduler_remove(&session->scheduler, &stream->node);
    if (stream->is_active)
        --*active_count(session, stream);
    stream->is_active = false;
}

void h2_session_close(h2_session *session, h2_stream *stream, h2_ending ending) {
    if (stream->state == H2_STATE_RESERVED_REMOTE)
        session->reserved_peer--;
    stream->state = H2_STATE_CLOSED;
    stream->is_waiting = false;
    stream->ending = ending;
    discharge(session, stream);
    list_remove(&stream->link);
    list_append(&session->closed, &stream->link);
    session->live_streams--;
}

int h2_session_advance(h2_session *session, h2_stream *stream, h2_input input) {
    int result = h2_state_advance(&stream->state, input, stream->id, &session->fault);
    if (result == H2_OK && stream->state == H2_STATE_CLOSED)
        h2_session_close(session, stream, (h2_ending){H2_NO_ERROR, H2_BY_LOCAL, false, true, NULL});
    return result;
}

bool h2_session_tell_close(h2_session *session, h2_event *event) {
    list_node *link = list_first(&session->closed);
    if (!link)
        return false;
    h2_stream *stream = LIST_ENTRY(link, h2_stream, link);
    event->kind = H2_EV_CLOSE;
    event->stream_id = stream->id;
    event->context = stream->context;
    event->close.code = stream->ending.code;
    event->close.by = stream->ending.by;
    event->close.is_reset = stream->ending.is_reset;
    event->close.is_processed = stream->ending.is_processed;
    event->close.text = stream->ending.text;
    event->close.octets_sent = stream->octets_sent;
    event->close.octets_received = stream->octets_received;
    list_remove(link);
    idmap_remove(&session->streams, stream->id);
    h2_pool_give_stream(session->pool, stream);
    return true;
}

void h2_session_drop_streams(h2_session *session) {
    list_node *lists[] = {&session->open, &session->waiting, &session->closed};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        list_node *link;
        while ((link = list_first(lists[i])) != NULL) {
            h2_stream *stream = LIST_ENTRY(link, h2_stream, link);
            discharge(session, stream);
            list_remove(link);
            idmap_remove(&session->streams, stream->id);
            h2_pool_give_stream(session->pool, stream);
        }
    }
    session->live_streams = 0;
    session->reserved_peer = 0;
}
