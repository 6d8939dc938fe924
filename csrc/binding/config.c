#include "binding/config.h"

/* Streams that a client may have open at a server that was not told otherwise. Node announces none;
 * RFC 9113 §6.5.2 recommends no less than 100. */
#define DEFAULT_MAX_CONCURRENT_STREAMS 100
#define MIN_REQUEST_PAIRS 4 /* the pseudo-fields of a request */
#define MAX_TURN_OCTETS (256 * 1024)
#define HANDSHAKE_TIMEOUT_MS 10000
#define UNKNOWN_PROTOCOL_TIMEOUT_MS 10000
#define KEEP_ALIVE_TIMEOUT_MS 60000 /* of servers, as the next */
#define WRITE_TIMEOUT_MS 60000

/* Numeric options and the limits they set. */
typedef struct limit_option {
    const char *name;
    size_t offset; /* of a uint32_t in h2_options */
    int64_t min;
} limit_option;

#define LIMIT(name, field, min)                                                                    \
    { name, offsetof(h2_options, field), min }
static const limit_option limit_options[] = {
    LIMIT("maxContinuations", limits.max_continuations, 1),
    LIMIT("maxSettings", limits.max_settings, 1),
    LIMIT("maxOutstandingSettings", limits.max_outstanding_settings, 1),
    LIMIT("maxOutstandingPings", limits.max_outstanding_pings, 0),
    LIMIT("maxSessionInvalidFrames", limits.max_session_invalid_frames, 0),
    LIMIT("maxSessionRejectedStreams", limits.max_session_rejected_streams, 0),
    LIMIT("streamResetBurst", limits.stream_reset_burst, 0),
    LIMIT("streamResetRate", limits.stream_reset_rate, 0),
    LIMIT("glitchBurst", limits.glitch_burst, 0),
    LIMIT("glitchRate", limits.glitch_rate, 0),
    LIMIT("maxOutboundAck", limits.max_outbound_acks, 1),
    LIMIT("maxStreamsPerTick", limits.max_streams_per_tick, 1),
    LIMIT("maxOutboundFrames", limits.max_outbound_frames, 1),
    LIMIT("maxInterimResponses", limits.max_interim_responses, 0),
    LIMIT("maxOverheadRatio", limits.max_overhead_ratio, 0),
    LIMIT("peerMaxConcurrentStreams", peer_max_concurrent_streams, 0),
    LIMIT("maxDeflateDynamicTableSize", max_deflate_table_octets, 0),
};

static void read_limits(lua_State *L, int index, h2_options *engine) {
    for (size_t i = 0; i < sizeof(limit_options) / sizeof(*limit_options); i++) {
        const limit_option *option = &limit_options[i];
        uint32_t *value = (uint32_t *)(void *)((char *)engine + option->offset);
        *value = (uint32_t)lh2_opt_integer(L, index, option->name, option->min, UINT32_MAX, *value);
    }
    h2_limit_options *limits = &engine->limits;
    limits->max_header_list_pairs = (uint32_t)lh2_opt_integer(
        L, index, "maxHeaderListPairs", engine->role == H2_SERVER ? MIN_REQUEST_PAIRS : 1,
        UINT32_MAX, limits->max_header_list_pairs);
    /* A negative number stands for the greatest. */
    int64_t reserved = lh2_opt_integer(L, index, "maxReservedRemoteStreams", INT32_MIN, UINT32_MAX,
                                       engine->max_reserved_remote_streams);
    engine->max_reserved_remote_streams = reserved < 0 ? UINT32_MAX : (uint32_t)reserved;
    limits->max_outbound_octets = (size_t)lh2_opt_integer(
        L, index, "maxOutboundBytes", 1, INT64_C(1) << 40, (int64_t)limits->max_outbound_octets);
    /* Node counts maxSessionMemory in megabytes of 10^6. */
    limits->max_session_octets =
        1000000 * (size_t)lh2_opt_integer(L, index, "maxSessionMemory", 1, 1000000,
                                          (int64_t)limits->max_session_octets / 1000000);
    limits->is_strict = lh2_opt_boolean(L, index, "strictStreamErrors", limits->is_strict);
    engine->max_send_header_octets =
        (size_t)lh2_opt_integer(L, index, "maxSendHeaderBlockLength", 0, INT64_C(1) << 40,
                                (int64_t)engine->max_send_header_octets);
    engine->padding = (h2_padding)lh2_opt_integer(L, index, "paddingStrategy", H2_PADDING_NONE,
                                                  H2_PADDING_MAX, H2_PADDING_NONE);
}

static uint32_t read_ms(lua_State *L, int index, const char *name, uint32_t otherwise) {
    return (uint32_t)lh2_opt_integer(L, index, name, 0, INT32_MAX, otherwise);
}

