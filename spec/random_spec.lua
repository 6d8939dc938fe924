-- Programs that no one would write (spec/random/): they call everything at any time. They may not
-- crash, hang, raise anything but error objects, or leave objects behind.
local cert = require("spec.support.cert")
local process = require("spec.support.process")

local SEEDS = 6

describe("a program of calls in any order", function()
    setup(function()
        cert.read("ca.crt") -- made here, once
    end)

    for _, name in ipairs{"core", "compat"} do
        for seed = 1, SEEDS do
            it(("runs to its end: %s, seed %d"):format(name, seed), function()
                local result = process.run({"lua5.4", ("spec/random/%s.lua"):format(name),
                    tostring(seed)}, {seconds = 600, ours = true})
                assert.equal("done\n", result.out, result.err)
                assert.equal(0, result.status, result.err)
            end)
        end
    end
end)
