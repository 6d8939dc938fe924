--- New connections, each with one request.
local h2load = require("spec.bench.support.h2load")
local measure = require("spec.bench.support.measure")
local servers = require("spec.bench.support.servers")

local case = {
    title = "New connections with one request each", unit = "connections/s", baseline = "nghttpd",
    is_slow = true,
}

function case.round(results)
    for _, way in ipairs{"clear text", "TLS"} do
        for _, name in ipairs(servers.each) do
            results:try(way, name, function()
                return servers.with(name, {tls = way == "TLS"}, function(server)
                    local number = measure.amount(1000)
                    return h2load(server.origin .. "/13",
                        {connections = number, streams = 1, requests = number})
                end)
            end)
        end
    end
end

return case
