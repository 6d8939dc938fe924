/* SETTINGS in both directions (RFC 9113 §6.5): ours come into force one frame after the other, as the
 * peer acknowledges them; the peer's at once, and what they change for streams follows here. */
#include "h2/session.h"

#include "base/mem.h"

/* How one frame changes SETTINGS_INITIAL_WINDOW_SIZE. Its entries count one after the other, but the
 * windows are touched once (§6.9.2). */
typedef struct window_change {
    int64_t peak; /* the most that the windows grew by on the way */
    int64_t delta;
    bool is_decreased; /* on the way */
} window_change;

static void note_window(window_change *change, uint32_t from, uint32_t to) {
    change->is_decreased |= to < from;
    change->delta += (int64_t)to - from;
    if (change->delta > change->peak)
        change->peak = change->delta;
}

static int shift_send_windows(h2_session *session, const window_change *change) {
    list_node *lists[] = {&session->open, &session->waiting};
    if (change->delta == 0 && change->peak == 0)
        return H2_OK;
    for (size_t i = 0; i < 2; i++) {
        for (list_node *link = lists[i]->next; link != lists[i]; link = link->next) {
            h2_stream *stream = LIST_ENTRY(link, h2_stream, link);
            int result =
                h2_window_shift(&stream->send_window, change->delta, change->peak, &session->fault);
            if (result != H2_OK)
                return result;
            h2_session_schedule(session, stream);
        }
    }
    return H2_OK;
}

/* What was too little for an update of a large window may be enough for one of a small window. */
static int shift_receive_windows(h2_session *session, int64_t delta) {
    if (delta == 0)
        return H2_OK;
    for (list_node *link = session->open.next; link != &session->open; link = link->next) {
        h2_stream *stream = LIST_ENTRY(link, h2_stream, link);
        h2_inflow_shift(&stream->receive_window, delta);
        if (h2_session_credit(session, stream) != H2_OK)
            return H2_NOMEM;
    }
    for (list_node *link = session->waiting.next; link != &session->waiting; link = link->next)
        h2_inflow_shift(&LIST_ENTRY(link, h2_stream, link)->receive_window, delta);
    return H2_OK;
}

/* ---------------------------------------------------------------------------------------- ours */

static int check_ours(const h2_session *session, const h2_setting *settings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!h2_setting_is_valid(settings[i]))
            return H2_MISUSE;
        if (session->role == H2_SERVER && settings[i].id == H2_SETTINGS_ENABLE_PUSH &&
            settings[i].value != 0)
            return H2_MISUSE; /* §6.5.2 */
    }
    return H2_OK;
}

/* What is said already binds us where it makes us take less. */
static void announce(h2_session *session, const h2_setting *settings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (settings[i].id == H2_SETTINGS_MAX_CONCURRENT_STREAMS)
            session->announced_max_streams = settings[i].value;
        if (settings[i].id == H2_SETTINGS_ENABLE_PUSH)
            session->is_push_refused = settings[i].value == 0;
    }
}

int h2_session_submit_settings(h2_session *session, const h2_setting *settings, size_t count) {
    h2_settings_sent *sent;
    size_t length = count * H2_SETTING_OCTETS;
    if (session->is_terminal)
        return H2_GONE;
    if (check_ours(session, settings, count) != H2_OK || length > session->remote.max_frame_size)
        return H2_MISUSE;
    if (session->unacknowledged_settings >= session->limits.options.max_outstanding_settings)
        return H2_LIMIT;
    if (h2_session_reserve(session, H2_FRAME_HEADER_OCTETS + length, 1) != H2_OK)
        return H2_NOMEM;
    if (h2_settings_sent_new(&sent, settings, count) != H2_OK) {
        h2_session_trim_wire(session);
        return H2_NOMEM;
    }
    h2_session_date_settings(session, sent);
    list_append(&session->sent_settings, &sent->link);
    session->unacknowledged_settings++;
    uint8_t *p = h2_wire_tail(session->wire);
    p = h2_frame_write_header(p, (uint32_t)length, H2_FRAME_SETTINGS, 0, 0);
    for (size_t i = 0; i < count; i++)
        p = h2_frame_write_setting(p, settings[i]);
    h2_session_add_frame(session, H2_FRAME_HEADER_OCTETS + length);
    announce(session, settings, count);
    return H2_OK;
}

