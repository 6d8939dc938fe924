--- Bodies that servers read.
local h2load = require("spec.bench.support.h2load")
local measure = require("spec.bench.support.measure")
local servers = require("spec.bench.support.servers")

local case = {title = "Uploads", unit = "MB/s", baseline = "nghttpd"}

local groups = {
    {"1 MiB", 1 << 20, {connections = 10, streams = 8}, 4000},
    {"100 MiB", 100 << 20, {connections = 4, streams = 1}, 40},
    {"1 MiB, TLS", 1 << 20, {connections = 10, streams = 8}, 2000},
}

function case.round(results)
    for _, group in ipairs(groups) do
        local label, size, options, requests = table.unpack(group)
        options.requests = measure.amount(requests)
        options.data = ("%s/%d"):format(measure.root(), size)
        for _, name in ipairs(servers.readers) do
            results:try(label, name, function()
                return servers.with(name, {tls = label:find("TLS") ~= nil}, function(server)
                    return h2load(server.origin .. "/13", options) * size / 1e6
                end)
            end)
        end
    end
end

return case
