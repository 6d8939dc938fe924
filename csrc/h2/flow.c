/* Flow control (RFC 9113 §5.2, §6.9): WINDOW_UPDATE in both directions. */
#include "h2/session.h"

int h2_session_put_window_update(h2_session *session, uint32_t stream_id, uint32_t increment) {
    if (h2_session_reserve(session, H2_WINDOW_UPDATE_FRAME_OCTETS, 1) != H2_OK)
        return H2_NOMEM;
    h2_frame_write_window_update(h2_wire_tail(session->wire), stream_id, increment);
    h2_session_add_frame(session, H2_WINDOW_UPDATE_FRAME_OCTETS);
    return H2_OK;
}

/* --------------------------------------------------------------------------------- the peer's */

static int receive_session_update(h2_session *session, const uint8_t *payload) {
    uint32_t increment;
    int result =
        h2_frame_read_window_update(&session->in.frame, payload, &increment, &session->fault);
    if (result != H2_OK)
        return result;
    return h2_window_grant(&session->send_window, increment, 0, &session->fault);
}

/* Past 2^31-1 the stream is reset even where the session then ends for it (§6.9.1). */
static int grant(h2_session *session, h2_stream *stream, uint32_t increment) {
    int result = h2_window_grant(&stream->send_window, increment, stream->id, &session->fault);
    if (result == H2_OK) {
        h2_session_schedule(session, stream);
        return H2_OK;
    }
    if (session->limits.options.is_strict &&
        h2_session_put_reset(session, stream->id, session->fault.code) != H2_OK)
        return H2_NOMEM;
    return h2_session_escalate(session, result);
}

static int receive_stream_update(h2_session *session, const uint8_t *payload) {
    const h2_frame_header *frame = &session->in.frame;
    h2_stream *stream;
    uint32_t increment;
    int result = h2_session_locate(session, frame->stream_id, &stream);
    if (result != H2_OK)
        return result;
    result = h2_frame_read_window_update(frame, payload, &increment, &session->fault);
    result = h2_session_escalate(session, result);
    if (!stream && (result == H2_OK || session->fault.scope == H2_SCOPE_STREAM))
        return h2_limits_glitch(&session->limits, &session->fault); /* closed: ignored */
    if (result == H2_OK)
        result = h2_session_advance(session, stream, H2_RECV_WINDOW_UPDATE);
    return result == H2_OK ? grant(session, stream, increment) : result;
}

int h2_receive_window_update(h2_session *session, const uint8_t *payload, h2_event *event) {
    (void)event;
    bool is_on_stream = session->in.frame.stream_id != 0;
    int result = is_on_stream ? receive_stream_update(session, payload)
                              : receive_session_update(session, payload);
    return result == H2_OK ? h2_limits_window_update(&session->limits, &session->fault) : result;
}

/* ------------------------------------------------------------------------------- the session's own */

static int resize_session_window(h2_session *session, uint32_t octets) {
    h2_inflow *receive = &session->receive_window;
    uint32_t before = receive->limit;
    uint32_t increment = h2_inflow_resize(receive, octets);
    if (increment == 0)
        return H2_OK;
    int result = h2_session_put_window_update(session, 0, increment);
    if (result != H2_OK) {
        h2_inflow_revert(receive, increment);
        receive->limit = before;
    }
    return result;
}

int h2_session_set_local_window(h2_session *session, uint32_t octets) {
    if (session->is_terminal)
        return H2_GONE;
    if (octets > H2_MAX_WINDOW)
        return H2_MISUSE;
    int result = resize_session_window(session, octets);
    if (result == H2_OK)
        session->is_window_set = true;
    return result;
}

/* ----------------------------------------------------------------- rounds that make windows grow */

/* Tells our answers from those to the program's; two PINGs of the same octets may change places. */
static const uint8_t own_ping[8] = {'o', 'w', 'n', ' ', 'p', 'i', 'n', 'g'};

/* A program that has asked for smaller windows than the ordinary ones is to have them. */
static bool may_grow(const h2_session *session) {
    return session->local.initial_window_size >= H2_INITIAL_WINDOW;
}

/* A PING that cannot be written is a round that does not begin, and no more. */
static void begin_round(h2_session *session) {
    uint64_t now_ms = session->limits.now_ms;
    if (may_grow(session) && h2_growth_wants_round(&session->growth, now_ms) &&
        h2_session_put_ping(session, 0, own_ping) == H2_OK)
        h2_growth_begin_round(&session->growth, now_ms);
}

bool h2_session_take_own_ping(h2_session *session, const uint8_t payload[8]) {
    if (session->growth.round != H2_ROUND_ASKED || memcmp(payload, own_ping, 8) != 0)
        return false;
    h2_growth_answer(&session->growth, session->limits.now_ms);
    return true;
}

static int end_round(h2_session *session) {
    bool is_raised = h2_growth_end_round(&session->growth, session->limits.now_ms);
    uint32_t octets = h2_growth_session_window(&session->growth);
    if (!is_raised || session->is_window_set || octets <= session->receive_window.limit)
        return H2_OK;
    return resize_session_window(session, octets);
}

/* ------------------------------------------------------------------------------------ of streams */

/* An update is also the sign that more than a little is read: the time to measure, and to grow. */
int h2_session_credit(h2_session *session, h2_stream *stream) {
    h2_inflow *inflow = &stream->receive_window;
    if (h2_state_is_remote_closed(stream->state) || !h2_inflow_is_due(inflow))
        return H2_OK; /* nothing more comes, or not yet */
    if (end_round(session) != H2_OK)
        return H2_NOMEM;
    if (may_grow(session))
        h2_growth_apply(&session->growth, inflow);
    uint32_t increment = h2_inflow_update(inflow);
    int result = h2_session_put_window_update(session, stream->id, increment);
    if (result == H2_OK)
        begin_round(session);
    else
        h2_inflow_revert(inflow, increment);
    return result;
}

void h2_session_consume(h2_session *session, uint32_t stream_id, size_t octets, uint64_t now_ms) {
    h2_stream *stream = h2_session_find(session, stream_id);
    session->limits.now_ms = now_ms;
    if (!stream)
        return;
    uint32_t unread = stream->receive_window.unread;
    uint32_t consumed = h2_inflow_consume(&stream->receive_window, octets);
    if (consumed == 0)
        return;
    uint32_t frames = (uint32_t)((uint64_t)stream->unread_frames * consumed / unread);
    stream->unread_frames -= frames;
    session->unread_frames -= frames;
    session->unread_octets -= consumed;
    h2_growth_count(&session->growth, consumed);
    if (h2_session_credit(session, stream) != H2_OK)
        session->is_out_of_memory = true;
}
