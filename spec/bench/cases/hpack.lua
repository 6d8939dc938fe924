--- HPACK alone, beside libnghttp2's (hpack_bench.c), in octets of header text.
local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")

local case = {title = "HPACK", unit = "MB/s of header text", baseline = "libnghttp2"}

function case.round(results)
    local program = measure.build .. "/spec/bench/hpack_bench"
    local result = process.run(measure.pin("server", {program}), {seconds = 300})
    assert(result.status == 0, result.err)
    for what, way, ours, theirs in
        result.out:gmatch("(%S[%w%- ]-) +(%S+code) +(%d+) MB/s +(%d+) MB/s") do
        local group = what .. ", " .. way
        results:note(group, "http2", tonumber(ours))
        results:note(group, "libnghttp2", tonumber(theirs))
    end
end

return case
