#include "h2/session.h"

#include "base/mem.h"

/* RFC 9113 §3.4 */
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_OCTETS (sizeof(PREFACE) - 1)

void h2_options_init(h2_options *options, h2_role role) {
    *options = (h2_options){
        .role = role,
        .peer_max_concurrent_streams = 100,
        .max_reserved_remote_streams = 200,
        .max_deflate_table_octets = HPACK_DEFAULT_TABLE_OCTETS,
        .max_send_header_octets = 65536,
        .padding = H2_PADDING_NONE,
        .limits =
            {
                .max_header_list_pairs = 128,
                .max_continuations = 8,
                .max_settings = 32,
                .max_outstanding_settings = 10,
                .max_outstanding_pings = 10,
                .max_session_invalid_frames = 1000,
                .max_session_rejected_streams = 100,
                .stream_reset_burst = 1000,
                .stream_reset_rate = 33,
                .glitch_burst = 10000,
                .glitch_rate = 330,
                .max_outbound_acks = 1000,
                .max_outbound_frames = 5000,
                .max_outbound_octets = 512 * 1024,
                .max_session_octets = 10 * 1000 * 1000,
                .max_interim_responses = 32,
                .max_overhead_ratio = 8,
                .first_settings_ms = 10000,
                .settings_ack_ms = 10000,
                .header_block_ms = 10000,
                .stream_stall_ms = role == H2_SERVER ? 60000 : 0,
                .is_strict = true,
            },
    };
}

/* ---------------------------------------------------------------------------------- life cycle */

static int copy_custom_ids(h2_session *session, const h2_options *options) {
    size_t count = options->remote_custom_count;
    if (count > H2_MAX_CUSTOM_SETTINGS)
        return H2_MISUSE;
    if (count == 0)
        return H2_OK;
    session->remote_custom = mem_alloc(count * sizeof(*session->remote_custom));
    if (!session->remote_custom)
        return H2_NOMEM;
    memcpy(session->remote_custom, options->remote_custom, count * sizeof(*session->remote_custom));
    session->remote_custom_count = (uint32_t)count;
    return H2_OK;
}

static int make_coders(h2_session *session, size_t max_table_octets) {
    if (hpack_decoder_new(&session->decoder, HPACK_DEFAULT_TABLE_OCTETS) != HPACK_OK ||
        hpack_encoder_new(&session->encoder, max_table_octets) != HPACK_OK)
        return H2_NOMEM;
    return H2_OK;
}

static int put_preface(h2_session *session, const h2_options *options) {
    if (session->role == H2_CLIENT) {
        if (h2_session_reserve(session, PREFACE_OCTETS, 1) != H2_OK)
            return H2_NOMEM;
        memcpy(h2_wire_tail(session->wire), PREFACE, PREFACE_OCTETS);
        h2_wire_add(session->wire, PREFACE_OCTETS, 0, 0);
    }
    return h2_session_submit_settings(session, options->settings, options->settings_count);
}

static void init(h2_session *session, const h2_options *options) {
    *session = (h2_session){
        .role = options->role,
        .padding = options->padding,
        .pool = options->pool,
        .counters = options->counters,
        .next_id = h2_role_first_id(options->role),
        .send_window.left = H2_INITIAL_WINDOW,
        .announced_max_streams = UINT32_MAX,
        .max_reserved_peer = options->max_reserved_remote_streams,
        .max_send_header_octets = options->max_send_header_octets,
        .deadlines = {.begun_ms = H2_NEVER, .look_ms = H2_NEVER},
    };
    h2_session_begin_reading(session);
    idmap_init(&session->streams, options->seed);
    list_init(&session->open);
    list_init(&session->waiting);
    list_init(&session->closed);
    list_init(&session->sent_settings);
    h2_inflow_init(&session->receive_window, H2_INITIAL_WINDOW);
    h2_growth_init(&session->growth, options->limits.max_session_octets);
    h2_settings_init(&session->local);
    h2_settings_init(&session->remote);
    session->remote.max_concurrent_streams = options->peer_max_concurrent_streams;
    h2_limits_init(&session->limits, &options->limits);
}

int h2_session_new(h2_session **out, const h2_options *options) {
    if (!options->pool)
        return H2_MISUSE;
    h2_session *session = mem_alloc(sizeof(*session));
    if (!session)
        return H2_NOMEM;
    init(session, options);
    int result = copy_custom_ids(session, options);
    if (result == H2_OK)
        result = make_coders(session, options->max_deflate_table_octets);
    if (result == H2_OK)
        result = put_preface(session, options);
    if (result == H2_OK)
        *out = session;
    else
        h2_session_free(session);
    return result;
}

