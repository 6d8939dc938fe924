/* Where the listeners of an object lie, and their lists: what adding (classes/emitter.c) and emitting
 * (emit.c) share, and nobody else looks at.
 *
 * They lie in the object's fields: those of a known event under its number plus one, those of other
 * events by name in a table of their own. One plain listener is kept as the function itself. Else
 * there is a list of entries: a function, or for once() a table {function, is_fired}. A list that was
 * emitted from is marked and never changed again: a change makes a new list, so that each round of
 * emitting calls those that were there when it began.
 *
 * `owner` and `name` are absolute indices: of the object, and of the event's name; `event` is the
 * name's number, or -1. */
#ifndef BINDING_LISTENERS_H
#define BINDING_LISTENERS_H

#include "binding/emitter.h"

enum { LH2_LISTENER_FUNCTION = 1, LH2_LISTENER_IS_FIRED = 2 };

/* Makes the table of the known events. [-0, +0, m] */
void lh2_events_open(lua_State *L);
/* The number of the event whose name is at `name`, or -1. [-0, +0, -] */
int lh2_event_of(lua_State *L, int owner, int name);
/* [-0, +1, -] */
void lh2_push_event_name(lua_State *L, int owner, int event);

/* Whether there is a listener proper: a watcher alone is none. */
static inline bool lh2_is_listened(const lh2_object *object, int event) {
    return object->listened >> event & 1;
}

static inline bool lh2_is_watched(const lh2_object *object, int event) {
    return event >= 0 && object->watched >> event & 1;
}

/* Pushes the listeners of an event: nil, a function or a list. [-0, +1, -] */
void lh2_listeners_push(lua_State *L, int owner, int name, int event);
/* Pushes the table name -> listeners of the events that are not known, or nil. [-0, +1, -] */
void lh2_listeners_push_others(lua_State *L, int owner);
/* Replaces the listeners of an event by the value on top. [-1, +0, m] */
void lh2_listeners_set(lua_State *L, int owner, int name, int event);

/* How many the listeners on top are. [-0, +0, -] */
int lh2_listeners_count(lua_State *L);
/* Replaces the listeners on top (a function, or a list that may be marked) by a list of their own.
 * [-1, +1, m] */
void lh2_listeners_own(lua_State *L);
/* Marks the list at `list` as emitted from. [-0, +0, m] */
void lh2_listeners_mark(lua_State *L, int list);
/* Puts the value on top into the list below it, at `position`. [-1, +0, m] */
void lh2_listeners_insert(lua_State *L, int position);
/* Takes an entry out of the list on top. [-0, +0, -] */
void lh2_listeners_erase(lua_State *L, int position);
/* The last entry of the listeners on top that is the value at `wanted`, or whose function it is; 0 if
 * there is none. [-0, +0, -] */
int lh2_listeners_find(lua_State *L, int wanted);
/* Replaces the entry on top by its function. [-1, +1, -] */
void lh2_listener_unwrap(lua_State *L);

/* ---- emit.c */

/* Calls the listeners on top, above the owner, above the arguments; all are popped. `name` may be 0
 * where the event is known by its number. [-(nargs+2), +0, e] */
void lh2_listeners_call(lua_State *L, int name, int event, int nargs);
/* Announces a change by "newListener" or "removeListener". [-0, +0, e] */
void lh2_listeners_announce(lua_State *L, int owner, lh2_event announcement, int name, int entry);
/* Takes out the entry at position `at`, and says so. [-0, +0, e] */
void lh2_listeners_remove(lua_State *L, int owner, int name, int event, int at);
/* Tells the watcher; the arguments on top stay. [-0, +0, e] */
void lh2_tell_watcher(lua_State *L, lh2_object *object, lh2_event event, int nargs);

#endif
