--- The same work over more and more connections.
local growing = require("spec.bench.support.growing")

return growing{
    title = "Answers of 13 octets, by connections of 10 streams", axis = "connections",
    steps = {1, 10, 100, 1000},
    load = function(step)
        return {connections = step, streams = 10}
    end,
}