static void free_sent_settings(h2_session *session) {
    list_node *link;
    while ((link = list_first(&session->sent_settings)) != NULL) {
        list_remove(link);
        mem_free(LIST_ENTRY(link, h2_settings_sent, link));
    }
}

void h2_session_free(h2_session *session) {
    if (!session)
        return;
    session->block.kind = H2_BLOCK_NONE;
    h2_session_forget_event(session);
    h2_session_drop_streams(session);
    if (session->wire) {
        h2_wire_drop(session->wire);
        h2_session_trim_wire(session);
    }
    free_sent_settings(session);
    idmap_dispose(&session->streams);
    hpack_encoder_free(session->encoder);
    hpack_decoder_free(session->decoder);
    bytes_buffer_dispose(&session->in.carry);
    mem_free(session->early_priorities);
    mem_free(session->remote_custom);
    mem_free(session);
}

/* ------------------------------------------------------------------------------------ look-ups */

const h2_settings *h2_session_local_settings(const h2_session *session) {
    return &session->local;
}

const h2_settings *h2_session_remote_settings(const h2_session *session) {
    return &session->remote;
}

size_t h2_session_unacknowledged_settings(const h2_session *session) {
    return session->unacknowledged_settings;
}

size_t h2_session_stream_count(const h2_session *session) {
    return session->live_streams;
}

/* Each frame that is not read costs whoever holds it a little more than its octets. */
#define UNREAD_FRAME_OCTETS 64

size_t h2_session_memory(const h2_session *session) {
    size_t octets = sizeof(*session) + session->in.carry.capacity;
    octets += hpack_decoder_memory(session->decoder) + hpack_encoder_memory(session->encoder);
    octets += idmap_count(&session->streams) * sizeof(h2_stream);
    octets += session->unread_octets + (size_t)session->unread_frames * UNREAD_FRAME_OCTETS;
    octets += session->queued_octets + session->held_octets;
    octets += session->wire ? h2_wire_memory(session->wire) : 0;
    octets += session->early_priorities ? sizeof(*session->early_priorities) : 0;
    return octets;
}

void h2_session_get_figures(const h2_session *session, h2_session_figures *figures) {
    const h2_inflow *receive = &session->receive_window;
    int64_t received = (int64_t)receive->limit - receive->window.left;
    *figures = (h2_session_figures){
        .effective_local_window_size = receive->limit,
        .effective_recv_data_length = received > 0 ? received : 0,
        .next_stream_id = session->next_id,
        .local_window_size = receive->window.left,
        .last_proc_stream_id = session->last_processed_id,
        .remote_window_size = session->send_window.left,
        .outbound_queue_size = session->limits.outbound_frames,
        .deflate_dynamic_table_size = hpack_encoder_table_octets(session->encoder),
        .inflate_dynamic_table_size = hpack_decoder_table_octets(session->decoder),
    };
}

bool h2_session_has_begun(const h2_session *session, uint32_t stream_id) {
    return stream_id <= session->last_begun_id; /* they leave in order */
}

int h2_session_get_stream(const h2_session *session, uint32_t stream_id,
                          h2_stream_figures *figures) {
    const h2_stream *stream = h2_session_find(session, stream_id);
    if (!stream)
        return H2_GONE;
    *figures = (h2_stream_figures){
        .state = stream->state,
        .is_local_closed = h2_state_is_local_closed(stream->state),
        .is_remote_closed = h2_state_is_remote_closed(stream->state),
        .is_waiting = stream->is_waiting,
        .local_window_size = stream->receive_window.window.left,
        .remote_window_size = stream->send_window.left,
        .queued_octets = stream->queued_octets,
        .octets_sent = stream->octets_sent,
        .octets_received = stream->octets_received,
        .priority = stream->node.priority,
    };
    if (!stream->has_priority)
        figures->priority.is_incremental = false;
    return H2_OK;
}

void *h2_session_get_context(const h2_session *session, uint32_t stream_id) {
    const h2_stream *stream = idmap_get(&session->streams, stream_id);
    return stream ? stream->context : NULL;
}

void h2_session_set_context(h2_session *session, uint32_t stream_id, void *context) {
    h2_stream *stream = idmap_get(&session->streams, stream_id);
    if (stream)
        stream->context = context;
}
