--- Programs whose Lua runs out of memory: each allocation between arm(true) and arm(false) fails
--- once, with so many more behind it, in a state of its own.
local process = require("spec.support.process")

local starving = {}

local host = [[
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

static long attempts, first, last;
static int is_armed;

static void *allocate(void *context, void *block, size_t old_size, size_t size) {
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if (is_armed && (block == NULL || size > old_size) && ++attempts >= first && attempts <= last)
        return NULL;
    return realloc(block, size);
}

static int arm(lua_State *L) {
    is_armed = lua_toboolean(L, 1);
    return 0;
}

int main(int argc, char **argv) {
    long run = strtol(argv[2], NULL, 10), most = argc > 3 ? strtol(argv[3], NULL, 10) : 100000;
    int status = 0;
    for (first = 1; status == 0 && first <= most; first++) {
        attempts = 0;
        last = first + run;
        lua_State *L = lua_newstate(allocate, NULL);
        luaL_openlibs(L);
        lua_register(L, "arm", arm);
        status = luaL_dofile(L, argv[1]);
        is_armed = 0;
        if (status)
            fprintf(stderr, "%ld: %s\n", first, luaL_tolstring(L, -1, NULL));
        long done = attempts;
        lua_close(L);
        if (done < first)
            return 0;
    }
    return 1;
}
]]

--- Builds what runs them, in a new folder, which it gives; for process.remove.
function starving.build()
    local folder = process.folder()
    process.write_file(folder .. "/host.c", host)
    local built = process.run({"sh", "-c", ("cc -g -o %s/host %s/host.c " ..
        "$(pkg-config --cflags --libs lua5.4)"):format(folder, folder)})
    assert(built.err == "", built.err)
    return folder
end

--- Runs a program, text, until no allocation is left to fail. Lua collects and tries again when one
--- fails: with one more, two in a row, the program is told.
function starving.run(folder, program, more)
    process.write_file(folder .. "/program.lua", program)
    local result = process.run({folder .. "/host", folder .. "/program.lua", tostring(more)},
        {seconds = 850, ours = true})
    -- Lua's own buffers, when they fail, may raise something else in the program.
    local err = result.err:gsub("not enough memory\n", "")
    assert(err == "" and result.status == 0, err .. "status " .. result.status)
end

return starving
