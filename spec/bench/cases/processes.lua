--- One server process, and two on the same port (reusePort). On two cores the load has none to
--- itself, so the second process can show only what is left over.
local h2load = require("spec.bench.support.h2load")
local servers = require("spec.bench.support.servers")

local case = {
    title = "One process and two on one port, answers of 13 octets", unit = "requests/s",
    baseline = "1 process",
}

local function anywhere(argv)
    return argv
end

local function with_processes(number, body)
    local running = {}
    local is_done, value = pcall(function()
        for i = 1, number do
            running[i] = servers.start("http2 core", {
                port = running[1] and running[1].port, is_shared = true, wrap = anywhere,
            })
            running[i]:wait_for_port(running[i].port)
        end
        return body(running[1])
    end)
    for _, server in ipairs(running) do
        servers.stop(server)
    end
    if not is_done then
        error(value, 0)
    end
    return value
end

function case.round(results)
    for _, number in ipairs{1, 2} do
        results:try("clear text", number == 1 and "1 process" or number .. " processes", function()
            return with_processes(number, function(server)
                return h2load(server.origin .. "/13", {connections = 40})
            end)
        end)
    end
end

return case
