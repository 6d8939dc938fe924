#include "binding/field_list.h"

#include "binding/args.h"
#include "binding/error.h"
#include "h1/h1.h"
#include "h2/h2.h"

/* --------------------------------------------------------------------------- names and values */

/* ERR_INVALID_HTTP_TOKEN, or what is wrong with a name that begins with a colon. [-0, +0, v] */
static int raise_name(lua_State *L, int name) {
    static const char *const pseudo[] = {":status", ":method",    ":path",
                                         ":scheme", ":authority", ":protocol"};
    size_t size;
    const char *text = lua_tolstring(L, name, &size);
    for (size_t i = 0; i < sizeof(pseudo) / sizeof(*pseudo); i++)
        if (strcmp(text, pseudo[i]) == 0)
            return lh2_raise(L, "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED", NULL);
    if (text[0] == ':')
        return lh2_raise(L, "ERR_HTTP2_INVALID_PSEUDOHEADER", text);
    return lh2_raise(L, "ERR_INVALID_HTTP_TOKEN", text);
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static lh2_field_name name_at(lua_State *L, int index) {
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    lh2_field_name name = {bytes_slice_of(text, size), HPACK_TOKEN_NONE};
    name.token = hpack_token_of(name.text);
    return name;
}

lh2_field_name lh2_field_fold_name(lua_State *L, int index) {
    size_t size, upper = 0;
    const char *text = lua_tolstring(L, index, &size);
    size_t begin = 0, end = size;
    while (begin < end && is_blank(text[begin]))
        begin++;
    while (end > begin && is_blank(text[end - 1]))
        end--;
    for (size_t i = begin; i < end; i++)
        upper += text[i] >= 'A' && text[i] <= 'Z';
    if (upper == 0 && end - begin == size)
        return name_at(L, index);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t i = begin; i < end; i++)
        luaL_addchar(&buffer, (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]));
    luaL_pushresult(&buffer);
    lua_replace(L, index);
    return name_at(L, index);
}

/* Folds a name that is to be set. [-0, +0, v] */
static lh2_field_name check_name(lua_State *L, int index) {
    lh2_check_string(L, index, "name", NULL);
    lh2_field_name name = name_at(L, index);
    if (name.token == HPACK_TOKEN_NONE) /* else RFC 7541's table has it in this spelling */
        name = lh2_field_fold_name(L, index);
    if (name.token == HPACK_TOKEN_NONE ? !h1_is_token(name.text) : name.text.data[0] == ':')
        raise_name(L, index);
    return name;
}

static int raise_value(lua_State *L, int name, int value) {
    luaL_tolstring(L, value, NULL);
    lua_pushfstring(L, "\"%s\" for header \"%s\"", lua_tostring(L, -1), lua_tostring(L, name));
    return lh2_raise(L, "ERR_HTTP2_INVALID_HEADER_VALUE", lua_tostring(L, -1));
}

/* Reads the value at index `value`, which is none of a field or has octets that cannot be sent (RFC 9110
 * §5.5): raises. [-0, +0, v] */
static void check_scalar(lua_State *L, int name, int value, lh2_scalar *scalar) {
    lh2_scalar_read(L, value, scalar);
    if (scalar->text.data == NULL)
        raise_value(L, name, value);
    if (h2_text_is_field_value(scalar->text))
        return;
    for (size_t i = 0; i < scalar->text.size; i++) {
        uint8_t c = scalar->text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            lh2_raise_text(L, "TypeError", "ERR_INVALID_CHAR",
                           "Invalid character in header content [\"%s\"]", lua_tostring(L, name));
    }
}

void lh2_field_check_pair(lua_State *L, int name, lh2_given_field *field) {
    field->name = check_name(L, name);
    field->index = name + 1;
    if (!lua_istable(L, name + 1)) {
        check_scalar(L, name, name + 1, &field->value);
        return;
    }
    for (int i = 1, count = (int)lua_rawlen(L, name + 1); i <= count; i++) {
        lua_rawgeti(L, name + 1, i);
        check_scalar(L, name, lua_gettop(L), &field->value);
        lua_pop(L, 1);
    }
    field->value.type = LUA_TTABLE;
}

/* ------------------------------------------------------------------------------- the records */

/* What a number was given as. */
typedef union number {
    lua_Integer integer;
    lua_Number number;
} number;

/* One value. Behind it are the number, if it was given as one; the octets of the name, unless the table of
 * RFC 7541 has it; and those of the value. The values of a name are one behind the other; an empty sequence
 * is a record of type nil. */
