--- A case whose work grows: requests per second at each of some steps.
local h2load = require("spec.bench.support.h2load")
local servers = require("spec.bench.support.servers")

local contenders = {"http2 core", "http2 core, LuaJIT", "nghttpd", "h2o", "Node core"}

--- `case.steps` are numbers; `case.load(step)` gives the options of h2load.
return function(case)
    case.unit = "requests/s"
    case.baseline = "nghttpd"
    case.is_slow = true
    function case.round(results)
        for _, step in ipairs(case.steps) do
            for _, name in ipairs(contenders) do
                results:try(step, name, function()
                    return servers.with(name, {}, function(server)
                        return h2load(server.origin .. "/13", case.load(step))
                    end)
                end)
            end
        end
    end
    return case
end
