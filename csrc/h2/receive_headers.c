/* Header blocks (RFC 9113 §4.3, §6.2, §6.6, §6.10): fragments go to the decoder as they come, and
 * become a message when the block ends. No stream is made before it is known to be valid. */
#include "h2/session.h"

/* A list is over the limit at once, a connection only after so many times of it. */
#define EXCESS_FACTOR 4
/* What a field section may be where SETTINGS_MAX_HEADER_LIST_SIZE does not say. */
#define DEFAULT_LIST_OCTETS 65535u
#define LAST_ID H2_MAX_31_BIT

/* §6.5.2 */
static hpack_limits section_limits(const h2_session *session) {
    uint32_t said = session->local.max_header_list_size;
    size_t octets = said == UINT32_MAX ? DEFAULT_LIST_OCTETS : said;
    size_t excess = octets < SIZE_MAX / EXCESS_FACTOR ? octets * EXCESS_FACTOR : SIZE_MAX;
    hpack_limits limits = {octets, session->limits.options.max_header_list_pairs, excess};
    return limits;
}

static int stream_fault(h2_session *session, uint32_t stream_id, h2_error_code code,
                        const char *text) {
    return h2_fault_stream(&session->fault, stream_id, code, text);
}

/* ------------------------------------------------------------------------------- where it begins */

static h2_expectation expect_fragment;

static int begin_block(h2_session *session, h2_block_kind kind, uint32_t promised_id,
                       bool is_late) {
    const h2_frame_header *frame = &session->in.frame;
    h2_block *block = &session->block;
    hpack_section *section = h2_pool_take_section(session->pool);
    if (!section)
        return H2_NOMEM;
    *block = (h2_block){.kind = kind,
                        .flags = frame->flags,
                        .stream_id = frame->stream_id,
                        .promised_id = promised_id,
                        .is_late = is_late,
                        .section = section};
    h2_limits_block(&session->limits);
    h2_session_date_block(session);
    session->in.expect = expect_fragment;
    bool is_empty = session->in.left == session->in.padding;
    if (is_empty && !(frame->flags & H2_FLAG_END_HEADERS))
        return h2_limits_invalid_frame(&session->limits, &session->fault);
    return H2_OK;
}

/* An identifier above all before. After our GOAWAY it is ignored, but not the table (§6.8). */
static int begin_request(h2_session *session) {
    uint32_t stream_id = session->in.frame.stream_id;
    h2_history_open(&session->peer_ids, stream_id);
    if (!session->has_sent_goaway)
        return begin_block(session, H2_BLOCK_REQUEST, 0, false);
    h2_history_reset(&session->peer_ids, stream_id);
    int result = h2_limits_glitch(&session->limits, &session->fault);
    return result == H2_OK ? begin_block(session, H2_BLOCK_DISCARD, 0, false) : result;
}

static int begin_message(h2_session *session) {
    h2_stream *stream;
    int result = h2_session_locate_open(session, session->in.frame.stream_id, &stream);
    if (result != H2_OK)
        return result;
    if (!stream)
        return begin_block(session, H2_BLOCK_DISCARD, 0, false);
    h2_stream_state next = stream->state;
    result = h2_session_escalate(
        session, h2_state_advance(&next, H2_RECV_HEADERS, stream->id, &session->fault));
    if (result != H2_OK && session->fault.scope == H2_SCOPE_SESSION)
        return result;
    return begin_block(session, H2_BLOCK_MESSAGE, 0, result != H2_OK);
}

int h2_receive_headers(h2_session *session, const uint8_t *octets, h2_event *event) {
    (void)event;
    const h2_frame_header *frame = &session->in.frame;
    h2_frame_prefix prefix;
    int result = h2_frame_read_prefix(frame, octets, &prefix, &session->fault);
    if (result != H2_OK)
        return result;
    session->in.padding = prefix.padding;
    bool is_new = h2_role_takes_requests(session->role) &&
                  !h2_role_owns_id(session->role, frame->stream_id) &&
                  frame->stream_id > session->peer_ids.newest;
    return is_new ? begin_request(session) : begin_message(session);
}

/* §6.6: a promise comes on a stream of ours that the peer has not ended. One that we have reset may
 * still bring promises that were on their way; they are refused at the end of the block. */