typedef struct record {
    uint32_t name_size, value_size;
    hpack_token token;
    uint8_t type; /* the value's, in Lua */
    bool is_integer : 1;
    bool is_in_sequence : 1; /* it was given as one of several */
    bool is_repeat : 1;      /* of the same name as the record before */
} record;

#define FIRST_CAPACITY 256

static uint8_t *octets_at(const lh2_field_list *list, size_t at) {
    return (uint8_t *)(uintptr_t)(list + 1) + at;
}

/* The octets of a record with so much behind it. */
static size_t record_size(size_t more) {
    return sizeof(record) + (more + _Alignof(record) - 1) / _Alignof(record) * _Alignof(record);
}

static record *record_at(const lh2_field_list *list, size_t at) {
    return (record *)(void *)octets_at(list, at);
}

/* Where the name is that no table has. */
static const uint8_t *octets_of(const record *r) {
    return (const uint8_t *)(r + 1) + (r->type == LUA_TNUMBER ? sizeof(number) : 0);
}

static lh2_field_name name_of(const record *r) {
    if (r->token != HPACK_TOKEN_NONE)
        return (lh2_field_name){hpack_token_name(r->token), r->token};
    return (lh2_field_name){bytes_slice_of(octets_of(r), r->name_size), r->token};
}

static bytes_slice text_of(const record *r) {
    return bytes_slice_of(octets_of(r) + r->name_size, r->value_size);
}

static size_t end_of_record(const lh2_field_list *list, size_t at) {
    const record *r = record_at(list, at);
    const uint8_t *end = octets_of(r) + r->name_size + r->value_size;
    return at + record_size((size_t)(end - (const uint8_t *)(r + 1)));
}

/* Where the values of a name are; all of nothing behind the last record if there are none. */
typedef struct place {
    size_t at, end;
} place;

static bool is_named(const record *r, const lh2_field_name *name) {
    return r->token == name->token &&
           (r->token != HPACK_TOKEN_NONE || bytes_slice_equal(name_of(r).text, name->text));
}

/* The end of the values that begin at `at`. */
static size_t end_of_values(const lh2_field_list *list, size_t at) {
    do
        at = end_of_record(list, at);
    while (at < list->size && record_at(list, at)->is_repeat);
    return at;
}

static place find(const lh2_field_list *list, const lh2_field_name *name) {
    place values = {0, 0};
    if (list == NULL)
        return values;
    while (values.at < list->size && !is_named(record_at(list, values.at), name))
        values.at = end_of_record(list, values.at);
    values.end = values.at < list->size ? end_of_values(list, values.at) : values.at;
    return values;
}

/* -------------------------------------------------------------------------------- adding to it */

/* The list, with room for `extra` octets; or a larger one, which is pushed. [-0, +0|1, m] */
static lh2_field_list *reserve(lua_State *L, lh2_field_list *list, size_t extra) {
    size_t size = list != NULL ? list->size : 0, capacity = list != NULL ? list->capacity : 0;
    if (capacity - size >= extra)
        return list;
    capacity = capacity > 0 ? 2 * capacity : FIRST_CAPACITY;
    if (capacity - size < extra)
        capacity = size + extra;
    lh2_field_list *grown = lua_newuserdatauv(L, sizeof(*grown) + capacity, 0);
    *grown = (lh2_field_list){size, capacity};
    if (size > 0)
        memcpy(octets_at(grown, 0), octets_at(list, 0), size);
    return grown;
}

/* How much room the value takes. [-0, +0, v] */
static size_t space_of(lua_State *L, const lh2_given_field *field, const lh2_scalar *value) {
    size_t number_size = value->type == LUA_TNUMBER ? sizeof(number) : 0;
    if (field->name.text.size > UINT32_MAX || value->text.size > UINT32_MAX)
        lh2_raise_memory(L);
    return record_size(number_size + field->name.text.size + value->text.size);
}

/* The same of a sequence's values together. */
static size_t space_of_sequence(lua_State *L, const lh2_given_field *field) {
    lh2_scalar value = {.type = LUA_TNIL};
    size_t space = space_of(L, field, &value);
    for (int i = 1, count = (int)lua_rawlen(L, field->index); i <= count; i++) {
        lua_rawgeti(L, field->index, i);
        lh2_scalar_read(L, -1, &value);
        space += space_of(L, field, &value);
        lua_pop(L, 1);
    }
    return space;
}

