--- A file of 100 MiB that the kernel has in memory.
local h2load = require("spec.bench.support.h2load")
local measure = require("spec.bench.support.measure")
local servers = require("spec.bench.support.servers")

local case = {title = "A file of 100 MiB", unit = "MB/s", baseline = "nghttpd"}

local size = 100 << 20

function case.round(results)
    for _, way in ipairs{"clear text", "TLS"} do
        for _, name in ipairs(servers.of_files) do
            results:try(way, name, function()
                return servers.with(name, {tls = way == "TLS"}, function(server)
                    local options = {connections = 4, streams = 1, requests = measure.amount(80)}
                    return h2load(("%s/file/%d"):format(server.origin, size), options) * size / 1e6
                end)
            end)
        end
    end
end

return case
