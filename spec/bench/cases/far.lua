--- 100 MB on one stream to and from a peer that is 50 ms away there and back, no option set, beside
--- what one plain TCP connection does there. Connecting is part of it.
local clients = require("spec.bench.support.clients")
local link = require("spec.bench.support.link")
local process = require("spec.support.process")
local servers = require("spec.bench.support.servers")
local socket = require("socket")

local case = {
    title = "100 MB on one stream over 50 ms of round trip", unit = "MB/s", baseline = "plain TCP",
    is_slow = true,
}

local octets = 100000000
local ways = {{"download", "get"}, {"upload", "put"}}

-- A client, the server it talks to, and the part of the octets that is enough to measure it: Node's
-- windows stay at 64 KiB, so that its rate is the same from the beginning to the end.
local pairs_of = {
    {"http2", "http2 core", 1}, {"http2, LuaJIT", "http2 core, LuaJIT", 1},
    {"Node", "Node core", 50},
}

local function plain(order)
    local server = process.start(
        link.far_end{"lua5.4", "spec/bench/clients/tcp.lua", "serve", link.far, "9000"})
    socket.sleep(0.3) -- it is not to be asked from here whether it listens
    local is_done, result = pcall(process.run, link.near_end{
        "lua5.4", "spec/bench/clients/tcp.lua", order, link.far, "9000", octets,
    }, {seconds = 120})
    server:stop()
    if not is_done or result.status ~= 0 then
        error(is_done and result.err or result, 0)
    end
    return octets / tonumber(result.out) / 1e6
end

local function over_http2(client, server_name, order, size)
    local server = servers.start(server_name, {wrap = link.far_end, host = link.far})
    socket.sleep(0.3)
    local is_upload = order == "put"
    local options = {
        origin = ("http://%s:%d"):format(link.far, server.port), streams = 1, requests = 1,
        path = is_upload and "/13" or "/" .. size, method = is_upload and "POST" or "GET",
        size = size,
    }
    local is_done, rate = pcall(function()
        clients.run(client, options, link.near_end) -- the server makes the body for the first
        return clients.run(client, options, link.near_end)
    end)
    servers.stop(server)
    if not is_done then
        error(rate, 0)
    end
    return rate * size / 1e6
end

function case.round(results)
    link.with(25, function()
        for _, way in ipairs(ways) do
            local label, order = table.unpack(way)
            results:try(label, "plain TCP", function() return plain(order, octets) end)
            for _, pair in ipairs(pairs_of) do
                local client, server, part = table.unpack(pair)
                results:try(label, client, function()
                    return over_http2(client, server, order, octets // part)
                end)
            end
        end
    end)
end

return case