static int check_parent(h2_session *session) {
    static const char text[] = "PUSH_PROMISE on a stream that is not open";
    uint32_t parent_id = session->in.frame.stream_id;
    h2_stream *parent;
    int result = h2_session_locate(session, parent_id, &parent);
    if (result != H2_OK)
        return result;
    if (!h2_role_owns_id(session->role, parent_id))
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR, text);
    bool is_well = parent ? !h2_state_is_remote_closed(parent->state)
                          : h2_history_fate(&session->local_ids, parent_id) >= H2_FATE_RESET;
    return is_well ? H2_OK : h2_fault_session(&session->fault, H2_PROTOCOL_ERROR, text);
}

int h2_receive_push_promise(h2_session *session, const uint8_t *octets, h2_event *event) {
    (void)event;
    h2_frame_prefix prefix;
    int result = h2_frame_read_prefix(&session->in.frame, octets, &prefix, &session->fault);
    if (result == H2_OK && !session->local.enable_push)
        result = h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                  "PUSH_PROMISE where push is disabled");
    if (result == H2_OK)
        result = check_parent(session);
    if (result == H2_OK && prefix.promised_id <= session->peer_ids.newest)
        result = h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                  "promised stream that is not idle");
    if (result != H2_OK)
        return result;
    session->in.padding = prefix.padding;
    h2_history_open(&session->peer_ids, prefix.promised_id);
    return begin_block(session, H2_BLOCK_PUSH, prefix.promised_id, false);
}

int h2_receive_continuation_begin(h2_session *session) {
    if (session->block.kind == H2_BLOCK_NONE)
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                "CONTINUATION without a header block"); /* §6.10 */
    hpack_limits limits = section_limits(session);
    session->in.expect = expect_fragment;
    return h2_limits_continuation(&session->limits, session->in.frame.length,
                                  limits.max_list_octets, &session->fault);
}

/* ------------------------------------------------------------------------------------- messages */

static void tell(h2_session *session, h2_event *event, const h2_stream *stream,
                 h2_message message) {
    const h2_block *block = &session->block;
    event->kind = H2_EV_HEADERS;
    event->stream_id = stream->id;
    event->context = stream->context;
    event->headers.message = message;
    event->headers.fields = block->section->fields;
    event->headers.count = block->section->count;
    event->headers.status = 0;
    event->headers.flags = block->flags;
    event->headers.is_end = message != H2_PUSH && block->flags & H2_FLAG_END_STREAM;
    event->headers.parent_id = 0;
    event->headers.parent_context = NULL;
}

/* A stream that there is no room for; the peer may try it again. */
static int reject(h2_session *session, uint32_t stream_id, h2_error_code code, bool is_charged) {
    int result = h2_session_put_reset(session, stream_id, code);
    if (result != H2_OK)
        return result;
    if (!is_charged)
        return h2_limits_glitch(&session->limits, &session->fault);
    result = h2_limits_rejected(&session->limits, &session->fault);
    return result == H2_OK ? h2_limits_reset(&session->limits, &session->fault) : result;
}

static int check_request(h2_session *session, uint32_t stream_id, h2_message_facts *facts) {
    const hpack_section *section = session->block.section;
    if (section->is_over_limit)
        return stream_fault(session, stream_id, H2_ENHANCE_YOUR_CALM,
                            "field section over the limit");
    const char *wrong = h2_fields_check_request(section->fields, section->count,
                                                session->local.enable_connect_protocol != 0, facts);
    if (!wrong && session->block.flags & H2_FLAG_END_STREAM && facts->content_length > 0)
        wrong = "request that ends before its content";
    return wrong ? stream_fault(session, stream_id, H2_PROTOCOL_ERROR, wrong) : H2_OK;
}

static int open_request(h2_session *session, const h2_message_facts *facts, h2_event *event) {
    const h2_block *block = &session->block;
    h2_stream *stream;
    int result = h2_session_add_stream(session, block->stream_id, H2_STATE_IDLE, &stream);
    if (result != H2_OK)
        return result;
    (void)h2_session_advance(session, stream, H2_RECV_HEADERS);
    if (block->flags & H2_FLAG_END_STREAM)
        (void)h2_session_advance(session, stream, H2_RECV_END);
    h2_session_activate(session, stream);
    h2_limits_accepted(&session->limits);
    session->last_processed_id = stream->id;
    stream->has_received_final = true;
    stream->is_head = facts->is_head;
    stream->is_connect = facts->is_connect;
    stream->content_left = facts->content_length;
    if (facts->has_priority) {
        stream->has_priority = true;
        stream->node.priority = facts->priority;
    }
    h2_session_apply_early_priority(session, stream);
    tell(session, event, stream, H2_REQUEST);
    /* §5.1.1: no identifier is left; what is open is served. */
    return stream->id == LAST_ID ? h2_session_shutdown(session) : H2_OK;
}

