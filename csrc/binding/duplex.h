/* Duplex streams: the state that Node's Readable and Writable give a user, over any transport. A
 * concrete class embeds lh2_duplex first in its struct and says by its operations where octets come
 * from and go to; this layer decides when listeners hear of what (water marks, flowing, end, finish,
 * drain, close, error), and never calls a listener from inside the program's own call. */
#ifndef BINDING_DUPLEX_H
#define BINDING_DUPLEX_H

#include "binding/emitter.h"
#include "binding/encoding.h"

#define LH2_HIGH_WATER_MARK 16384

typedef struct lh2_duplex lh2_duplex;

/* One write() of the program on its way: the engine's chunk, with what is held for it. */
typedef struct lh2_write {
    h2_chunk chunk;         /* data and size set, `release` set to lh2_write_release */
    list_node all;          /* in the runtime's list, which frees what is left at lua_close */
    struct lh2_write *next; /* the holder's */
    lh2_duplex *duplex;     /* retained meanwhile */
    bool was_sent;
    int string;   /* held Lua string the data lies in; LUA_NOREF: copied behind the struct */
    int callback; /* held; LUA_NOREF: none */
    size_t size;
} lh2_write;

/* All but `write`, `finish` and `destroy` may be NULL. They run in the program's call or in a tick, with
 * `duplex` anchored; they do not emit. */
typedef struct lh2_duplex_ops {
    /* Data is wanted, or (false) not for now. */
    void (*read)(lua_State *L, lh2_duplex *duplex, bool is_wanted);
    /* The program has taken `octets` that lh2_duplex_data gave. */
    void (*consumed)(lh2_duplex *duplex, size_t octets);
    /* Takes a write: owns it until lh2_write_release. */
    void (*write)(lua_State *L, lh2_duplex *duplex, lh2_write *write);
    /* finish() was called: no write follows those given. The class ends its sending side. */
    void (*finish)(lua_State *L, lh2_duplex *duplex);
    /* After `finish`, once every write has been released (in the same call if there was none). True,
     * or no such operation: "finish" is due. False: the class calls lh2_duplex_finished later. */
    bool (*flushed)(lua_State *L, lh2_duplex *duplex);
    /* The duplex is destroyed, with the error at the top of the stack (or nil), left there: tear
     * down. The class calls lh2_duplex_closed afterwards (it may do so at once). */
    void (*destroy)(lua_State *L, lh2_duplex *duplex);
} lh2_duplex_ops;

struct lh2_duplex {
    lh2_object object;
    const lh2_duplex_ops *ops;
    /* readable side */
    bytes_buffer pending; /* arrived, not yet delivered, decoded; empty once all has been taken */
    size_t taken;         /* octets at its beginning that have been delivered */
    size_t raw_pending;   /* octets of the source that `pending` stands for */
    lh2_carry carry;
    uint8_t encoding; /* lh2_encoding of setEncoding */
    int8_t flowing;   /* -1: not decided, 0: paused, 1: flowing */
    bool is_readable; /* has such a side */
    bool has_ended;   /* the source said so */
    bool is_end_emitted;
    bool was_read;   /* readableDidRead */
    bool is_let_go;  /* nobody reads it: it flows since what it belongs to is over */
    bool is_paused;  /* by pause() */
    bool is_asked;   /* read() or a "readable" listener wants octets up to the water mark */
    bool is_reading; /* what ops->read was told last */
    bool needs_readable;
    bool is_readable_due, is_resume_due, is_end_due; /* ticks on their way */
    /* writable side */
    bool is_writable;       /* has such a side */
    bool is_ending;         /* finish() was called */
    bool is_finish_called;  /* ops->finish was */
    bool is_flushed;        /* ops->flushed was */
    bool is_finish_due;     /* the tick of "finish" is on its way */
    bool is_finish_forced;  /* ... and comes though the duplex be destroyed */
    bool is_finished;       /* "finish" was emitted */
    bool is_finish_awaited; /* by a callback of finish() */
    bool needs_drain;
    bool is_cut;  /* a write was released unsent: "finish" is not true any more */
    bool is_held; /* writes wait in `waiting`: not connected yet */
    uint16_t corked;
    uint8_t default_encoding;
    uint32_t write_count; /* writes not released */
    size_t write_length;  /* octets of them */
    lh2_write *waiting, *waiting_last;
    /* both */
    size_t high_water_mark; /* of either side */
    bool is_destroyed;
    bool is_closed; /* lh2_duplex_closed was called */
    bool is_close_emitted;
    bool is_errored;       /* the error is in the private field */
    bool allows_half_open; /* false: finish() follows when "end" was emitted; true at first */
    bool auto_destroy;     /* destroyed (without error) once "end" and "finish" were emitted */
};

