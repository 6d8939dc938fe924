--- Requests with more and more header fields.
local growing = require("spec.bench.support.growing")

return growing{
    title = "Answers of 13 octets, by header fields of the request", axis = "header fields",
    steps = {5, 10, 25, 50, 100},
    load = function(step)
        local headers = {}
        for i = 6, step do -- five are h2load's own
            headers[#headers + 1] = ("x-field-%d: value of field %d"):format(i, i)
        end
        return {headers = headers}
    end,
}
