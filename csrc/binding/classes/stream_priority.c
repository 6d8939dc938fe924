/* Priorities: RFC 9218's urgency, and the dependency options of RFC 7540, which RFC 9113 §5.3 has
 * deprecated: they are checked as Node checks them and mean nothing. */
#include "binding/classes/stream.h"

void lh2_check_dependency(lua_State *L, int options) {
    lh2_opt_boolean(L, options, "exclusive", false);
    lh2_opt_integer(L, options, "parent", 0, INT32_MAX, 0);
    lh2_opt_field(L, options, "weight", LUA_TNUMBER);
    lua_pop(L, 1);
    lh2_opt_boolean(L, options, "silent", false);
}

void lh2_stream_apply_priority(lh2_stream *stream) {
    if (!stream->has_priority || stream->session == NULL || stream->id == 0)
        return;
    stream->has_priority = false;
    h2_session_set_priority(stream->session->engine, stream->id, stream->priority);
    lh2_session_touch(stream->session);
}

/* stream:priority{urgency = 0..7, incremental = bool}; of a request that waits for its connection it
 * is said with the request. */
int lh2_stream_set_priority(lua_State *L) {
    lh2_stream *stream = lh2_stream_check_alive(L, 1);
    if (!lh2_check_options(L, 2, "options"))
        return 0;
    lh2_check_dependency(L, 2);
    int64_t urgency = lh2_opt_integer(L, 2, "urgency", 0, 7, -1);
    bool is_incremental = lh2_opt_boolean(L, 2, "incremental", false);
    lua_getfield(L, 2, "incremental");
    if (urgency < 0 && lua_isnil(L, -1))
        return 0;
    stream->priority = (h2_priority){(uint8_t)(urgency < 0 ? 3 : urgency), is_incremental};
    stream->has_priority = true;
    lh2_stream_apply_priority(stream);
    return 0;
}
