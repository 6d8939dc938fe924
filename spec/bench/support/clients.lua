--- The clients that are compared, and the programs that hold connections.
local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")

local clients = {}

local commands = {
    ["http2"] = {{"lua5.4", "spec/bench/clients/http2.lua"}, "lua5.4"},
    ["http2, LuaJIT"] = {{"luajit", "spec/bench/clients/http2.lua"}, "luajit"},
    ["Node"] = {{"node", "spec/bench/clients/node.js"}},
    ["lua-http"] = {{"lua5.1", "spec/bench/clients/lua_http.lua"}},
}

clients.all = {"http2", "http2, LuaJIT", "Node", "lua-http"}

local function put_options(words, options)
    local argv = table.move(words, 1, #words, 1, {})
    for name, value in pairs(options) do
        argv[#argv + 1] = name .. "=" .. value
    end
    return argv
end

--- Runs a client with options (see clients/http2.lua); gives the requests of a second, those of a
--- second of its processor, and its seconds. `wrap` puts more words before its command.
function clients.run(name, options, wrap)
    local command = commands[name]
    local argv = put_options(command[1], options)
    local result = process.run(wrap and wrap(argv) or measure.pin("load", argv), {
        seconds = 60 + 2 * measure.settings.seconds,
        env = command[2] and measure.lua_environment(command[2]),
    })
    local requests, seconds, processor =
        result.out:match("(%d+) requests in ([%d.]+) s, ([%d.]+) of the processor")
    if result.status ~= 0 or not requests then
        error(name .. ": " .. result.err, 0)
    end
    return requests / seconds, requests / processor, tonumber(seconds)
end

--- Runs clients/mixed.lua; gives what it prints as numbers.
function clients.mix(origin)
    local argv = put_options({"lua5.4", "spec/bench/clients/mixed.lua"},
        {origin = origin, seconds = measure.settings.seconds})
    local result = process.run(measure.pin("load", argv),
        {seconds = 300, env = measure.lua_environment("lua5.4")})
    local median, late, rate = result.out:match("([%d.]+) ([%d.]+) ([%d.]+)")
    if not rate then
        error("mixed: " .. result.err, 0)
    end
    return tonumber(median), tonumber(late), tonumber(rate)
end

--- Holds connections (see clients/hold.lua) while `body` runs; gives what that gives.
function clients.hold(options, body)
    local holder = process.start(
        measure.pin("load", put_options({"lua5.4", "spec/bench/clients/hold.lua"}, options)),
        {seconds = 600, env = measure.lua_environment("lua5.4")})
    local is_done, value = pcall(function()
        holder:wait_for_output("holding", 120)
        return body()
    end)
    holder:stop()
    if not is_done then
        error(value, 0)
    end
    return value
end

return clients
