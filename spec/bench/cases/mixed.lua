--- 64 streams of 1 MiB and small requests beside them on the same connection: how long the small
--- ones take, and whether the large ones go on.
local clients = require("spec.bench.support.clients")
local servers = require("spec.bench.support.servers")

local case = {
    title = "Small requests beside 64 streams of 1 MiB", unit = "milliseconds (large: MB/s)",
    baseline = "nghttpd", is_wide = true,
}

function case.round(results)
    for _, name in ipairs(servers.each) do
        local is_done, median, late, rate = pcall(function()
            return servers.with(name, {memory = 1000}, function(server)
                return clients.mix(server.origin)
            end)
        end)
        if is_done then
            results:note("median, ms", name, median)
            results:note("99th percentile, ms", name, late)
            results:note("large, MB/s", name, rate)
        else
            results:fail(name, median)
        end
    end
end

return case
