/* A request and its response, as the compatibility API shows them: two light objects over one duplex,
 * the carrier, which is an HTTP/2 stream or its like on an HTTP/1.1 connection. The request looks
 * through to the carrier's readable side, the response to the writable one; what the versions do
 * differently is behind one table of operations.
 *
 * The response watches its carrier and is anchored until that has closed; it keeps its request, and that
 * keeps the carrier, so that the facts can be read afterwards. */
#ifndef BINDING_CLASSES_EXCHANGE_H
#define BINDING_CLASSES_EXCHANGE_H

#include "binding/classes/server.h"
#include "binding/duplex.h"
#include "binding/field_list.h"
#include "binding/headers.h"
#include "binding/kept_fields.h"
#include "binding/warning.h"

#define LH2_SIZE_UNKNOWN UINT64_MAX
#define LH2_OWN_HEADERS 128

/* The head of a final response. */
typedef struct lh2_head {
    lh2_fields *fields; /* read, not finished */
    int headers;        /* the index of the table they were read from, or of the response */
    int status;
    bool has_date;
    bool is_end;   /* no body and no trailers follow */
    uint64_t size; /* of the whole body, LH2_SIZE_UNKNOWN where it is not known */
} lh2_head;

/* What an HTTP version is asked for; the carrier is alive (not destroyed) in those that send. */
typedef struct lh2_carrier {
    /* Sends the head: raises, or the carrier's has_sent_headers is true afterwards. [-0, +0, e] */
    void (*respond)(lua_State *L, lh2_duplex *carrier, const lh2_head *head);
    /* Sends a 1xx response with the fields read from the table at `headers`. [-0, +0, e] */
    void (*inform)(lua_State *L, lh2_duplex *carrier, lh2_fields *fields, int headers, int status);
    /* finish() follows, and trailers after that: "wantTrailers" asks for them. */
    void (*expect_trailers)(lh2_duplex *carrier);
    void (*trail)(lua_State *L, lh2_duplex *carrier, lh2_fields *fields, int headers);
    /* The fields of the request, while it is announced; NULL: they are gone. */
    const lh2_kept_fields *(*request)(lh2_duplex *carrier);
    /* The same with the names as they came, where they are others, and for ever; else NULL. */
    const lh2_kept_fields *(*raw_request)(lh2_duplex *carrier);
    bool (*has_sent_headers)(const lh2_duplex *carrier);
    bool (*is_head)(const lh2_duplex *carrier);
    /* Nothing can be sent any more, though the carrier may not have been destroyed yet. */
    bool (*is_closed)(const lh2_duplex *carrier);
    /* Pushes the object of the connection's socket, and whose setTimeout is its: nil where they are
     * gone. [-0, +1, m] */
    void (*push_socket)(lua_State *L, lh2_duplex *carrier);
    void (*push_connection)(lua_State *L, lh2_duplex *carrier);
    /* Whose exchange it is; NULL once the connection is gone. */
    lh2_server *(*server)(const lh2_duplex *carrier);
    uint8_t major;
    /* HTTP/1.x: the minor version of the request. */
    uint8_t (*minor)(const lh2_duplex *carrier);
} lh2_carrier;

extern const lh2_carrier lh2_stream_carrier; /* HTTP/2 (stream_carrier.c) */

struct lh2_response;

typedef struct lh2_request {
    lh2_object object;
    lh2_duplex *carrier; /* kept alive by the first slot */
    const lh2_carrier *version;
    struct lh2_response *response; /* NULL once the carrier has closed */
    bool is_anchored;              /* by its listeners */
    bool is_closed;
    bool is_destroyed; /* destroy() was called */
    size_t field_count;
    lh2_packed_field fields[];
} lh2_request;

typedef struct lh2_response {
    lh2_object object;
    lh2_duplex
        *carrier; /* kept alive by the first slot, which holds the request, or a push's stream */
    const lh2_carrier *version;
    lh2_request *request;    /* NULL: of a push */
    lh2_field_list *headers; /* those that were set: `own`, or a larger list in the second slot */
    uint64_t left;           /* of the body, by its Content-Length; LH2_SIZE_UNKNOWN */
    uint16_t status;
    bool has_date;
    bool is_ending;       /* finish() was called */
    bool is_destroyed;    /* destroy() was called */
    bool is_closed;       /* the carrier has closed */
    bool has_trailers;    /* some were set */
    bool has_raw_headers; /* the second slot holds what writeHead was given, as it is */
    struct {
        lh2_field_list list;
        uint8_t records[LH2_OWN_HEADERS];
    } own; /* with room for the headers of an ordinary response */
} lh2_response;

