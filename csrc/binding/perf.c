#include "binding/perf.h"

#include "base/mem.h"
#include "binding/args.h"
#include "binding/classes/stream.h"

static const char observer_key; /* in the registry: the function that takes entries */

/* Learns when the first octet of a body is framed: a chunk of no octets in front of the others, which
 * the engine asks just then. The engine has it until its release, the stream until its end: whoever
 * lets go last frees it. */
typedef struct marker {
    h2_chunk chunk;
    uint64_t framed_ns; /* 0: not yet */
    bool has_one_owner;
} marker;

/* Moments in nanoseconds of uv_hrtime; 0: did not happen. */
struct lh2_stream_marks {
    uint64_t start_ns, headers_ns, data_ns;
    uint64_t octets_sent, octets_received;
    marker *marker; /* NULL: nothing was sent yet */
};

struct lh2_session_marks {
    h2_counters counters;
    uint64_t start_ns;
    uint64_t stream_count;
    uint64_t ended_count; /* streams among them that were measured to their end */
    double ended_ms;      /* their durations together */
    double ping_ms;       /* round trip of the last ping; 0: none */
};

static double milliseconds(uint64_t from_ns, uint64_t to_ns) {
    return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e6 : 0;
}

/* ---------------------------------------------------------------------------------- the marker */

static void let_go(marker *mark) {
    if (mark->has_one_owner)
        mem_free(mark);
    else
        mark->has_one_owner = true;
}

static long note_framing(h2_chunk *chunk, uint8_t *into, size_t max) {
    (void)into, (void)max;
    ((marker *)(void *)chunk)->framed_ns = uv_hrtime();
    return 0;
}

static void release_marker(h2_chunk *chunk, bool was_sent) {
    (void)was_sent;
    let_go((marker *)(void *)chunk);
}

void lh2_perf_stream_sends(lh2_stream *stream) {
    lh2_stream_marks *marks = stream->marks;
    if (marks == NULL || marks->marker != NULL)
        return;
    marker *mark = mem_alloc(sizeof(*mark));
    if (mark == NULL)
        return;
    *mark = (marker){.chunk = {.read = note_framing, .release = release_marker}};
    if (h2_session_write(stream->session->engine, stream->id, &mark->chunk) == H2_OK)
        marks->marker = mark;
    else
        mem_free(mark);
}

/* ------------------------------------------------------------------------------------- streams */

void lh2_perf_stream_began(lh2_stream *stream) {
    if (stream->session->marks != NULL)
        stream->session->marks->stream_count++;
    if (!stream->duplex.object.runtime->is_observed)
        return;
    stream->marks = mem_alloc(sizeof(*stream->marks));
    if (stream->marks != NULL)
        *stream->marks = (lh2_stream_marks){.start_ns = uv_hrtime()};
}

void lh2_perf_stream_headers(lh2_stream *stream) {
    if (stream->marks != NULL && stream->marks->headers_ns == 0)
        stream->marks->headers_ns = uv_hrtime();
}

void lh2_perf_stream_data(lh2_stream *stream) {
    if (stream->marks != NULL && stream->marks->data_ns == 0)
        stream->marks->data_ns = uv_hrtime();
}

void lh2_perf_stream_closed(lh2_stream *stream, const h2_event *event) {
    if (stream->marks == NULL)
        return;
    stream->marks->octets_sent = event->close.octets_sent;
    stream->marks->octets_received = event->close.octets_received;
}

void lh2_perf_stream_dispose(lh2_stream *stream) {
    if (stream->marks == NULL)
        return;
    if (stream->marks->marker != NULL)
        let_go(stream->marks->marker);
    mem_free(stream->marks);
    stream->marks = NULL;
}

/* ------------------------------------------------------------------------------------- entries */

static void set_number(lua_State *L, const char *name, double value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static void set_count(lua_State *L, const char *name, uint64_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static void tell_entry(lua_State *L, lh2_object *object, intptr_t held) {
    (void)object;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &observer_key);
    lh2_push_held(L, (int)held);
    lh2_drop(L, (int)held);
    if (lua_isfunction(L, -2))
        lua_call(L, 1, 0);
    else
        lua_pop(L, 2);
}

/* Pushes an entry without its figures. [-0, +1, m] */
static void push_entry(lua_State *L, const lh2_runtime *runtime, const char *name,
                       uint64_t start_ns, double duration_ms) {
    lua_createtable(L, 0, 16);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "name");
    lua_pushliteral(L, "http2");
    lua_setfield(L, -2, "entryType");
    set_number(L, "startTime", milliseconds(runtime->time_origin_ns, start_ns));
    set_number(L, "duration", duration_ms);
}

