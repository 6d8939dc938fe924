/* What a peer has to do by a certain time. The engine has no clock: it is told the time, and says when
 * it wants to be told again. */
#include "h2/session.h"

/* How often streams are looked at while windows hold their DATA back. */
#define LOOK_MS 1000
/* A loop that was busy for long has input to read before anybody is late. */
#define GRACE_MS 100
/* What moves in the time that a stream may be stalled is progress. */
#define PROGRESS_OCTETS 16384

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t after(const h2_session *session, uint32_t ms) {
    return ms > 0 ? session->limits.now_ms + ms : H2_NEVER;
}

/* --------------------------------------------------------------------------- SETTINGS and blocks */

void h2_session_date_settings(h2_session *session, h2_settings_sent *sent) {
    sent->due_ms =
        session->is_timed ? after(session, session->limits.options.settings_ack_ms) : H2_NEVER;
}

void h2_session_date_block(h2_session *session) {
    session->deadlines.begun_ms = after(session, session->limits.options.header_block_ms);
}

/* The clock runs from now on. */
static void start(h2_session *session) {
    session->is_timed = true;
    session->deadlines.begun_ms = after(session, session->limits.options.first_settings_ms);
    for (list_node *link = session->sent_settings.next; link != &session->sent_settings;
         link = link->next)
        h2_session_date_settings(session, LIST_ENTRY(link, h2_settings_sent, link));
}

static uint64_t first_settings_due(const h2_session *session) {
    return session->in.has_settings ? H2_NEVER : session->deadlines.begun_ms;
}

static uint64_t acknowledgement_due(const h2_session *session) {
    const list_node *link = session->sent_settings.next;
    return link == &session->sent_settings ? H2_NEVER
                                           : LIST_ENTRY(link, h2_settings_sent, link)->due_ms;
}

static uint64_t block_due(const h2_session *session) {
    return session->block.kind != H2_BLOCK_NONE ? session->deadlines.begun_ms : H2_NEVER;
}

/* ---------------------------------------------------------------------------------------- stalls */

/* Whether a window, not our own want of octets or of a turn, holds the stream's DATA back. */
static bool is_held_back(const h2_session *session, const h2_stream *stream) {
    return session->send_window.left <= 0 || stream->send_window.left <= 0;
}

static bool has_octets(const h2_stream *stream) {
    return stream->first_chunk && !stream->is_blocked && stream->has_sent_final;
}

static void arm(h2_session *session) {
    uint32_t limit_ms = session->limits.options.stream_stall_ms;
    if (limit_ms > 0 && session->deadlines.look_ms == H2_NEVER)
        session->deadlines.look_ms =
            session->limits.now_ms + (limit_ms < LOOK_MS ? limit_ms : LOOK_MS);
}

void h2_session_note_stall(h2_session *session, h2_stream *stream) {
    if (stream->is_stalled || !has_octets(stream) || !is_held_back(session, stream))
        return;
    stream->is_stalled = true;
    stream->stalled_ms = session->limits.now_ms;
    stream->moved_octets = 0;
    arm(session);
}

/* Whether the stream has to be watched further; with *is_over it is to end. */
static bool judge_stall(const h2_session *session, h2_stream *stream, bool *is_over) {
    uint64_t now_ms = session->limits.now_ms;
    *is_over = false;
    if (!has_octets(stream)) {
        stream->is_stalled = false;
    } else if (stream->moved_octets >= PROGRESS_OCTETS) {
        stream->moved_octets = 0;
        stream->stalled_ms = now_ms;
        stream->is_stalled = is_held_back(session, stream);
    } else {
        *is_over = now_ms - stream->stalled_ms >= session->limits.options.stream_stall_ms &&
                   is_held_back(session, stream);
    }
    return stream->is_stalled;
}

static int look_at_streams(h2_session *session) {
    static const h2_ending stalled = {H2_CANCEL, H2_BY_ENGINE, true, true,
                                      "the peer does not take the DATA"};
    list_node *next;
    bool is_any = false;
    for (list_node *link = session->open.next; link != &session->open; link = next) {
        h2_stream *stream = LIST_ENTRY(link, h2_stream, link);
        bool is_over;
        next = link->next;
        h2_session_note_stall(session, stream); /* of the connection's window */
        if (!stream->is_stalled)
            continue;
        is_any |= judge_stall(session, stream, &is_over);
        if (!is_over)
            continue;
        if (h2_session_put_reset(session, stream->id, stalled.code) != H2_OK)
            return H2_NOMEM;
        h2_session_close(session, stream, stalled);
    }
    session->deadlines.look_ms = H2_NEVER;
    if (is_any)
        arm(session);
    return H2_OK;
}

void h2_session_note_exhaustion(h2_session *session) {
    if (session->send_window.left <= 0 && h2_scheduler_next(&session->scheduler))
        arm(session);
}

/* ----------------------------------------------------------------------------------------- ticks */

static int expect_overdue(h2_session *session, h2_event *event) {
    (void)session, (void)event;
    return H2_FAULT;
}

/* The next h2_session_next tells of it. */
static void fail_late(h2_session *session, h2_error_code code, const char *text) {
    (void)h2_fault_session(&session->fault, code, text);
    session->in.expect = expect_overdue;
    session->is_overdue = true;
}

static uint64_t due(const h2_session *session) {
    if (session->is_terminal || session->is_overdue || session->is_input_ended)
        return H2_NEVER;
    uint64_t due_ms = earlier(first_settings_due(session), acknowledgement_due(session));
    return earlier(earlier(due_ms, block_due(session)), session->deadlines.look_ms);
}

uint64_t h2_session_deadline(const h2_session *session) {
    uint64_t due_ms = due(session), grace_ms = session->deadlines.grace_ms;
    return due_ms < grace_ms ? grace_ms : due_ms;
}

void h2_session_tick(h2_session *session, uint64_t now_ms) {
    if (now_ms > session->limits.now_ms)
        session->limits.now_ms = now_ms;
    session->limits.accepted_streams = 0;
    if (!session->is_timed)
        start(session);
    if (now_ms < h2_session_deadline(session))
        return;
    if (session->deadlines.grace_ms < due(session)) {
        session->deadlines.grace_ms = now_ms + GRACE_MS;
        return;
    }
    if (first_settings_due(session) <= now_ms)
        fail_late(session, H2_SETTINGS_TIMEOUT, "no SETTINGS in time");
    else if (acknowledgement_due(session) <= now_ms)
        fail_late(session, H2_SETTINGS_TIMEOUT, "SETTINGS not acknowledged in time");
    else if (block_due(session) <= now_ms)
        fail_late(session, H2_ENHANCE_YOUR_CALM, "header block that does not end");
    else if (look_at_streams(session) != H2_OK)
        session->is_out_of_memory = true;
}
