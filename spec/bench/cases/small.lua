--- What a request costs: answers of 13 octets.
local h2load = require("spec.bench.support.h2load")
local servers = require("spec.bench.support.servers")

local case = {
    title = "Answers of 13 octets, 10 connections of 32 streams", unit = "requests/s",
    baseline = "nghttpd",
}

function case.round(results)
    for _, way in ipairs{"clear text", "TLS"} do
        for _, name in ipairs(servers.all) do
            results:try(way, name, function()
                return servers.with(name, {tls = way == "TLS"}, function(server)
                    return h2load(server.origin .. "/13")
                end)
            end)
        end
    end
end

return case
