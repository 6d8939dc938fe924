/* Legacy: members that only the first releases of Node's module had. */
#include "binding/classes/stream.h"

/* Private field: the function of the option getTrailers. */
static const char get_trailers_key;

/* ----------------------------------------------------------------------------------- resets */

/* stream:rstStream([code]): close without its callback. */
static int rst_stream(lua_State *L) {
    lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    int64_t code = lua_isnoneornil(L, 2) ? 0 : lh2_check_integer(L, 2, "code", 0, UINT32_MAX);
    lh2_stream_close(stream, (uint32_t)code);
    return 0;
}

#define RST_WITH(name, code)                                                                       \
    static int name(lua_State *L) {                                                                \
        lh2_stream_close(lh2_check(L, 1, &lh2_stream_class), code);                                \
        return 0;                                                                                  \
    }

RST_WITH(rst_with_no_error, H2_NO_ERROR)
RST_WITH(rst_with_protocol_error, H2_PROTOCOL_ERROR)
RST_WITH(rst_with_cancel, H2_CANCEL)
RST_WITH(rst_with_refuse, H2_REFUSED_STREAM)
RST_WITH(rst_with_internal_error, H2_INTERNAL_ERROR)

void lh2_stream_tell_closed(lua_State *L, lh2_object *object, intptr_t code) {
    lua_pushinteger(L, (lua_Integer)code);
    lh2_emit(L, object, LH2_EVENT_STREAM_CLOSED, 1);
}

/* --------------------------------------------------------------------------------- trailers */

bool lh2_check_get_trailers(lua_State *L, int options) {
    lua_getfield(L, options, "getTrailers");
    bool has_function = !lua_isnil(L, -1);
    if (has_function && !lua_isfunction(L, -1))
        lh2_raise_value(L, "options.getTrailers", NULL, -1);
    lua_pop(L, 1);
    return has_function;
}

void lh2_stream_note_get_trailers(lua_State *L, int object, int options) {
    object = lua_absindex(L, object);
    lua_getfield(L, options, "getTrailers");
    lh2_set_private(L, object, &get_trailers_key);
    ((lh2_stream *)lua_touserdata(L, object))->has_get_trailers = true;
}

/* The function fills a table, listeners of "fetchTrailers" may add to it, and it is sent. */
bool lh2_stream_fetch_trailers(lua_State *L, lh2_stream *stream) {
    if (!stream->has_get_trailers)
        return false;
    int top = lua_gettop(L);
    lh2_push(L, &stream->duplex.object);
    lua_newtable(L);
    lh2_get_private(L, top + 1, &get_trailers_key);
    lua_pushvalue(L, top + 2);
    lua_call(L, 1, 0);
    lua_pushvalue(L, top + 2);
    lh2_emit(L, &stream->duplex.object, LH2_EVENT_FETCH_TRAILERS, 1);
    lua_getfield(L, top + 1, "sendTrailers");
    lua_pushvalue(L, top + 1);
    lua_pushvalue(L, top + 2);
    lua_call(L, 2, 0);
    lua_settop(L, top);
    return true;
}

static const luaL_Reg methods[] = {
    {"rstStream", rst_stream},
    {"rstWithNoError", rst_with_no_error},
    {"rstWithProtocolError", rst_with_protocol_error},
    {"rstWithCancel", rst_with_cancel},
    {"rstWithRefuse", rst_with_refuse},
    {"rstWithInternalError", rst_with_internal_error},
    {NULL, NULL},
};

const lh2_class lh2_stream_legacy_class = {
    "Http2Stream", &lh2_stream_headers_class, methods, NULL, NULL, NULL};