static int apply_ours(h2_session *session, const h2_settings_sent *sent) {
    h2_settings *local = &session->local;
    uint32_t window = local->initial_window_size;
    for (size_t i = 0; i < sent->count; i++) {
        h2_setting setting = sent->entries[i];
        if (h2_settings_set(local, setting) != H2_OK)
            h2_settings_set_custom(local, setting);
        if (setting.id == H2_SETTINGS_HEADER_TABLE_SIZE)
            hpack_decoder_set_max_table(session->decoder, setting.value);
    }
    return shift_receive_windows(session, (int64_t)local->initial_window_size - window);
}

static int receive_ack(h2_session *session, h2_event *event) {
    list_node *link = list_first(&session->sent_settings);
    h2_settings_sent *sent = LIST_ENTRY(link, h2_settings_sent, link);
    int result = apply_ours(session, sent);
    list_remove(link);
    mem_free(sent);
    session->unacknowledged_settings--;
    event->kind = H2_EV_SETTINGS_ACK;
    return result;
}

/* ---------------------------------------------------------------------------------- the peer's */

int h2_receive_settings_begin(h2_session *session) {
    const h2_frame_header *frame = &session->in.frame;
    if (frame->flags & H2_FLAG_ACK) {
        if (session->unacknowledged_settings == 0)
            return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                    "acknowledgement of SETTINGS that were not sent");
        return H2_OK;
    }
    int result =
        h2_limits_settings(&session->limits, frame->length / H2_SETTING_OCTETS, &session->fault);
    return result != H2_OK ? result : h2_limits_ack(&session->limits, &session->fault);
}

static bool is_wanted_custom(const h2_session *session, uint16_t id) {
    for (size_t i = 0; i < session->remote_custom_count; i++)
        if (session->remote_custom[i] == id)
            return true;
    return false;
}

/* What §6.5.2 and RFC 8441 §3 forbid beyond the range of a value. */
static int check_theirs(h2_session *session, h2_setting setting) {
    int result = h2_settings_check(setting, &session->fault);
    if (result != H2_OK)
        return result;
    if (setting.id == H2_SETTINGS_ENABLE_PUSH && setting.value != 0 && session->role == H2_CLIENT)
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                "SETTINGS_ENABLE_PUSH from a server");
    if (setting.id == H2_SETTINGS_ENABLE_CONNECT_PROTOCOL &&
        setting.value < session->remote.enable_connect_protocol)
        return h2_fault_session(&session->fault, H2_PROTOCOL_ERROR,
                                "SETTINGS_ENABLE_CONNECT_PROTOCOL taken back");
    return H2_OK;
}

static int apply_theirs(h2_session *session, h2_setting setting, window_change *change) {
    int result = check_theirs(session, setting);
    if (result != H2_OK)
        return result;
    if (setting.id == H2_SETTINGS_INITIAL_WINDOW_SIZE)
        note_window(change, session->remote.initial_window_size, setting.value);
    if (setting.id == H2_SETTINGS_HEADER_TABLE_SIZE)
        hpack_encoder_set_max_table(session->encoder, setting.value);
    if (h2_settings_set(&session->remote, setting) != H2_OK &&
        is_wanted_custom(session, setting.id))
        h2_settings_set_custom(&session->remote, setting);
    return H2_OK;
}

static int put_ack(h2_session *session) {
    if (h2_session_reserve(session, H2_FRAME_HEADER_OCTETS, 1) != H2_OK)
        return H2_NOMEM;
    h2_frame_write_header(h2_wire_tail(session->wire), 0, H2_FRAME_SETTINGS, H2_FLAG_ACK, 0);
    h2_session_add_ack(session, H2_FRAME_HEADER_OCTETS);
    return H2_OK;
}

int h2_receive_settings(h2_session *session, const uint8_t *payload, h2_event *event) {
    const h2_frame_header *frame = &session->in.frame;
    window_change change = {0};
    int result = H2_OK;
    if (frame->flags & H2_FLAG_ACK)
        return receive_ack(session, event);
    bool is_first = !session->in.has_settings;
    if (is_first) /* what was assumed until now gives way to §6.5.2 */
        session->remote.max_concurrent_streams = UINT32_MAX;
    session->in.has_settings = true;
    for (uint32_t i = 0; i < frame->length && result == H2_OK; i += H2_SETTING_OCTETS)
        result = apply_theirs(session, h2_frame_read_setting(payload + i), &change);
    if (result == H2_OK)
        result = shift_send_windows(session, &change);
    if (result == H2_OK && change.is_decreased && !is_first)
        result = h2_limits_glitch(&session->limits, &session->fault);
    if (result == H2_OK)
        result = put_ack(session);
    if (result == H2_OK)
        event->kind = H2_EV_SETTINGS;
    return result;
}
