/* DATA (RFC 9113 §6.1): all is checked at the frame's header; the octets are then told as they come. */
#include "h2/session.h"

/* Counts the whole frame, padding included, against both windows (§6.9.1). The connection's is given
 * back on arrival, so octets that nobody reads cannot stall the other streams. */
static int spend_session_window(h2_session *session) {
    h2_inflow *receive = &session->receive_window;
    int result = h2_window_spend(&receive->window, session->in.frame.length, 0, &session->fault);
    if (result != H2_OK)
        return result;
    uint32_t increment = h2_inflow_update(receive);
    return increment ? h2_session_put_window_update(session, 0, increment) : H2_OK;
}

int h2_receive_data_begin(h2_session *session) {
    const h2_frame_header *frame = &session->in.frame;
    h2_stream *stream;
    int result = spend_session_window(session);
    if (result == H2_OK)
        result = h2_session_locate_open(session, frame->stream_id, &stream);
    if (result != H2_OK)
        return result;
    if (!stream) {
        h2_session_skip_frame(session);
        return H2_OK;
    }
    result = h2_session_escalate(session, h2_session_advance(session, stream, H2_RECV_DATA));
    if (result != H2_OK)
        return result;
    if (!stream->has_received_final)
        return h2_fault_stream(&session->fault, stream->id, H2_PROTOCOL_ERROR,
                               "DATA before the final response"); /* §8.1 */
    return h2_window_spend(&stream->receive_window.window, frame->length, stream->id,
                           &session->fault);
}

static h2_expectation expect_content;

/* Makes the account of the frame's content, which may not have arrived yet. */
static int count_content(h2_session *session, h2_stream *stream, uint32_t content, bool is_end) {
    const char *wrong = h2_stream_count_content(stream, content, is_end);
    if (wrong)
        return h2_fault_stream(&session->fault, stream->id, H2_PROTOCOL_ERROR, wrong);
    if (content > 0) {
        stream->octets_received += content;
        h2_limits_payload(&session->limits, content);
        stream->receive_window.unread += content;
        stream->unread_frames++;
        session->unread_octets += content;
        session->unread_frames++;
    }
    if (session->in.frame.length > content && !is_end)
        return h2_session_credit(session, stream); /* padding is nobody's to read */
    return H2_OK;
}

int h2_receive_data(h2_session *session, const uint8_t *octets, h2_event *event) {
    (void)event;
    const h2_frame_header *frame = &session->in.frame;
    h2_stream *stream = h2_session_find(session, frame->stream_id);
    bool is_end = (frame->flags & H2_FLAG_END_STREAM) != 0;
    h2_frame_prefix prefix;
    int result = h2_frame_read_prefix(frame, octets, &prefix, &session->fault);
    if (result != H2_OK || !stream)
        return result;
    session->in.padding = prefix.padding;
    uint32_t content = session->in.left - prefix.padding;
    if (content > 0 || is_end)
        session->in.expect = expect_content;
    else
        result = h2_limits_invalid_frame(&session->limits, &session->fault);
    return result == H2_OK ? count_content(session, stream, content, is_end) : result;
}

/* The next octets of the content, or its end without any. */
static int expect_content(h2_session *session, h2_event *event) {
    h2_reader *in = &session->in;
    size_t left = in->left - in->padding;
    size_t size = in->size < left ? in->size : left;
    if (size == 0 && left > 0)
        return H2_STARVED;
    bytes_slice octets = bytes_slice_of(in->data, size);
    in->data += size;
    in->size -= size;
    in->left -= (uint32_t)size;
    bool is_end = size == left && in->frame.flags & H2_FLAG_END_STREAM;
    if (size == left)
        h2_session_skip_frame(session);
    h2_stream *stream = h2_session_find(session, in->frame.stream_id);
    if (!stream) /* the program has reset it since */
        return H2_OK;
    event->kind = H2_EV_DATA;
    event->stream_id = stream->id;
    event->context = stream->context;
    event->data.octets = octets;
    event->data.is_end = is_end;
    return is_end ? h2_session_advance(session, stream, H2_RECV_END) : H2_OK;
}
