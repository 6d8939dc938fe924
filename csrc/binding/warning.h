/* What a program should be told once in the life of its Lua state (Node: once a process). */
#ifndef BINDING_WARNING_H
#define BINDING_WARNING_H

#include "binding/runtime.h"

typedef enum lh2_warning { LH2_WARNING_STATUS_MESSAGE, LH2_WARNING_CONNECTION } lh2_warning;

/* By warn() where the Lua has it, else on standard error. [-0, +0, e] */
void lh2_warn_once(lua_State *L, lh2_warning warning);

#endif
