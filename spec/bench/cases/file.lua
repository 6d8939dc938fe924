--- Files that the kernel has in memory: one of 100 MiB, and many requests for one of 1 KiB.
local h2load = require("spec.bench.support.h2load")
local measure = require("spec.bench.support.measure")
local servers = require("spec.bench.support.servers")

local case = {title = "Files", unit = "MB/s", baseline = "nghttpd", is_wide = true}

local groups = {
    {"100 MiB", 100 << 20, {connections = 4, streams = 1}, 80},
    {"100 MiB, TLS", 100 << 20, {connections = 4, streams = 1}, 80},
    {"1 KiB", 1024},
}

function case.round(results)
    for _, group in ipairs(groups) do
        local label, size, options, requests = table.unpack(group)
        if requests then
            options.requests = measure.amount(requests)
        end
        for _, name in ipairs(servers.of_files) do
            results:try(label, name, function()
                return servers.with(name, {tls = label:find("TLS") ~= nil}, function(server)
                    local url = ("%s/file/%d"):format(server.origin, size)
                    return h2load(url, options) * size / 1e6
                end)
            end)
        end
    end
end

return case
