/* Tasks: coroutines in which handlers run, so that any of them may wait (lua/http2/async.lua). */
#ifndef BINDING_TASK_H
#define BINDING_TASK_H

#include "binding/call.h"

/* As lua_call of the handler below its `nargs` arguments, without results: in a task, until it waits
 * or ends. What it raises until then is raised here. [-(nargs+1), +0, e] */
void lh2_task_run(lua_State *L, lh2_runtime *runtime, int nargs);

/* Makes the table of tasks; adds task = {run(fn, ...), isTask(), waiting} to the table on top,
 * where `waiting` is what a task yields when it waits. [-0, +0, m] */
void lh2_task_open(lua_State *L);

#endif
