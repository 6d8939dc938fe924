/* Input: octets -> frames -> the handler of each type -> one event at a time (RFC 9113 §3.4, §4.1).
 * What may come next is a function; each step reads one thing where it lies. */
#include "h2/session.h"

#include "base/mem.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE_OCTETS ((uint8_t)(sizeof(preface) - 1))

typedef struct frame_handler {
    /* Looks at the header, and may set another expectation. */
    int (*begin)(h2_session *session);
    /* Takes what comes in one piece: the prefix of DATA, HEADERS and PUSH_PROMISE, else the payload. */
    int (*read)(h2_session *session, const uint8_t *octets, h2_event *event);
} frame_handler;

static const frame_handler handlers[H2_FRAME_TYPES] = {
    [H2_FRAME_DATA] = {h2_receive_data_begin, h2_receive_data},
    [H2_FRAME_HEADERS] = {NULL, h2_receive_headers},
    [H2_FRAME_PRIORITY] = {NULL, h2_receive_priority},
    [H2_FRAME_RST_STREAM] = {NULL, h2_receive_rst_stream},
    [H2_FRAME_SETTINGS] = {h2_receive_settings_begin, h2_receive_settings},
    [H2_FRAME_PUSH_PROMISE] = {NULL, h2_receive_push_promise},
    [H2_FRAME_PING] = {NULL, h2_receive_ping},
    [H2_FRAME_GOAWAY] = {NULL, h2_receive_goaway},
    [H2_FRAME_WINDOW_UPDATE] = {NULL, h2_receive_window_update},
    [H2_FRAME_CONTINUATION] = {h2_receive_continuation_begin, NULL},
    [H2_FRAME_ALTSVC] = {NULL, h2_receive_altsvc},
    [H2_FRAME_ORIGIN] = {NULL, h2_receive_origin},
    [H2_FRAME_PRIORITY_UPDATE] = {NULL, h2_receive_priority_update},
};

/* Where reading stands before anything was fed: even an empty step needs a place. */
static const uint8_t nothing[1];

static h2_expectation expect_header, expect_payload, expect_rest, expect_preface;

void h2_session_begin_reading(h2_session *session) {
    session->in.expect = session->role == H2_SERVER ? expect_preface : expect_header;
    session->in.data = nothing;
}

/* ------------------------------------------------------------------------------------- gathering */

int h2_session_gather(h2_session *session, size_t octets, const uint8_t **out) {
    h2_reader *in = &session->in;
    size_t missing = octets - in->carry.size;
    size_t size = missing < in->size ? missing : in->size;
    bool is_in_one_piece = in->carry.size == 0 && size == octets;
    if (is_in_one_piece)
        *out = in->data;
    else if (bytes_buffer_append(&in->carry, in->data, size) != 0)
        return H2_NOMEM;
    in->data += size;
    in->size -= size;
    if (size < missing)
        return H2_STARVED;
    if (!is_in_one_piece) {
        *out = in->carry.data;
        in->is_carry_done = true;
    }
    return H2_OK;
}

static void forget_carry(h2_reader *in) {
    if (!in->is_carry_done)
        return;
    in->carry.size = 0;
    in->is_carry_done = false;
}

void h2_session_skip_frame(h2_session *session) {
    session->in.expect = session->in.left ? expect_rest : expect_header;
}

/* ------------------------------------------------------------------------------------ expectations */

static int expect_preface(h2_session *session, h2_event *event) {
    (void)event;
    h2_reader *in = &session->in;
    for (; in->size > 0 && in->preface_done < PREFACE_OCTETS; in->size--)
        if (*in->data++ != (uint8_t)preface[in->preface_done++])
            return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                    "no HTTP/2 connection preface");
    if (in->preface_done < PREFACE_OCTETS)
        return H2_STARVED;
    in->expect = expect_header;
    return H2_OK;
}

/* What a header must be that comes now: §3.4 of the first one, §6.10 inside a header block. */
static int check_sequence(h2_session *session) {
    const h2_frame_header *frame = &session->in.frame;
    const h2_block *block = &session->block;
    bool is_settings = frame->type == H2_FRAME_SETTINGS && !(frame->flags & H2_FLAG_ACK);
    if (!session->in.has_settings && !is_settings)
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                "first frame that is not SETTINGS");
    if (block->kind != H2_BLOCK_NONE &&
        (frame->type != H2_FRAME_CONTINUATION || frame->stream_id != block->stream_id))
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR, "frame inside a header block");
    return H2_OK;
}

static h2_reception reception_of(const h2_session *session) {
    uint8_t type = session->in.frame.type;
    bool is_known = type < H2_FRAME_TYPES && (handlers[type].begin || handlers[type].read);
    return is_known ? h2_role_reception(session->role, type) : H2_IGNORED;
}

