/* How a session ends (RFC 9113 §5.4.1, §6.8): GOAWAY in both directions, draining, and what may be
 * tried again on another connection. */
#include "h2/session.h"

bool h2_session_takes_requests(const h2_session *session) {
    return !session->is_terminal && !session->is_input_ended && !session->has_sent_goaway &&
           session->received_goaways == 0;
}

/* The last identifier is never raised above what an earlier GOAWAY said. */
static int put_goaway(h2_session *session, uint32_t code, uint32_t last_id, bytes_slice debug) {
    if (last_id > session->last_processed_id)
        last_id = session->last_processed_id;
    if (session->has_sent_goaway && last_id > session->sent_last_id)
        last_id = session->sent_last_id;
    size_t most = H2_LEAST_MAX_FRAME_SIZE - H2_GOAWAY_OCTETS;
    h2_goaway goaway = {last_id, code,
                        bytes_slice_of(debug.data, debug.size < most ? debug.size : most)};
    size_t octets = H2_FRAME_HEADER_OCTETS + H2_GOAWAY_OCTETS + goaway.debug.size;
    if (h2_session_reserve(session, octets, 1) != H2_OK)
        return H2_NOMEM;
    h2_frame_write_goaway(h2_wire_tail(session->wire), &goaway);
    h2_session_add_frame(session, octets);
    session->has_sent_goaway = true;
    session->sent_last_id = last_id;
    return H2_OK;
}

/* --------------------------------------------------------------------------------- immediate ends */

int h2_expect_nothing(h2_session *session, h2_event *event) {
    (void)event;
    session->in.size = 0;
    return H2_STARVED;
}

/* A header block that was open is given up with the rest. */
static void stop_reading(h2_session *session) {
    session->in.expect = h2_expect_nothing;
    session->in.size = 0;
    session->block.kind = H2_BLOCK_NONE;
}

static int end_at_once(h2_session *session, uint32_t code, bytes_slice debug) {
    int result = put_goaway(session, code, H2_MAX_31_BIT, debug);
    if (result != H2_OK)
        return result;
    session->is_terminal = true;
    stop_reading(session);
    h2_session_drop_streams(session);
    return H2_OK;
}

int h2_session_terminate(h2_session *session, uint32_t code, bytes_slice debug) {
    return session->is_terminal ? H2_OK : end_at_once(session, code, debug);
}

int h2_session_fail(h2_session *session, h2_event *event) {
    h2_fault fault = session->fault;
    int result = end_at_once(session, fault.code, bytes_slice_of(fault.text, strlen(fault.text)));
    if (result != H2_OK)
        return result;
    event->kind = H2_EV_FAULT;
    event->stream_id = 0;
    event->context = NULL;
    event->fault.code = fault.code;
    event->fault.text = fault.text;
    return H2_OK;
}

/* ---------------------------------------------------------------------------------- graceful ends */

int h2_session_submit_goaway(h2_session *session, uint32_t code, uint32_t last_id,
                             bytes_slice debug) {
    return session->is_terminal ? H2_GONE : put_goaway(session, code, last_id, debug);
}

int h2_session_shutdown(h2_session *session) {
    if (session->is_terminal || session->is_draining)
        return H2_OK;
    int result = put_goaway(session, H2_NO_ERROR, H2_MAX_31_BIT, bytes_slice_of(NULL, 0));
    if (result == H2_OK)
        session->is_draining = true;
    return result;
}

bool h2_session_is_drain_due(const h2_session *session) {
    return session->is_draining && !session->is_drained && !session->is_terminal &&
           session->live_streams == 0;
}

int h2_session_finish_drain(h2_session *session) {
    int result = put_goaway(session, H2_NO_ERROR, H2_MAX_31_BIT, bytes_slice_of(NULL, 0));
    if (result == H2_OK)
        session->is_drained = true;
    return result;
}

bool h2_session_is_finished(const h2_session *session) {
    return session->is_terminal || session->is_drained ||
           (session->is_input_ended && session->live_streams == 0);
}

/* ------------------------------------------------------------------------------ the peer's leaving */

static void close_all(h2_session *session, list_node *list,
                      bool (*is_concerned)(const h2_session *, const h2_stream *),
                      h2_ending ending) {
    list_node *next;
    for (list_node *link = list->next; link != list; link = next) {
        h2_stream *stream = LIST_ENTRY(link, h2_stream, link);
        next = link->next;
        if (is_concerned(session, stream))
            h2_session_close(session, stream, ending);
    }
}

/* §6.8: the peer has not acted on, and will not act on, what is above its last identifier. */
static bool is_refused_by_goaway(const h2_session *session, const h2_stream *stream) {
    return h2_role_owns_id(session->role, stream->id) &&
           (stream->is_waiting || stream->id > session->received_last_id);
}

int h2_receive_goaway(h2_session *session, const uint8_t *payload, h2_event *event) {
    h2_goaway goaway;
    h2_frame_read_goaway(&session->in.frame, payload, &goaway);
    if (session->received_goaways == 2)
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR, "third GOAWAY");
    if (session->received_goaways > 0 && goaway.last_id > session->received_last_id)
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                "GOAWAY that raises the last stream identifier");
    session->received_goaways++;
    session->received_last_id = goaway.last_id;
    h2_ending refused = {H2_REFUSED_STREAM, H2_BY_PEER, true, false, NULL};
    close_all(session, &session->open, is_refused_by_goaway, refused);
    close_all(session, &session->waiting, is_refused_by_goaway, refused);
    event->kind = H2_EV_GOAWAY;
    event->goaway.code = goaway.code;
    event->goaway.last_id = goaway.last_id;
    event->goaway.debug = goaway.debug;
    return H2_OK;
}

/* Without the rest of its message a stream has no use. */
static bool is_cut(const h2_session *session, const h2_stream *stream) {
    (void)session;
    return !h2_state_is_remote_closed(stream->state);
}

static bool is_never_sent(const h2_session *session, const h2_stream *stream) {
    (void)session;
    return stream->is_waiting;
}

void h2_session_end_input(h2_session *session) {
    if (session->is_terminal)
        return;
    session->is_input_ended = true;
    stop_reading(session);
    h2_ending cut = {H2_CANCEL, H2_BY_PEER, true, true, NULL};
    close_all(session, &session->open, is_cut, cut);
    cut.is_processed = false;
    close_all(session, &session->waiting, is_never_sent, cut);
}
