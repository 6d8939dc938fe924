--- Small requests by a client with one session, against nghttpd.
local clients = require("spec.bench.support.clients")
local measure = require("spec.bench.support.measure")
local servers = require("spec.bench.support.servers")

local case = {
    title = "A client's requests for 13 octets from nghttpd", unit = "requests/s",
    baseline = "Node",
}

function case.round(results)
    for _, streams in ipairs{1, 32, 100} do
        for _, name in ipairs(clients.all) do
            local group = streams == 1 and "1 stream" or streams .. " streams"
            results:try(group, name, function()
                return servers.with("nghttpd", {}, function(server)
                    return clients.run(name, {
                        origin = server.origin, path = "/13", streams = streams,
                        seconds = measure.settings.seconds,
                    })
                end)
            end)
        end
    end
end

return case