/* The limits that are times; 0 lifts one. */
static void read_times(lua_State *L, int index, lh2_config *config) {
    h2_limit_options *limits = &config->engine.limits;
    config->unknown_protocol_timeout_ms = (uint32_t)lh2_opt_integer(
        L, index, "unknownProtocolTimeout", 0, UINT32_MAX, config->unknown_protocol_timeout_ms);
    config->handshake_timeout_ms =
        read_ms(L, index, "handshakeTimeout", config->handshake_timeout_ms);
    limits->first_settings_ms = config->handshake_timeout_ms;
    limits->settings_ack_ms = read_ms(L, index, "settingsTimeout", limits->settings_ack_ms);
    limits->header_block_ms = read_ms(L, index, "headersTimeout", limits->header_block_ms);
    limits->stream_stall_ms = read_ms(L, index, "streamStallTimeout", limits->stream_stall_ms);
    config->keep_alive_timeout_ms =
        read_ms(L, index, "keepAliveTimeout", config->keep_alive_timeout_ms);
    config->write_timeout_ms = read_ms(L, index, "writeTimeout", config->write_timeout_ms);
}

static void put_setting(lh2_config *config, h2_setting entry) {
    for (size_t i = 0; i < config->settings_count; i++)
        if (config->settings[i].id == entry.id) {
            config->settings[i].value = entry.value;
            return;
        }
    size_t at = config->settings_count++;
    while (at > 0 && config->settings[at - 1].id > entry.id) {
        config->settings[at] = config->settings[at - 1];
        at--;
    }
    config->settings[at] = entry;
}

void lh2_config_update_settings(lua_State *L, int index, lh2_config *config) {
    h2_setting entries[LH2_MAX_SETTINGS];
    size_t count = lh2_settings_read(L, index, "settings", entries);
    for (size_t i = 0; i < count; i++) {
        /* A server may not offer to be pushed to (RFC 9113 §6.5.2). */
        if (config->engine.role == H2_SERVER && entries[i].id == H2_SETTINGS_ENABLE_PUSH)
            continue;
        if (config->settings_count < LH2_CONFIG_SETTINGS)
            put_setting(config, entries[i]);
        else
            lh2_raise(L, "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS", NULL);
    }
}

static void read_remote_custom(lua_State *L, int index, lh2_config *config) {
    if (lh2_opt_field(L, index, "remoteCustomSettings", LUA_TTABLE) == LUA_TTABLE) {
        size_t count = lua_rawlen(L, -1);
        if (count > H2_MAX_CUSTOM_SETTINGS)
            lh2_raise(L, "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS", NULL);
        for (size_t i = 0; i < count; i++) {
            lua_rawgeti(L, -1, (int)i + 1);
            config->remote_custom[i] =
                (uint16_t)lh2_check_integer(L, -1, "options.remoteCustomSettings", 0, 0xffff);
            lua_pop(L, 1);
        }
        config->remote_custom_count = count;
    }
    lua_pop(L, 1);
}

void lh2_config_read(lua_State *L, int index, h2_role role, lh2_config *config) {
    memset(config, 0, sizeof(*config));
    h2_options_init(&config->engine, role);
    config->max_turn_octets = MAX_TURN_OCTETS;
    config->handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS;
    config->unknown_protocol_timeout_ms = UNKNOWN_PROTOCOL_TIMEOUT_MS;
    if (role == H2_SERVER) {
        config->keep_alive_timeout_ms = KEEP_ALIVE_TIMEOUT_MS;
        config->write_timeout_ms = WRITE_TIMEOUT_MS;
        put_setting(config, (h2_setting){H2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                         DEFAULT_MAX_CONCURRENT_STREAMS});
        /* RFC 9218 §2.1: the old priority tree is not looked at. */
        put_setting(config, (h2_setting){H2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
    }
    if (!lh2_check_options(L, index, "options"))
        return;
    index = lua_absindex(L, index);
    read_limits(L, index, &config->engine);
    config->max_turn_octets = (uint32_t)lh2_opt_integer(L, index, "maxBytesPerTick", 1, UINT32_MAX,
                                                        config->max_turn_octets);
    read_remote_custom(L, index, config);
    read_times(L, index, config);
    lua_getfield(L, index, "settings");
    lh2_config_update_settings(L, -1, config);
    lua_pop(L, 1);
}

h2_options lh2_config_engine(lua_State *L, const lh2_config *config) {
    h2_options options = config->engine;
    options.settings = config->settings;
    options.settings_count = config->settings_count;
    options.remote_custom = config->remote_custom;
    options.remote_custom_count = config->remote_custom_count;
    options.pool = net_loop_pool(lh2_runtime_loop(L));
    if (uv_random(NULL, NULL, &options.seed, sizeof(options.seed), 0, NULL) != 0)
        luaL_error(L, "no random octets to be had");
    return options;
}
