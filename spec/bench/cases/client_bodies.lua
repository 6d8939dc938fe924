--- Bodies that a client loads from nghttpd, and sends to it.
local clients = require("spec.bench.support.clients")
local measure = require("spec.bench.support.measure")
local servers = require("spec.bench.support.servers")

local case = {
    title = "A client's bodies, from and to nghttpd", unit = "MB/s", baseline = "Node",
    is_wide = true,
}

local groups = {
    {"1 MiB down", {path = "/1048576", streams = 8}, 1 << 20},
    {"100 MiB down", {path = "/104857600", streams = 1}, 100 << 20},
    {"1 MiB up", {path = "/13", streams = 8, method = "POST", size = 1 << 20}, 1 << 20},
}

function case.round(results)
    for _, group in ipairs(groups) do
        local label, options, size = table.unpack(group)
        options.seconds = measure.settings.seconds
        for _, name in ipairs(clients.all) do
            results:try(label, name, function()
                return servers.with("nghttpd", {}, function(server)
                    options.origin = server.origin
                    return clients.run(name, options) * size / 1e6
                end)
            end)
        end
    end
end

return case