static int finish_request(h2_session *session, h2_event *event) {
    uint32_t stream_id = session->block.stream_id;
    h2_message_facts facts;
    int result = check_request(session, stream_id, &facts);
    if (result != H2_OK)
        return result;
    /* §5.1.2: what the peer may not know of yet is refused, but not held against it. */
    bool is_over = session->active_peer >= session->local.max_concurrent_streams;
    if (is_over || session->active_peer >= session->announced_max_streams)
        return reject(session, stream_id, H2_REFUSED_STREAM, is_over);
    if (h2_limits_is_hasty(&session->limits, session->announced_max_streams)) {
        result = h2_session_put_reset(session, stream_id, H2_REFUSED_STREAM);
        return result == H2_OK ? h2_limits_reset(&session->limits, &session->fault) : result;
    }
    if (h2_session_memory(session) > session->limits.options.max_session_octets)
        return reject(session, stream_id, H2_ENHANCE_YOUR_CALM, true);
    return open_request(session, &facts, event);
}

static int finish_trailers(h2_session *session, h2_stream *stream, h2_event *event) {
    const hpack_section *section = session->block.section;
    const char *wrong = NULL;
    if (!(session->block.flags & H2_FLAG_END_STREAM))
        wrong = "trailers that do not end the stream"; /* §8.1 */
    if (!wrong)
        wrong = h2_fields_check_trailers(section->fields, section->count);
    if (!wrong)
        wrong = h2_stream_count_content(stream, 0, true);
    if (wrong)
        return stream_fault(session, stream->id, H2_PROTOCOL_ERROR, wrong);
    tell(session, event, stream, H2_TRAILERS);
    return h2_session_advance(session, stream, H2_RECV_END);
}

static int begin_pushed_response(h2_session *session, h2_stream *stream) {
    session->reserved_peer--;
    if (session->active_peer < session->local.max_concurrent_streams) {
        h2_session_activate(session, stream);
        return H2_OK;
    }
    return stream_fault(session, stream->id, H2_REFUSED_STREAM, "too many pushed streams");
}

/* What content may follow a final response (RFC 9110 §6.4.1, §8.6, §9.3.6). */
static int64_t promised_content(const h2_stream *stream, const h2_message_facts *facts) {
    if (stream->is_head || facts->status == 204 || facts->status == 304)
        return 0;
    if (stream->is_connect && facts->status < 300)
        return -1;
    return facts->content_length;
}

static const char *check_interim(h2_session *session, h2_stream *stream) {
    if (session->block.flags & H2_FLAG_END_STREAM)
        return "interim response that ends the stream"; /* §8.1 */
    hpack_limits limits = section_limits(session);
    size_t octets = stream->interim_octets + session->block.section->list_octets;
    if (stream->interim_responses >= session->limits.options.max_interim_responses ||
        octets > limits.max_list_octets)
        return "too many interim responses";
    stream->interim_responses++;
    stream->interim_octets = (uint32_t)octets;
    return NULL;
}

static int finish_response(h2_session *session, h2_stream *stream, h2_event *event) {
    const hpack_section *section = session->block.section;
    bool is_end = (session->block.flags & H2_FLAG_END_STREAM) != 0;
    h2_message_facts facts;
    const char *wrong = h2_fields_check_response(section->fields, section->count, &facts);
    bool is_final = facts.status >= 200;
    if (!wrong && !is_final)
        wrong = check_interim(session, stream);
    if (!wrong && is_final) {
        stream->content_left = promised_content(stream, &facts);
        stream->has_received_final = true;
        wrong = h2_stream_count_content(stream, 0, is_end);
    }
    if (wrong)
        return stream_fault(session, stream->id, H2_PROTOCOL_ERROR, wrong);
    tell(session, event, stream, is_final ? H2_RESPONSE : H2_INFORMATIONAL);
    event->headers.status = facts.status;
    return is_end ? h2_session_advance(session, stream, H2_RECV_END) : H2_OK;
}

