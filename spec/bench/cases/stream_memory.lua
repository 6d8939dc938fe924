--- What a stream whose answer waits for the peer's window costs the server in resident memory.
local clients = require("spec.bench.support.clients")
local servers = require("spec.bench.support.servers")

local case = {
    title = "Memory of a stream that waits, 100 on each of 100 connections", unit = "octets",
    baseline = "nghttpd", rounds = 1, is_less_better = true,
}

local connections, streams = 100, 100

function case.round(results)
    for _, name in ipairs(servers.each) do
        results:try("clear text", name, function()
            return servers.with(name, {memory = 1000}, function(server)
                local options = {origin = server.origin, connections = connections}
                local before = clients.hold(options, function() return server:resident() end)
                options.streams = streams
                return clients.hold(options, function()
                    return (server:resident() - before) * 1024 / (connections * streams)
                end)
            end)
        end)
    end
end

return case
