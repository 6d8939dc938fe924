-- How states begin and end: programs of their own, since it is their end that is looked at.
local child = require("spec.support.child")
local process = require("spec.support.process")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local http2 = require("http2")
local net = require("http2.net")

-- Servers, sessions, streams, sockets and timers, all in the middle of something. Where `arg[1]`
-- names the place, the program exits from within that callback, and Lua closes its state.
local everything = [[
local http2 = require("http2")
local net = require("http2.net")
local timers = require("http2.timers")

local function at(place)
    if arg[1] == place then
        os.exit(0, true)
    end
end

local server = http2.createServer()
server:on("stream", function(stream)
    stream:respond({[":status"] = 200})
    stream:write(("x"):rep(100000), function() end)
    stream:on("close", function() end)
    at("stream")
end)
server:listen(0, "127.0.0.1", function()
    at("listening")
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    session:on("connect", function()
        at("connect")
    end)
    local stream = session:request({[":path"] = "/"})
    stream:on("data", function()
        at("data")
        stream:pause()
    end)
    session:request({[":method"] = "POST", [":path"] = "/"}):write(("y"):rep(200000))
end)

local other = net.createServer(function(socket)
    at("connection")
    socket:on("error", function() end)
    socket:write(("z"):rep(1000000), function() end)
    socket:resume()
end)
other:listen(0, "127.0.0.1", function()
    local socket = net.connect(other:address().port, "127.0.0.1")
    socket:on("data", function()
        socket:pause()
    end)
    socket:on("close", function()
        at("close")
    end)
    socket:on("error", function() end)
    socket:setTimeout(5000)
    timers.setTimeout(socket.destroy, 30, socket)
    net.connect(9, "10.255.255.1"):on("error", function() end):write("held")
    net.connect(9, "localhost"):on("error", function() end)
end)

timers.setInterval(function() end, 5)
timers.setTimeout(function()
    at("timer")
    timers.setImmediate(at, "immediate")
    local socket = net.Socket()
    socket:on("close", function()
        at("tick")
    end)
    socket:write(("w"):rep(5000), function(err)
        at("callback")
        error(err)
    end)
    if arg[1] == "failing" then
        http2.onUncaught(function()
            at("failing")
        end)
    end
    if arg[1] == "callback" or arg[1] == "failing" or arg[1] == "tick" then
        socket.on = nil
        socket:destroy()
    end
end, 50)

local held = net.Socket()
held:write("held")
held:write(("held"):rep(2000), function() end)

if arg[1] ~= "before" then
    local deadline = timers.setTimeout(error, 60000, "the place was not reached: " .. arg[1], 0)
    if arg[1] == "between" then
        for _ = 1, 20 do
            http2.run("once")
        end
    else
        http2.run()
    end
    deadline:close()
end
]]

describe("a state", function()
    after_each(loop.clean)

    it("can be closed when only the module was loaded", function()
        child.run('require("http2") require("http2.net")')
    end)

    it("can be closed with everything open, before the loop ran and between its turns", function()
        child.run(everything, "before")
        child.run(everything, "between")
    end)

    for _, place in ipairs{"listening", "connect", "stream", "data", "connection", "close", "timer",
        "immediate", "tick", "callback", "failing"} do
        it("can be closed by os.exit in a callback: " .. place, function()
            child.run(everything, place)
        end)
    end

    it("can be closed with something put back in a request that has no body", function()
        child.run([[
            local http2 = require("http2")
            local server = http2.createServer()
            server:on("stream", function(stream)
                stream:unshift("something")
                require("http2.timers").setTimeout(function()
                    os.exit(0, true)
                end, 1)
            end)
            server:listen(0, "127.0.0.1", function()
                local session = http2.connect("http://127.0.0.1:" .. server:address().port)
                session:request({[":path"] = "/"})
            end)
            http2.run()
        ]])
    end)

    it("can be closed after an error has stopped the loop", function()
        child.run([[
            local http2, net = require("http2"), require("http2.net")
            local server = http2.createServer():listen(0, "127.0.0.1")
            server:on("listening", function()
                net.connect(server:address().port, "127.0.0.1", function()
                    error("stop", 0)
                end)
            end)
            local ok, err = pcall(http2.run)
            assert(not ok and err:match("^stop\nstack traceback"))
        ]])
    end)

    it("gives the same module when it is loaded again", function()
        child.run([[
            local first = require("http2_core")
            package.loaded.http2_core = nil
            assert(first == require("http2_core"))
        ]])
    end)

    it("makes neither loop nor descriptor when the module is loaded", function()
        local out = child.run([[
            local leaks = require("spec.support.leaks")
            local before = leaks.descriptors()
            require("http2")
            require("http2.net")
            print(leaks.descriptors() - before)
            require("http2.timers").setTimeout(print, 1):close()
            print(leaks.descriptors() > before)
        ]])
        assert.equal("0\ntrue\n", out)
    end)
end)

