--- 100 MB on one stream to and from a peer that is 50 ms away there and back, no option set, beside
--- what one plain TCP connection does there. Connecting is part of it.
local clients = require("spec.bench.support.clients")
local link = require("spec.bench.support.link")
local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")
local servers = require("spec.bench.support.servers")
local socket = require("socket")

local case = {
    title = "100 MB on one stream over 50 ms of round trip", unit = "MB/s", baseline = "plain TCP",
}

local ways = {download = "get", upload = "put"}

local function plain(order, octets)
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

local function over_http2(client, server_name, order, octets)
    local server = servers.start(server_name, {wrap = link.far_end, host = link.far})
    socket.sleep(0.3)
    local is_upload = order == "put"
    local is_done, rate = pcall(clients.run, client, {
        origin = ("http://%s:%d"):format(link.far, server.port), streams = 1, requests = 1,
        path = is_upload and "/13" or "/" .. octets, method = is_upload and "POST" or "GET",
        size = octets,
    }, link.near_end)
    servers.stop(server)
    if not is_done then
        error(rate, 0)
    end
    return rate * octets / 1e6
end

function case.round(results)
    local octets = measure.amount(100e6)
    link.with(25, function()
        for way, order in pairs(ways) do
            results:try(way, "plain TCP", function() return plain(order, octets) end)
            for client, server in pairs{
                ["http2"] = "http2 core", ["http2, LuaJIT"] = "http2 core, LuaJIT",
                ["Node"] = "Node core",
            } do
                results:try(way, client, function()
                    return over_http2(client, server, order, octets)
                end)
            end
        end
    end)
end

return case
