--- More and more streams at once on one connection.
local growing = require("spec.bench.support.growing")

return growing{
    title = "Answers of 13 octets, by streams of one connection", axis = "streams",
    steps = {1, 3, 10, 30, 100},
    load = function(step)
        return {connections = 1, streams = step}
    end,
}