/* Appends the value, which is at `index`, and for which there is room. */
static void append_value(lua_State *L, lh2_field_list *list, const lh2_field_name *name, int index,
                         const lh2_scalar *value, bool is_in_sequence, bool is_repeat) {
    size_t name_size = name->token == HPACK_TOKEN_NONE ? name->text.size : 0;
    record *r = record_at(list, list->size);
    *r = (record){.name_size = (uint32_t)name_size,
                  .value_size = (uint32_t)value->text.size,
                  .token = name->token,
                  .type = (uint8_t)value->type,
                  .is_in_sequence = is_in_sequence,
                  .is_repeat = is_repeat};
    if (value->type == LUA_TNUMBER) {
        number given = {.number = lua_tonumber(L, index)};
        r->is_integer = lua_isinteger(L, index);
        if (r->is_integer)
            given.integer = lua_tointeger(L, index);
        memcpy(r + 1, &given, sizeof(given));
    }
    uint8_t *octets = (uint8_t *)(uintptr_t)octets_of(r);
    if (name_size > 0)
        memcpy(octets, name->text.data, name_size);
    if (value->text.size > 0)
        memcpy(octets + name_size, value->text.data, value->text.size);
    list->size = end_of_record(list, list->size);
}

/* Appends the values of a sequence; of none, if the name has no other, a record that says so. */
static void append_sequence(lua_State *L, lh2_field_list *list, const lh2_given_field *field,
                            bool is_repeat) {
    int count = (int)lua_rawlen(L, field->index);
    for (int i = 1; i <= count || (i == 1 && !is_repeat); i++) {
        lh2_scalar value;
        lua_rawgeti(L, field->index, i);
        lh2_scalar_read(L, -1, &value);
        append_value(L, list, &field->name, -1, &value, true, is_repeat || i > 1);
        lua_pop(L, 1);
    }
}

/* What was appended from `before` on takes the place of what is at `values`; there is room for it once
 * more. */
static void move_in(lh2_field_list *list, place values, size_t before) {
    size_t size = list->size - before;
    if (values.at == before)
        return;
    memcpy(octets_at(list, list->size), octets_at(list, before), size);
    memmove(octets_at(list, values.at + size), octets_at(list, values.end), before - values.end);
    memcpy(octets_at(list, values.at), octets_at(list, list->size), size);
    list->size -= values.end - values.at;
}

/* Appends the field, in the place of what is at `values`, the values that its name has; or, as an addition,
 * behind them. [-0, +0|1, m] */
static lh2_field_list *put(lua_State *L, lh2_field_list *list, const lh2_given_field *field,
                           place values, bool is_addition) {
    bool is_sequence = field->value.type == LUA_TTABLE, is_new = values.at == values.end;
    bool is_repeat = is_addition && record_at(list, values.at)->type != LUA_TNIL;
    size_t space = is_sequence ? space_of_sequence(L, field) : space_of(L, field, &field->value);
    list = reserve(L, list, is_new ? space : 2 * space);
    size_t before = list->size;
    if (is_sequence)
        append_sequence(L, list, field, is_repeat);
    else
        append_value(L, list, &field->name, field->index, &field->value, is_addition, is_repeat);
    if (is_repeat) {
        record_at(list, values.at)->is_in_sequence = true;
        values.at = values.end;
    }
    move_in(list, values, before);
    return list;
}

lh2_field_list *lh2_field_list_put(lua_State *L, lh2_field_list *list,
                                   const lh2_given_field *field) {
    return put(L, list, field, find(list, &field->name), false);
}

lh2_field_list *lh2_field_list_add(lua_State *L, lh2_field_list *list,
                                   const lh2_given_field *field) {
    place values = find(list, &field->name);
    return put(L, list, field, values, values.at < values.end);
}

void lh2_field_list_erase(lh2_field_list *list, const lh2_field_name *name) {
    place values = find(list, name);
    if (values.at == values.end)
        return;
    memmove(octets_at(list, values.at), octets_at(list, values.end), list->size - values.end);
    list->size -= values.end - values.at;
}

/* ------------------------------------------------------------------------------- whole tables */

/* Puts the pairs of a sequence; returns the list, which is at `index` on the stack. [-0, +0, v] */
static lh2_field_list *copy_sequence(lua_State *L, lh2_field_list *list, int index, int given) {
    lh2_given_field field;
    for (int i = 1, count = (int)lua_rawlen(L, given); i < count; i += 2) {
        lua_rawgeti(L, given, i);
        lua_rawgeti(L, given, i + 1);
        lh2_field_check_pair(L, index + 1, &field);
        lh2_field_list *grown = lh2_field_list_add(L, list, &field);
        if (grown != list)
            lua_replace(L, index);
        list = grown;
        lua_settop(L, index);
    }
    return list;
}