/* The octets of a stream that the engine still knows. */
static void look_at_octets(const lh2_stream *stream) {
    h2_stream_figures figures;
    if (stream->session == NULL || stream->id == 0 || stream->is_engine_done ||
        h2_session_get_stream(stream->session->engine, stream->id, &figures) != H2_OK)
        return;
    stream->marks->octets_sent = figures.octets_sent;
    stream->marks->octets_received = figures.octets_received;
}

void lh2_perf_stream_ended(lua_State *L, lh2_stream *stream) {
    lh2_stream_marks *marks = stream->marks;
    if (marks == NULL)
        return;
    lh2_object *object = &stream->duplex.object;
    double duration_ms = milliseconds(marks->start_ns, uv_hrtime());
    look_at_octets(stream);
    if (stream->session != NULL && stream->session->marks != NULL) {
        stream->session->marks->ended_count++;
        stream->session->marks->ended_ms += duration_ms;
    }
    push_entry(L, object->runtime, "Http2Stream", marks->start_ns, duration_ms);
    set_count(L, "id", stream->id);
    set_count(L, "bytesRead", marks->octets_received);
    set_count(L, "bytesWritten", marks->octets_sent);
    set_number(L, "timeToFirstHeader", milliseconds(marks->start_ns, marks->headers_ns));
    set_number(L, "timeToFirstByte", milliseconds(marks->start_ns, marks->data_ns));
    uint64_t sent_ns = marks->marker != NULL ? marks->marker->framed_ns : 0;
    set_number(L, "timeToFirstByteSent", milliseconds(marks->start_ns, sent_ns));
    lh2_tick_push(L, object, tell_entry, lh2_hold(L));
    lh2_perf_stream_dispose(stream);
}

/* ------------------------------------------------------------------------------------ sessions */

lh2_session_marks *lh2_perf_session_marks(const lh2_runtime *runtime) {
    lh2_session_marks *marks = runtime->is_observed ? mem_alloc(sizeof(*marks)) : NULL;
    if (marks != NULL)
        *marks = (lh2_session_marks){.start_ns = uv_hrtime()};
    return marks;
}

h2_counters *lh2_perf_session_counters(lh2_session_marks *marks) {
    return marks != NULL ? &marks->counters : NULL;
}

void lh2_perf_session_pinged(lh2_session *session, double duration_ms) {
    if (session->marks != NULL)
        session->marks->ping_ms = duration_ms;
}

void lh2_perf_session_dispose(lh2_session *session) {
    mem_free(session->marks);
    session->marks = NULL;
}

void lh2_perf_session_ended(lua_State *L, lh2_session *session) {
    const lh2_session_marks *marks = session->marks;
    if (marks == NULL)
        return;
    const h2_counters *counters = &marks->counters;
    push_entry(L, session->object.runtime, "Http2Session", marks->start_ns,
               milliseconds(marks->start_ns, uv_hrtime()));
    lua_pushstring(L, session->role == H2_SERVER ? "server" : "client");
    lua_setfield(L, -2, "type");
    set_count(L, "bytesRead", counters->octets_received);
    set_count(L, "bytesWritten", counters->octets_sent);
    set_count(L, "framesReceived", counters->frames_received);
    set_count(L, "framesSent", counters->frames_sent);
    set_count(L, "maxConcurrentStreams", counters->most_streams);
    set_count(L, "streamCount", marks->stream_count);
    set_number(L, "pingRTT", marks->ping_ms);
    set_number(L, "streamAverageDuration",
               marks->ended_count > 0 ? marks->ended_ms / (double)marks->ended_count : 0);
    lh2_tick_push(L, &session->object, tell_entry, lh2_hold(L));
}

/* ----------------------------------------------------------------------------------- functions */

/* observe([fn]): fn(entry) is called with each entry from now on; without fn nothing is measured. */
static int observe(lua_State *L) {
    lua_settop(L, 1);
    if (!lua_isnil(L, 1))
        lh2_check_function(L, 1, "fn");
    lh2_runtime_of(L)->is_observed = !lua_isnil(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &observer_key);
    return 0;
}

/* now(): milliseconds since the module was loaded, which `startTime` counts from. */
static int now(lua_State *L) {
    lua_pushnumber(L, milliseconds(lh2_runtime_of(L)->time_origin_ns, uv_hrtime()));
    return 1;
}

void lh2_perf_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"observe", observe}, {"now", now}, {NULL, NULL}};
    lh2_runtime_of(L)->time_origin_ns = uv_hrtime();
    luaL_setfuncs(L, functions, 0);
}
