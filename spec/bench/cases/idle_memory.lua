--- What a connection that does nothing costs the server in resident memory.
local clients = require("spec.bench.support.clients")
local measure = require("spec.bench.support.measure")
local servers = require("spec.bench.support.servers")

local case = {
    title = "Memory of an idle connection", unit = "octets", baseline = "nghttpd", rounds = 1,
    is_less_better = true,
}

local function octets_of_one(name, is_secure, number)
    return servers.with(name, {tls = is_secure}, function(server)
        -- The first connections pay for what all share.
        clients.hold({origin = server.origin, connections = 10}, function() end)
        local before = server:resident()
        return clients.hold({origin = server.origin, connections = number}, function()
            return (server:resident() - before) * 1024 / number
        end)
    end)
end

function case.round(results)
    for _, is_secure in ipairs{false, true} do
        for _, number in ipairs(measure.some{1000, 8000}) do
            local group = ("%d %s"):format(number, is_secure and "TLS" or "clear text")
            for _, name in ipairs(servers.each) do
                results:try(group, name, function()
                    return octets_of_one(name, is_secure, number)
                end)
            end
        end
    end
end

return case