extern const lh2_class lh2_request_class, lh2_response_class;

/* What the first slot holds of both: see above. */
enum { LH2_SLOT_OWNER = 1, LH2_SLOT_HEADERS = 2 };

/* Makes the two for the carrier at the top of the stack, which is anchored. `server` may ask for classes
 * of its own. [-0, +2, m] */
void lh2_exchange_new(lua_State *L, lh2_server *server, const lh2_carrier *version);
/* A response to a push, over the stream on top. [-0, +1, m] */
lh2_response *lh2_response_new_pushed(lua_State *L, lh2_server *server);

/* A request has come on the carrier on top: makes both objects, and emits "request" or what takes its
 * place (Node's compatibility layer). [-0, +0, e] */
void lh2_exchange_announce(lua_State *L, lh2_server *server, const lh2_carrier *version);
/* Whether streams of the server are for the compatibility API alone: nobody else listens to them.
 * [-0, +0, -] */
bool lh2_serves_requests_alone(lua_State *L, lh2_server *server);
/* The carrier's handler has failed, which has been told: answers with 500 if there is a response that
 * has not begun. False: nothing was done. [-0, +0, e] */
bool lh2_exchange_fail(lua_State *L, lh2_duplex *carrier);

/* Pushes the carrier of the request or response at `index`. [-0, +1, -] */
void lh2_push_carrier(lua_State *L, int index);
/* A getter that gives the carrier's property of the same name: get_NAME. */
#define LH2_FORWARD(name)                                                                          \
    static int get_##name(lua_State *L) {                                                          \
        return lh2_forward(L, #name);                                                              \
    }
int lh2_forward(lua_State *L, const char *name);
/* The getter `errored` of both: what ends the stream otherwise than by their destroy() is the stream's
 * alone. */
int lh2_exchange_errored(lua_State *L, bool is_destroyed);
/* The header tables that listeners of "stream" were given are the request's at `index`. [-0, +0, m] */
void lh2_request_use_headers(lua_State *L, int index, int headers, int raw);
/* Trailers came: {headers, flags, rawHeaders} from index `arguments` on. [-0, +0, m] */
void lh2_request_note_trailers(lua_State *L, lh2_request *request, int arguments);
/* Calls method `name` of the carrier in the place of the object at index 1, with the arguments behind
 * it. Returns their results' number. [-n, +r, e] */
int lh2_call_carrier(lua_State *L, const char *name);
/* Pushes the one socket proxy of the exchange (exchange_socket.c). [-0, +1, m] */
void lh2_push_exchange_socket(lua_State *L, int index);
/* request:setTimeout and response:setTimeout. */
int lh2_exchange_set_timeout(lua_State *L);

/* The headers of a response (response_headers.c): none so far. */
void lh2_response_init_headers(lh2_response *response);
/* No more of them. [-0, +0, m] */
void lh2_response_clear_headers(lua_State *L, int index);
/* Reads them for sending, from the table or response that is pushed first. [-0, +2, v] */
void lh2_response_read_headers(lua_State *L, int index, lh2_fields *fields);
/* Pushes a map of those that were set. [-0, +1, m] */
void lh2_response_push_headers(lua_State *L, int index);
/* The methods and getters of headers, an ancestor of the response's class. */
extern const lh2_class lh2_response_headers_class;
/* Whether the connection is there still: otherwise what is sent goes nowhere, quietly. */
bool lh2_response_is_open(const lh2_response *response);
/* Sends the head if it was not sent. `size` as in lh2_head. [-0, +0, e] */
void lh2_response_begin(lua_State *L, int index, bool is_end, uint64_t size);
bool lh2_response_has_begun(const lh2_response *response);
/* Sends a 1xx response without fields. [-0, +0, e] */
void lh2_response_inform(lua_State *L, lh2_response *response, int status);
/* Methods of the response (response_head.c). */
int lh2_response_write_continue(lua_State *L);
int lh2_response_write_early_hints(lua_State *L);
int lh2_response_flush_headers(lua_State *L);
/* Pushes the error of a body that is longer than its Content-Length. [-0, +1, m] */
void lh2_push_length_error(lua_State *L);
/* The response at `index` sends the trailers that were set. [-0, +0, e] */
void lh2_response_send_trailers(lua_State *L, int index);
/* Raises for what is no status of a final response; 0 is 200. [-0, +0, v] */
int lh2_check_final_status(lua_State *L, int index);

/* Listener of "stream" that makes requests of streams, and "request"s hook on servers. */
int lh2_stream_to_request(lua_State *L);

/* Registers the class of sockets as exchanges show them. [-0, +0, m] */
void lh2_exchange_socket_open(lua_State *L);

#endif
