--- Where a request's instructions go; started by `budget` beside it. Callgrind counts what the
--- process executes, each function by itself; which layer that is, its source file or its library
--- says. The kernel's part is time, from a run without callgrind.
local h2load = require("spec.bench.support.h2load")
local process = require("spec.support.process")
local servers = require("spec.bench.support.servers")

local requests = tonumber(arg[1]) or 4000
local api = arg[2] or "core"
local path = arg[3] or "/13"
local name = "http2 " .. api

local connections, streams = 10, 32

-- ---- What belongs to which layer ----------------------------------------------------------------

-- In this order: the first pattern that a function's "file:name [library]" matches decides.
local layers = {
    {"HPACK", {"csrc/hpack/"}},
    {"parse", {
        "csrc/h2/receive", "csrc/h2/frame%.", "csrc/h2/fields", "csrc/h2/text", "csrc/h2/limits",
        "csrc/h2/history", "csrc/h2/negotiate", "csrc/h2/flow", "csrc/h2/window", "csrc/h2/growth",
    }},
    {"streams", {
        "csrc/h2/streams", "csrc/h2/stream%.", "csrc/h2/state", "csrc/h2/session", "csrc/h2/pool",
        "csrc/base/idmap", "csrc/base/list", "csrc/h2/role",
    }},
    {"transmit", {"csrc/h2/"}},
    {"net", {"csrc/net/", "libuv", "libmbed"}},
    {"binding", {"csrc/binding/"}},
    {"base", {"csrc/base/"}},
    {"Lua", {"lua5%.4", "liblua", "luajit"}},
    {"C library: memory", {"malloc", "free", "realloc", "calloc", "unlink_chunk"}},
    {"C library: the rest", {"libc", "ld%-", "libm%.", "vdso", "libpthread"}},
}

local function layer_of(line)
    for _, layer in ipairs(layers) do
        for _, pattern in ipairs(layer[2]) do
            if line:find(pattern) then
                return layer[1]
            end
        end
    end
    return "other"
end

-- ---- Callgrind ----------------------------------------------------------------------------------

local function load(server, number)
    return h2load(server.origin .. path,
        {connections = connections, streams = streams, requests = number})
end

local function control(order, pid)
    local result = process.run({"callgrind_control", order, pid}, {seconds = 60})
    assert(result.status == 0, result.out .. result.err)
end

-- What each function costs by itself in a server's life with `number` requests.
local function profile(number)
    local work = process.folder()
    local function under_callgrind(argv)
        local words = {
            "valgrind", "--tool=callgrind", "-q", "--callgrind-out-file=" .. work .. "/out",
        }
        return table.move(argv, 1, #argv, #words + 1, words)
    end
    servers.with(name, {wrap = under_callgrind}, function(server)
        load(server, number)
        control("--dump", server.pid)
    end)
    local listing = process.run(
        {"callgrind_annotate", "--threshold=100", "--auto=no", work .. "/out.1"}, {seconds = 120})
    process.remove(work)
    assert(listing.status == 0, listing.err)
    local costs = {}
    for count, place in listing.out:gmatch("\n *([%d,]+) %([ %d.]+%%%)  ([^\n]+)") do
        if not place:find("^PROGRAM TOTALS") then
            costs[place] = (costs[place] or 0) + tonumber((count:gsub(",", "")))
        end
    end
    return costs
end

-- What the second of two servers' lives has more, for one request: without all that is made once.
local function compare(less, more)
    local costs, functions, total = {}, {}, 0
    for place, cost in pairs(more) do
        cost = (cost - (less[place] or 0)) / requests
        local layer = layer_of(place)
        costs[layer] = (costs[layer] or 0) + cost
        total = total + cost
        functions[#functions + 1] = {cost = cost, place = place:gsub("^.-csrc/", "")}
    end
    return costs, functions, total
end

-- ---- The kernel ---------------------------------------------------------------------------------

-- Microseconds of a request in the process and in the kernel.
local function times()
    return servers.with(name, {}, function(server)
        local number = 200000
        local user, system = server:processor_seconds()
        load(server, number)
        local user_after, system_after = server:processor_seconds()
        local scale = 1e6 / number
        return (user_after - user) * scale, (system_after - system) * scale
    end)
end

-- ---- The table ----------------------------------------------------------------------------------

local costs, functions, total = compare(profile(requests), profile(2 * requests))
print(("Instructions of a request for %s, %s API, %d connections of %d streams:\n"):format(
    path, api, connections, streams))
print("| layer | instructions | share |")
print("| --- | ---: | ---: |")
for _, layer in ipairs(layers) do
    local cost = costs[layer[1]] or 0
    print(("| %s | %.0f | %.0f%% |"):format(layer[1], cost, cost / total * 100))
end
print(("| other | %.0f | %.0f%% |"):format(costs.other or 0, (costs.other or 0) / total * 100))
print(("| all of the process | %.0f | 100%% |"):format(total))
local user, system = times()
print(("\nTime without callgrind: %.2f us in the process, %.2f us in the kernel.\n"):format(
    user, system))
table.sort(functions, function(a, b) return a.cost > b.cost end)
for i = 1, math.min(40, #functions) do
    print(("%8.0f  %s"):format(functions[i].cost, functions[i].place))
end
