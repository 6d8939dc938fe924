/* sentHeaders, sentInfoHeaders, sentTrailers: what the program gave, as it spelt it. The copy with the
 * defaults that were sent is made when it is asked for. */
#include "binding/classes/exchange.h"
#include "binding/classes/server.h"
#include "binding/classes/stream.h"
#include "binding/sent_headers.h"

/* In the stream's slot: the header table that was given, or the response that has the headers, or the copy
 * made of either. Private fields: the sequence of those of 1xx responses; the trailers. A client's session,
 * which knows the defaults, is in a slot too. */
static const char info_headers_key, trailers_key;

/* ------------------------------------------------------------------------------------ noting */

void lh2_stream_note_response(lua_State *L, int object, int headers, int status, bool has_date) {
    lh2_stream *stream = lua_touserdata(L, object);
    bool has_table = !lua_isnoneornil(L, headers);
    if (has_table || stream->is_sent_headers_full) {
        lua_pushvalue(L, headers);
        lh2_set_slot(L, object, LH2_STREAM_SLOT_HEADERS);
    }
    stream->is_sent_headers_full = false;
    stream->sent_status = (uint16_t)status;
    stream->sent_date = has_date ? stream->duplex.object.runtime->date_time : 0;
}

void lh2_stream_note_full_headers(lua_State *L, int object, int headers) {
    lh2_stream *stream = lua_touserdata(L, object);
    lua_pushvalue(L, headers);
    lh2_set_slot(L, object, LH2_STREAM_SLOT_HEADERS);
    stream->is_sent_headers_full = true;
}

void lh2_stream_note_request(lua_State *L, int object, int headers, int session) {
    object = lua_absindex(L, object);
    if (!lua_isnil(L, headers)) {
        lua_pushvalue(L, headers);
        lh2_set_slot(L, object, LH2_STREAM_SLOT_HEADERS);
    }
    lua_pushvalue(L, session);
    lh2_set_slot(L, object, LH2_STREAM_SLOT_SESSION);
}

void lh2_stream_note_info_headers(lua_State *L, int object, int headers) {
    lh2_get_private(L, object, &info_headers_key);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lh2_set_private(L, object, &info_headers_key);
    }
    lh2_push_headers_copy(L, headers);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

void lh2_stream_note_trailers(lua_State *L, int object, int headers) {
    lh2_push_headers_copy(L, headers);
    lh2_set_private(L, object, &trailers_key);
}

void lh2_stream_push_sent_headers(lua_State *L, int object) {
    lh2_push_slot(L, object, LH2_STREAM_SLOT_HEADERS);
}

/* ----------------------------------------------------------------------------------- asking */

static void complete_response(lua_State *L, const lh2_stream *stream, int headers) {
    if (!lh2_headers_has(L, headers, ":status")) {
        lua_pushinteger(L, stream->sent_status);
        lua_setfield(L, headers, ":status");
    }
    if (stream->sent_date != 0 && !lh2_headers_has(L, headers, "date")) {
        char date[LH2_DATE_SIZE];
        lh2_format_date(date, stream->sent_date);
        lua_pushstring(L, date);
        lua_setfield(L, headers, "date");
    }
}

static int get_headers(lua_State *L) {
    lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    lua_settop(L, 1);
    lh2_push_slot(L, 1, LH2_STREAM_SLOT_HEADERS);
    lh2_push_slot(L, 1, LH2_STREAM_SLOT_SESSION);
    bool is_request = !lua_isnil(L, 3);
    if (stream->is_sent_headers_full || (!is_request && stream->sent_status == 0)) {
        lua_pushvalue(L, 2);
        return 1;
    }
    if (lua_isuserdata(L, 2))
        lh2_response_push_headers(L, 2);
    else
        lh2_push_headers_copy(L, 2);
    if (is_request)
        lh2_client_session_complete_headers(L, lua_touserdata(L, 3), 4);
    else
        complete_response(L, stream, 4);
    lh2_stream_note_full_headers(L, 1, 4);
    return 1;
}

static int get_info_headers(lua_State *L) {
    lh2_check(L, 1, &lh2_stream_class);
    lh2_get_private(L, 1, &info_headers_key);
    return 1;
}

static int get_trailers(lua_State *L) {
    lh2_check(L, 1, &lh2_stream_class);
    lh2_get_private(L, 1, &trailers_key);
    return 1;
}

static const luaL_Reg getters[] = {
    {"sentHeaders", get_headers},
    {"sentInfoHeaders", get_info_headers},
    {"sentTrailers", get_trailers},
    {NULL, NULL},
};

const lh2_class lh2_stream_headers_class = {"Http2Stream", &lh2_duplex_class, NULL, getters, NULL,
                                            NULL};