static int finish_message(h2_session *session, h2_event *event) {
    const h2_block *block = &session->block;
    h2_stream *stream = h2_session_find(session, block->stream_id);
    if (!stream) /* the program has reset it since the block began */
        return H2_OK;
    if (block->is_late)
        return stream_fault(session, stream->id, H2_STREAM_CLOSED, "frame after END_STREAM");
    if (block->section->is_over_limit)
        return stream_fault(session, stream->id, H2_ENHANCE_YOUR_CALM,
                            "field section over the limit");
    bool was_reserved = stream->state == H2_STATE_RESERVED_REMOTE;
    int result = h2_session_advance(session, stream, H2_RECV_HEADERS);
    if (result == H2_OK && was_reserved)
        result = begin_pushed_response(session, stream);
    if (result != H2_OK)
        return result;
    return stream->has_received_final ? finish_trailers(session, stream, event)
                                      : finish_response(session, stream, event);
}

/* ---------------------------------------------------------------------------------------- pushes */

static int open_push(h2_session *session, h2_stream *parent, const h2_message_facts *facts,
                     h2_event *event) {
    h2_stream *stream;
    int result = h2_session_add_stream(session, session->block.promised_id, H2_STATE_IDLE, &stream);
    if (result != H2_OK)
        return result;
    (void)h2_session_advance(session, stream, H2_RECV_PROMISE);
    session->reserved_peer++;
    session->last_processed_id = stream->id;
    stream->is_head = facts->is_head;
    tell(session, event, stream, H2_PUSH);
    event->headers.parent_id = parent->id;
    event->headers.parent_context = parent->context;
    return H2_OK;
}

static int finish_push(h2_session *session, h2_event *event) {
    uint32_t promised_id = session->block.promised_id;
    h2_stream *parent = h2_session_find(session, session->block.stream_id);
    h2_message_facts facts;
    session->block.flags &= (uint8_t)~H2_FLAG_END_STREAM; /* not a flag of PUSH_PROMISE */
    int result = check_request(session, promised_id, &facts);
    if (result != H2_OK)
        return result;
    if (!facts.is_safe || facts.content_length > 0)
        return stream_fault(session, promised_id, H2_PROTOCOL_ERROR,
                            "promise of a request that is not safe"); /* §8.4 */
    bool is_over = session->reserved_peer >= session->max_reserved_peer;
    if (is_over || !parent || session->is_push_refused || session->has_sent_goaway)
        return reject(session, promised_id, H2_REFUSED_STREAM, is_over);
    return open_push(session, parent, &facts, event);
}

/* ------------------------------------------------------------------------------------ fragments */

static int finish_block(h2_session *session, h2_event *event) {
    h2_block_kind kind = session->block.kind;
    session->block.kind = H2_BLOCK_NONE;
    switch (kind) {
    case H2_BLOCK_REQUEST:
        return finish_request(session, event);
    case H2_BLOCK_MESSAGE:
        return finish_message(session, event);
    case H2_BLOCK_PUSH:
        return finish_push(session, event);
    case H2_BLOCK_DISCARD:
    case H2_BLOCK_NONE:
        break;
    }
    return H2_OK;
}

static int decode(h2_session *session, bytes_slice fragment, bool is_last) {
    hpack_limits limits = section_limits(session);
    switch (hpack_decoder_decode(session->decoder, fragment, is_last, &limits,
                                 session->block.section)) {
    case HPACK_OK:
        return H2_OK;
    case HPACK_NOMEM:
        return H2_NOMEM;
    case HPACK_EXCESS:
        return h2_fault_session(&session->fault, H2_ENHANCE_YOUR_CALM,
                                "field section far over the limit");
    default:
        return h2_fault_session(&session->fault, H2_COMPRESSION_ERROR,
                                "header block that cannot be decoded");
    }
}

static int expect_fragment(h2_session *session, h2_event *event) {
    h2_reader *in = &session->in;
    size_t left = in->left - in->padding;
    size_t size = in->size < left ? in->size : left;
    if (size == 0 && left > 0)
        return H2_STARVED;
    bytes_slice fragment = bytes_slice_of(in->data, size);
    in->data += size;
    in->size -= size;
    in->left -= (uint32_t)size;
    if (session->block.kind != H2_BLOCK_DISCARD)
        h2_limits_payload(&session->limits, (uint32_t)size);
    bool is_last = size == left && in->frame.flags & H2_FLAG_END_HEADERS;
    if (size == left)
        h2_session_skip_frame(session);
    int result = decode(session, fragment, is_last);
    return result == H2_OK && is_last ? finish_block(session, event) : result;
}
