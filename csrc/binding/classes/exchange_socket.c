#include "binding/classes/exchange.h"
#include "binding/classes/socket_proxy.h"

/* What request.socket and response.socket show: the facts of the connection's socket; the events, the
 * end and the state of the carrier; and the timeout of the session. Reading and writing by hand is
 * refused. */
typedef struct exchange_socket {
    lh2_object object;
    lh2_duplex *carrier; /* kept alive by the slot */
    const lh2_carrier *version;
} exchange_socket;

/* Private field of the object that the exchange has for it: its one proxy. */
static const char proxy_key;

static const char *const forbidden[] = {"write", "read", "pause", "resume", NULL};
static const char *const of_carrier[] = {
    "on",       "once",      "end",         "finish",         "emit",          "destroy",  "off",
    "writable", "destroyed", "addListener", "removeListener", "listenerCount", "readable", NULL};

static const lh2_class proxy_class = {"Http2Socket", NULL, NULL, NULL, NULL, NULL};

/* Pushes the object that has the member `name`: the carrier where the connection is gone. [-0, +1, v] */
static void push_target(lua_State *L) {
    exchange_socket *proxy = lh2_check(L, 1, &proxy_class);
    const char *name = lh2_proxy_check_member(L, forbidden);
    if (strcmp(name, "setTimeout") == 0)
        proxy->version->push_connection(L, proxy->carrier);
    else if (!lh2_proxy_is_among(of_carrier, name))
        proxy->version->push_socket(L, proxy->carrier);
    else
        lua_pushnil(L);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    lh2_push_slot(L, 1, LH2_SLOT_OWNER);
}

static int get_member(lua_State *L) {
    push_target(L);
    return lh2_proxy_get_member(L);
}

static int set_member(lua_State *L) {
    push_target(L);
    return lh2_proxy_set_member(L);
}

void lh2_push_exchange_socket(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lh2_push_slot(L, index, LH2_SLOT_OWNER);
    int keeper = lh2_test(L, -1, &lh2_request_class) != NULL ? lua_gettop(L) : index;
    lh2_get_private(L, keeper, &proxy_key);
    if (!lua_isnil(L, -1))
        return;
    const lh2_request *request = lh2_test(L, index, &lh2_request_class);
    const lh2_response *response = lh2_test(L, index, &lh2_response_class);
    lh2_duplex *carrier = request != NULL ? request->carrier : response->carrier;
    exchange_socket *proxy =
        lh2_new_with_slots(L, carrier->object.runtime, &proxy_class, sizeof(*proxy), 1, true);
    proxy->carrier = carrier;
    proxy->version = request != NULL ? request->version : response->version;
    lh2_push_carrier(L, index);
    lh2_set_slot(L, -2, LH2_SLOT_OWNER);
    lua_pushvalue(L, -1);
    lh2_set_private(L, keeper, &proxy_key);
}

void lh2_exchange_socket_open(lua_State *L) {
    static const luaL_Reg metamethods[] = {
        {"__index", get_member}, {"__newindex", set_member}, {NULL, NULL}};
    lh2_class_register(L, &proxy_class);
    lh2_push_metatable(L, lh2_runtime_of(L), &proxy_class);
    luaL_setfuncs(L, metamethods, 0);
    lua_pop(L, 1);
}