static int check_header(h2_session *session, h2_reception reception) {
    const h2_frame_header *frame = &session->in.frame;
    uint32_t max = session->local.max_frame_size;
    int result = h2_limits_outbound(&session->limits, &session->fault);
    if (result == H2_OK)
        result = check_sequence(session);
    if (result != H2_OK)
        return result;
    switch (reception) {
    case H2_FORBIDDEN:
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                "frame that this side never sends");
    case H2_IGNORED:
        return h2_frame_check_limit(frame, max, &session->fault);
    default:
        return h2_session_escalate(session, h2_frame_check(frame, max, &session->fault));
    }
}

static int expect_header(h2_session *session, h2_event *event) {
    (void)event;
    h2_reader *in = &session->in;
    const uint8_t *octets;
    int result = h2_session_gather(session, H2_FRAME_HEADER_OCTETS, &octets);
    if (result != H2_OK)
        return result;
    h2_frame_header_read(&in->frame, octets);
    H2_COUNT(session, frames_received, 1);
    in->left = in->frame.length;
    in->padding = 0;
    h2_reception reception = reception_of(session);
    result = check_header(session, reception);
    if (result == H2_OK)
        result = h2_limits_frame(&session->limits, H2_FRAME_HEADER_OCTETS + in->frame.length,
                                 &session->fault);
    if (result != H2_OK)
        return result;
    if (reception == H2_IGNORED) { /* §5.5 */
        h2_session_skip_frame(session);
        return h2_limits_glitch(&session->limits, &session->fault);
    }
    in->expect = expect_payload;
    const frame_handler *handler = &handlers[in->frame.type];
    return handler->begin ? handler->begin(session) : H2_OK;
}

static uint32_t octets_in_one_piece(const h2_frame_header *frame) {
    switch (frame->type) {
    case H2_FRAME_DATA:
    case H2_FRAME_HEADERS:
    case H2_FRAME_PUSH_PROMISE:
        return h2_frame_prefix_octets(frame);
    default:
        return frame->length;
    }
}

static int expect_payload(h2_session *session, h2_event *event) {
    h2_reader *in = &session->in;
    const uint8_t *octets;
    uint32_t size = octets_in_one_piece(&in->frame);
    int result = h2_session_gather(session, size, &octets);
    if (result != H2_OK)
        return result;
    in->left -= size;
    h2_session_skip_frame(session); /* unless the handler expects more of it */
    return handlers[in->frame.type].read(session, octets, event);
}

static int expect_rest(h2_session *session, h2_event *event) {
    (void)event;
    h2_reader *in = &session->in;
    uint32_t size = in->size < in->left ? (uint32_t)in->size : in->left;
    in->data += size;
    in->size -= size;
    in->left -= size;
    if (in->left > 0)
        return H2_STARVED;
    in->expect = expect_header;
    return H2_OK;
}

/* -------------------------------------------------------------------------------------- the loop */

/* A fault of a stream costs the stream, and then perhaps the patience for the session. */
static int react(h2_session *session, h2_event *event) {
    if (session->fault.scope == H2_SCOPE_STREAM) {
        h2_fault fault = session->fault;
        h2_session_skip_frame(session);
        int result = h2_session_abort_stream(session, &fault);
        if (result != H2_FAULT)
            return result;
    }
    return h2_session_fail(session, event);
}

void h2_session_forget_event(h2_session *session) {
    if (session->block.section && session->block.kind == H2_BLOCK_NONE) {
        h2_pool_give_section(session->pool, session->block.section);
        session->block.section = NULL;
    }
    mem_free(session->origins);
    session->origins = NULL;
    forget_carry(&session->in);
}

static int step(h2_session *session, h2_event *event) {
    h2_session_forget_event(session);
    if (h2_session_tell_close(session, event))
        return H2_OK;
    int result = session->in.expect(session, event);
    return result == H2_FAULT ? react(session, event) : result;
}

int h2_session_next(h2_session *session, h2_event *event) {
    bool is_stuck = session->is_out_of_memory && !session->is_terminal;
    int result = is_stuck ? H2_NOMEM : H2_OK;
    event->kind = H2_EV_NONE;
    event->stream_id = 0;
    event->context = NULL;
    while (result == H2_OK && event->kind == H2_EV_NONE)
        result = step(session, event);
    if (result == H2_STARVED && session->in.carry.size == 0)
        bytes_buffer_dispose(&session->in.carry);
    if (result == H2_NOMEM) {
        session->is_out_of_memory = true;
        session->in.expect = h2_expect_nothing;
        event->kind = H2_EV_NONE;
    }
    return result == H2_STARVED ? H2_OK : result;
}

void h2_session_feed(h2_session *session, const uint8_t *data, size_t size, uint64_t now_ms) {
    session->limits.now_ms = now_ms;
    session->in.data = size > 0 ? data : nothing;
    session->in.size = size;
    H2_COUNT(session, octets_received, size);
}

bool h2_session_has_events(const h2_session *session) {
    return session->in.size > 0 || session->is_overdue || !list_is_empty(&session->closed);
}