describe("objects", function()
    after_each(loop.clean)

    it("leave neither descriptors nor memory behind", function()
        local function round()
            local server
            server = net.createServer(function(socket)
                socket:on("error", function() end)
                socket:pipe(socket)
            end)
            server:listen(0, "127.0.0.1", function()
                local open = 5
                for i = 1, open do
                    local socket = net.connect(server:address().port, "127.0.0.1")
                    socket:on("close", function()
                        open = open - 1
                        if open == 0 then
                            server:close()
                        end
                    end)
                    socket:on("data", function()
                        if i % 2 == 0 then
                            socket:destroy()
                        else
                            socket:finish()
                        end
                    end)
                    socket:write("x")
                    socket:setTimeout(1000)
                end
            end)
            loop.run()
        end
        round()
        local before = leaks.descriptors()
        local growth = leaks.growth(round, 5)
        assert.equal(before, leaks.descriptors())
        assert.is_true(growth < 1, growth)
    end)

    it("are gone with their requests", function()
        local watch = leaks.watch()
        local server = http2.createServer()
        server:on("stream", function(stream)
            watch(stream)
            stream:respond({[":status"] = 200})
            stream:finish("fine")
            stream:on("close", function()
                return stream
            end)
        end)
        server:listen(0, "127.0.0.1", function()
            local session = http2.connect("http://127.0.0.1:" .. server:address().port)
            watch(session)
            local open = 10
            for _ = 1, open do
                local stream = watch(session:request({[":path"] = "/"}))
                stream:resume()
                stream:on("close", function()
                    open = open - 1
                    if open == 0 then
                        session:close()
                        server:close()
                    end
                end)
            end
        end)
        loop.run()
        server = nil -- luacheck: ignore 311
        assert.equal(0, watch:alive())
    end)
end)

describe("two states in one process", function()
    local host = [[
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

static lua_State *start(const char *text) {
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    if (luaL_dostring(L, text)) {
        fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
        return NULL;
    }
    return L;
}

static void call(lua_State *L, const char *name) {
    lua_getglobal(L, name);
    if (lua_pcall(L, 0, 1, 0))
        fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
}

int main(void) {
    lua_State *server = start("http2 = require('http2') "
        "s = http2.createServer() "
        "s:on('stream', function(t) t:respond({[':status'] = 200}) t:finish('over there') end) "
        "s:listen(0, '127.0.0.1') "
        "function turn() http2.run('nowait') return s.listening and s:address().port end");
    lua_State *client = start("http2 = require('http2') body = '' "
        "function turn() http2.run('nowait') return body == 'over there' end "
        "function ask(port) "
        "  c = http2.connect('http://127.0.0.1:' .. port) "
        "  r = c:request({[':path'] = '/'}) "
        "  r:on('data', function(d) body = body .. d end) "
        "end");
    if (!server || !client)
        return 1;
    for (call(server, "turn"); !lua_toboolean(server, -1); call(server, "turn"))
        lua_settop(server, 0);
    lua_getglobal(client, "ask");
    lua_pushvalue(client, -1);
    lua_pushinteger(client, lua_tointeger(server, -1));
    lua_call(client, 1, 0);
    lua_settop(client, 0);
    lua_State *other = start("http2 = require('http2') "
        "http2.createServer():listen(0, '127.0.0.1') http2.run('nowait')");
    lua_close(other);
    for (long i = 0; !lua_toboolean(client, -1) && i < 10000000; i++) {
        lua_settop(server, 0);
        lua_settop(client, 0);
        call(server, "turn");
        call(client, "turn");
    }
    printf(lua_toboolean(client, -1) ? "answered\n" : "not answered\n");
    lua_close(server);
    lua_settop(client, 0);
    call(client, "turn");
    lua_close(client);
    return 0;
}
]]

    it("do not know of each other", function()
        if _VERSION == "Lua 5.1" then
            return
        end
        local folder = process.folder()
        process.write_file(folder .. "/host.c", host)
        child.build(folder, "host")
        local result = process.run(child.watched(folder .. "/host"), {seconds = 600, ours = true})
        process.remove(folder)
        assert.equal("", result.err)
        assert.equal("answered\n", result.out)
        assert.equal(0, result.status)
    end)
end)

describe("memory that runs out", function()
    -- Fails the n-th allocation of Lua's and the two after it (so that an emergency collection does
    -- not help), for every n that a scene takes.
    local host = [[
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

static long count, first;

static void *allocate(void *context, void *block, size_t old, size_t size) {
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if (first > 0 && (!block || size > old) && ++count >= first && count < first + 3)
        return NULL;
    return realloc(block, size);
}

int main(int argc, char **argv) {
    int is_through = 0;
    for (long n = 1; !is_through && argc > 1; n++) {
        lua_State *L = lua_newstate(allocate, NULL);
        luaL_openlibs(L);
        if (luaL_dostring(L, "http2, net = require('http2'), require('http2.net')") ||
            luaL_loadfile(L, argv[1])) {
            fprintf(stderr, "%s\n", lua_tostring(L, -1));
            return 1;
        }
        count = 0;
        first = n;
        lua_pcall(L, 0, 0, 0);
        is_through = count < n;
        first = 0;
        lua_close(L);
    }
    printf("through\n");
    return 0;
}
]]

    local scene = [[
local server = net.createServer(function(socket)
    socket:on("error", function() end)
    socket:pipe(socket)
end)
server:listen(0, "127.0.0.1", function()
    local socket = net.connect(server:address().port, "127.0.0.1")
    socket:setEncoding("utf8")
    socket:setTimeout(100, function()
        socket:destroy()
        server:close()
    end)
    socket:on("data", function() end)
    socket:once("drain", function()
        socket:finish("bye", function() end)
    end)
    socket:on("error", function() end)
    socket:on("close", function()
        server:close()
    end)
    socket:write(("x"):rep(20000), function() end)
end)
local watchdog = require("http2.timers").setTimeout(error, 300)
watchdog:unref()
http2.run()
]]

    it("raises an error and nothing worse, wherever it happens", function()
        if _VERSION == "Lua 5.1" then
            return
        end
        local folder = process.folder()
        process.write_file(folder .. "/host.c", host)
        process.write_file(folder .. "/scene.lua", scene)
        child.build(folder, "host")
        local result = process.run(child.watched(folder .. "/host", folder .. "/scene.lua"),
            {seconds = 850, ours = true})
        process.remove(folder)
        assert.equal("through\n", result.out)
        assert.equal(0, result.status)
    end)
end)
