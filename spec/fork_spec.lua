-- A process that forks with the module loaded, and what both go on with.
local child = require("spec.support.child")
local process = require("spec.support.process")

describe("a fork", function()
    -- Lua cannot fork by itself; a shared object of a few lines can.
    local source = [[
#include <lauxlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int l_fork(lua_State *L) {
    lua_pushinteger(L, fork());
    return 1;
}

static int l_wait(lua_State *L) {
    int status = -1;
    waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
    lua_pushinteger(L, status);
    return 1;
}

int luaopen_forking(lua_State *L) {
    static const luaL_Reg functions[] = {{"fork", l_fork}, {"wait", l_wait}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
]]

    -- Runs Lua text that has `fork` and `wait`; Lua 5.4 only.
    local function run_forking(text, ...)
        if _VERSION == "Lua 5.1" then
            return
        end
        local folder = process.folder()
        process.write_file(folder .. "/forking.c", source)
        child.build(folder, "forking.so", "-shared -fPIC")
        child.run(([[
            package.cpath = %q .. "/?.so;" .. package.cpath
            local fork, wait = require("forking").fork, require("forking").wait
        ]]):format(folder) .. text, ...)
        process.remove(folder)
    end

    it("may come after the module was loaded, and after the loop was made", function()
        run_forking([[
            local http2 = require("http2")
            local setTimeout = require("http2.timers").setTimeout
            local function works()
                local called = false
                setTimeout(function()
                    called = true
                end, 5)
                http2.run()
                return called
            end
            for _ = 1, 2 do
                local pid = fork()
                if pid == 0 then
                    os.exit(works() and 0 or 1, true)
                end
                assert(works())
                assert(wait(pid) == 0)
            end
        ]])
    end)

    for _, act in ipairs{"server:close()", "socket:destroy()", "session:destroy()",
        "os.exit(0, true)"} do
        it("does not end what the parent has when the child says " .. act, function()
            run_forking([[
                local http2, net = require("http2"), require("http2.net")
                local timers = require("http2.timers")
                local server = http2.createServer()
                server:on("stream", function(stream)
                    stream:respond()
                    stream:finish("served")
                end)
                local session, socket, body
                local act = assert(load("local server, session, socket = ... " .. arg[1]))

                -- The loop has polled for all of them when the fork comes.
                local function go_on()
                    local pid = fork()
                    if pid == 0 then
                        act(server, session, socket)
                        os.exit(0, false)
                    end
                    assert(wait(pid) == 0)
                    local port = server:address().port
                    local other = http2.connect("http://127.0.0.1:" .. port)
                    local stream = other:request()
                    stream:on("data", function(chunk)
                        body = chunk
                    end)
                    stream:on("close", function()
                        other:close()
                        server:close()
                        session:destroy()
                        socket:destroy()
                    end)
                end

                server:listen(0, "127.0.0.1", function()
                    local port = server:address().port
                    session = http2.connect("http://127.0.0.1:" .. port)
                    socket = net.connect(port, "127.0.0.1")
                    timers.setTimeout(go_on, 50)
                end)
                timers.setTimeout(error, 60000, "nobody answers", 0):unref()
                http2.run()
                assert(body == "served")
            ]], act)
        end)
    end
end)