/* The same with what a map has under names. [-0, +0, v] */
static lh2_field_list *copy_map(lua_State *L, lh2_field_list *list, int index, int given) {
    lh2_given_field field;
    for (lua_pushnil(L); lua_next(L, given); lua_settop(L, index + 1)) {
        if (lua_type(L, index + 1) != LUA_TSTRING)
            continue;
        lua_pushvalue(L, index + 1);
        lua_pushvalue(L, index + 2);
        lh2_field_check_pair(L, index + 3, &field);
        lh2_field_list *grown = lh2_field_list_put(L, list, &field);
        if (grown != list)
            lua_replace(L, index);
        list = grown;
    }
    return list;
}

lh2_field_list *lh2_field_list_push_copy(lua_State *L, int given) {
    lh2_field_list *list = reserve(L, NULL, 1);
    int index = lua_gettop(L);
    return lua_rawlen(L, given) > 0 ? copy_sequence(L, list, index, given)
                                    : copy_map(L, list, index, given);
}

lh2_field_list *lh2_field_list_push_merged(lua_State *L, const lh2_field_list *list, int given) {
    const lh2_field_list *more = lh2_field_list_push_copy(L, given);
    size_t size = list != NULL ? list->size : 0;
    lh2_field_list *merged = reserve(L, NULL, size + 2 * more->size + 1);
    if (size > 0)
        memcpy(octets_at(merged, 0), octets_at(list, 0), size);
    merged->size = size;
    for (size_t at = 0, end; at < more->size; at = end) {
        end = end_of_values(more, at);
        lh2_field_name name = name_of(record_at(more, at));
        place values = find(merged, &name);
        size_t before = merged->size;
        memcpy(octets_at(merged, before), octets_at(more, at), end - at);
        merged->size += end - at;
        move_in(merged, values, before);
    }
    lua_replace(L, -2);
    return merged;
}

/* ------------------------------------------------------------------------------- telling of it */

static void push_slice(lua_State *L, bytes_slice slice) {
    lua_pushlstring(L, (const char *)slice.data, slice.size);
}

static void push_number(lua_State *L, const record *r) {
    number given;
    memcpy(&given, r + 1, sizeof(given));
    if (r->is_integer)
        lua_pushinteger(L, given.integer);
    else
        lua_pushnumber(L, given.number);
}

static void push_scalar(lua_State *L, const record *r) {
    if (r->type == LUA_TSTRING)
        push_slice(L, text_of(r));
    else if (r->type == LUA_TBOOLEAN)
        lua_pushboolean(L, text_of(r).data[0] == 't');
    else
        push_number(L, r);
}

/* Pushes what the records at `values` hold: a value, or a sequence. [-0, +1, m] */
static void push_value(lua_State *L, const lh2_field_list *list, place values) {
    if (!record_at(list, values.at)->is_in_sequence) {
        push_scalar(L, record_at(list, values.at));
        return;
    }
    int count = 0;
    lua_newtable(L);
    for (size_t at = values.at; at < values.end; at = end_of_record(list, at)) {
        if (record_at(list, at)->type == LUA_TNIL)
            continue;
        push_scalar(L, record_at(list, at));
        lua_rawseti(L, -2, ++count);
    }
}

void lh2_field_list_push_value(lua_State *L, const lh2_field_list *list,
                               const lh2_field_name *name) {
    place values = find(list, name);
    if (values.at < values.end)
        push_value(L, list, values);
    else
        lua_pushnil(L);
}

void lh2_field_list_push_names(lua_State *L, const lh2_field_list *list) {
    int count = 0;
    lua_newtable(L);
    for (size_t at = 0; list != NULL && at < list->size; at = end_of_values(list, at)) {
        push_slice(L, name_of(record_at(list, at)).text);
        lua_rawseti(L, -2, ++count);
    }
}

void lh2_field_list_push_map(lua_State *L, const lh2_field_list *list) {
    luaL_checkstack(L, 10, "headers");
    lua_createtable(L, 0, 8);
    for (size_t at = 0, end; list != NULL && at < list->size; at = end) {
        end = end_of_values(list, at);
        push_slice(L, name_of(record_at(list, at)).text);
        push_value(L, list, (place){at, end});
        lua_rawset(L, -3);
    }
}

void lh2_field_list_read(lua_State *L, const lh2_field_list *list, lh2_section section,
                         lh2_fields *fields) {
    lh2_fields_begin(L, section, fields);
    for (size_t at = 0; list != NULL && at < list->size; at = end_of_record(list, at)) {
        const record *r = record_at(list, at);
        lh2_field_name name = name_of(r);
        if (r->is_repeat && lh2_is_single_value(name.text)) {
            push_slice(L, name.text);
            lh2_raise(L, "ERR_HTTP2_HEADER_SINGLE_VALUE", lua_tostring(L, -1));
        }
        if (r->type != LUA_TNIL)
            lh2_fields_put(L, fields, name.text, name.token, text_of(r));
    }
}
