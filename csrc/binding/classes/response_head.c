/* What a response sends before its body: the head, and responses of 1xx in front of it. */
#include "binding/classes/exchange.h"
#include "h1/h1.h"

/* RFC 9110 §6.4.1, §15.3.6. */
static bool is_bodyless(const lh2_response *response) {
    int status = response->status;
    return status == 204 || status == 205 || status == 304 ||
           response->version->is_head(response->carrier);
}

bool lh2_response_has_begun(const lh2_response *response) {
    return response->version->has_sent_headers(response->carrier);
}

/* What the program's Content-Length says; LH2_SIZE_UNKNOWN where it is no number. */
static uint64_t announced(const lh2_fields *fields) {
    for (size_t i = 0; i < fields->count; i++) {
        bytes_slice value = fields->fields[i].value;
        uint64_t length = 0;
        if (!bytes_slice_equal(fields->fields[i].name, BYTES_LITERAL("content-length")))
            continue;
        for (size_t at = 0; at < value.size; at++) {
            if (value.data[at] < '0' || value.data[at] > '9' || at == 18)
                return LH2_SIZE_UNKNOWN;
            length = length * 10 + (uint64_t)(value.data[at] - '0');
        }
        return value.size > 0 ? length : LH2_SIZE_UNKNOWN;
    }
    return LH2_SIZE_UNKNOWN;
}

void lh2_response_begin(lua_State *L, int index, bool is_end, uint64_t size) {
    lh2_response *response = lua_touserdata(L, index);
    lh2_fields fields;
    int top = lua_gettop(L);
    if (lh2_response_has_begun(response) || !lh2_response_is_open(response))
        return;
    lh2_response_read_headers(L, index, &fields);
    lh2_head head = {&fields, top + 1, response->status, response->has_date, is_end, size};
    head.is_end = head.is_end || is_bodyless(response);
    response->version->respond(L, response->carrier, &head);
    if (lh2_fields_has(&fields, HPACK_TOKEN_CONTENT_LENGTH))
        response->left = announced(&fields);
    lua_settop(L, top);
}

void lh2_response_inform(lua_State *L, lh2_response *response, int status) {
    lh2_fields fields;
    int top = lua_gettop(L);
    lua_pushnil(L);
    lh2_fields_read(L, top + 1, LH2_SECTION_PLAIN, &fields);
    response->version->inform(L, response->carrier, &fields, top + 1, status);
    lua_settop(L, top);
}

/* response:writeContinue(): 100, if it is not too late. */
int lh2_response_write_continue(lua_State *L) {
    lh2_response *response = lh2_check(L, 1, &lh2_response_class);
    bool is_due = lh2_response_is_open(response) && !lh2_response_has_begun(response);
    if (is_due)
        lh2_response_inform(L, response, 100);
    lua_pushboolean(L, is_due);
    return 1;
}

/* RFC 8288 §3: "<target>" and parameters. */
static bool is_link(const char *text) {
    if (*text != '<' || (text = strchr(text, '>')) == NULL)
        return false;
    text++;
    for (;;) {
        text += strspn(text, " \t");
        if (*text == '\0')
            return true;
        if (*text++ != ';')
            return false;
        text += strspn(text, " \t");
        size_t size = strcspn(text, "=;\" \t");
        if (!h1_is_token(bytes_slice_of(text, size)))
            return false;
        text += size;
        if (*text != '=')
            continue;
        if (*++text == '"') {
            size_t quoted = strcspn(text + 1, "\"");
            if (text[1 + quoted] == '\0')
                return false;
            text += quoted + 2;
        } else {
            size = strcspn(text, ";\" \t");
            if (size == 0)
                return false;
            text += size;
        }
    }
}

static void check_link(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TSTRING || !is_link(lua_tostring(L, index)))
        lh2_raise_value(L, "hints.link", "must be links in the form <target>; parameters", index);
}

/* The links in the hints at 2: how many. [-0, +0, v] */
static int check_links(lua_State *L) {
    int count = 1;
    lua_getfield(L, 2, "link");
    if (!lua_istable(L, -1)) {
        check_link(L, lua_gettop(L));
    } else {
        count = (int)lua_rawlen(L, -1);
        for (int i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, i);
            check_link(L, lua_gettop(L));
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return count;
}

/* response:writeEarlyHints(hints): 103 (RFC 8297). */
int lh2_response_write_early_hints(lua_State *L) {
    lh2_response *response = lh2_check(L, 1, &lh2_response_class);
    lua_settop(L, 2);
    if (!lua_istable(L, 2))
        return lh2_raise_type(L, "hints", "of type table", 2);
    lh2_fields fields;
    bool is_due = check_links(L) > 0;
    lh2_fields_read(L, 2, LH2_SECTION_PLAIN, &fields);
    is_due = is_due && lh2_response_is_open(response) && !lh2_response_has_begun(response);
    if (is_due)
        response->version->inform(L, response->carrier, &fields, 2, 103);
    lua_pushboolean(L, is_due);
    return 1;
}

/* response:flushHeaders() */
int lh2_response_flush_headers(lua_State *L) {
    lh2_check(L, 1, &lh2_response_class);
    lh2_response_begin(L, 1, false, LH2_SIZE_UNKNOWN);
    return 0;
}

void lh2_push_length_error(lua_State *L) {
    lh2_push_error_text(L, "Error", "ERR_HTTP_CONTENT_LENGTH_MISMATCH",
                        "The body is longer than its Content-Length");
}