extern const lh2_class lh2_duplex_class;

/* Prepares the embedded struct of a new object. */
void lh2_duplex_init(lh2_duplex *duplex, const lh2_duplex_ops *ops, bool is_readable,
                     bool is_writable);
/* Frees memory held besides Lua's; for __gc. Writes still waiting are dropped. */
void lh2_duplex_dispose(lua_State *L, lh2_duplex *duplex);

/* ---- from the class, in a protected call from the loop; they emit as is due [-0, +0, e] */

/* Octets arrived: emitted as "data" at once when flowing, else kept. */
void lh2_duplex_data(lua_State *L, lh2_duplex *duplex, const uint8_t *data, size_t size);
/* The readable side is at its end; "end" is emitted when all has been delivered and somebody reads.
 * Idempotent. With `auto_destroy` (which a class may set late, and call again) nobody needs to read
 * where nothing is left, and the duplex is destroyed if that was the last it waited for. */
void lh2_duplex_end(lua_State *L, lh2_duplex *duplex);
/* An "end" that is on its way is emitted now: what comes next would overtake it. */
void lh2_duplex_emit_due_end(lua_State *L, lh2_duplex *duplex);
/* The writable side has been flushed: "finish" (in a tick), callbacks of finish(). */
void lh2_duplex_finished(lua_State *L, lh2_duplex *duplex);
/* Writes that were held go out now. */
void lh2_duplex_release_held(lua_State *L, lh2_duplex *duplex);
/* As resume() by the program: what nobody reads is let go. */
void lh2_duplex_resume(lua_State *L, lh2_duplex *duplex);
/* The writable side ends without the program's doing (a reset): later writes fail, "finish" follows
 * if `with_finish` and if nothing that was written is lost. */
void lh2_duplex_abort_writing(lua_State *L, lh2_duplex *duplex, bool with_finish);
/* As destroy(err) by the program, with the error or nil on top. [-1, +0, e] */
void lh2_duplex_destroy(lua_State *L, lh2_duplex *duplex);
/* The resource is gone: "error" (if destroyed with one) and "close" follow in a tick. */
void lh2_duplex_closed(lua_State *L, lh2_duplex *duplex);
/* Pushes the error the duplex was destroyed with, or nil. [-0, +1, -] */
void lh2_duplex_push_error(lua_State *L, lh2_duplex *duplex);

/* The arguments ([chunk][, encoding][, callback]) from index 2 on, each in its place: 2, 3, 4.
 * Returns the index of the callback or 0. [?, +0, v] */
int lh2_write_arguments(lua_State *L);
/* Checks those for `duplex`, of which the chunk is not nil; returns the encoding. [-0, +0, v] */
lh2_encoding lh2_write_encoding(lua_State *L, const lh2_duplex *duplex);
/* writable:write() and writable:finish() of the duplex at index 1, with such arguments. `write` returns
 * whether there is room for more. [-0, +0, e] */
bool lh2_duplex_write(lua_State *L, lh2_encoding encoding, int callback);
void lh2_duplex_finish(lua_State *L, lh2_encoding encoding, int callback);
/* What the class does when "data" or "readable" gets its first listener or loses its last, for one
 * that watches them: the object at `index` is a duplex. [-0, +0, e] */
void lh2_readable_listened(lua_State *L, int index, int event, bool is_added);

/* A write that the class makes itself, for octets that come by chunk.read: a struct of `size` octets
 * that begins with an lh2_write, the rest zero, of the duplex at `index`. It counts until its release.
 * [-0, +0, m] */
lh2_write *lh2_write_begin(lua_State *L, int index, size_t size);
/* The class writes all that is still to come by such writes: the program's fail from now on, and
 * `flushed` follows the last. */
void lh2_duplex_take_writing(lh2_duplex *duplex);

/* Frees a write without any further effect. */
void lh2_write_drop(lh2_runtime *runtime, lh2_write *write);

/* The chunk's release: completes the write in a tick: callback (with an error unless sent), "drain". */
void lh2_write_release(h2_chunk *chunk, bool was_sent);

/* source:pipe(destination[, options]) and source:unpipe([destination]), between any two objects that
 * have the members of a Duplex. */
int lh2_pipe(lua_State *L);
int lh2_unpipe(lua_State *L);

#endif
