-- Node's clients and the compatibility API.
local cert = require("spec.support.cert")
local process = require("spec.support.process")

local function check(script)
    local server, port = process.start_server("spec/support/compat_server.lua")
    finally(function() server:stop() end)
    local result = process.run({"node", "spec/interop/" .. script, tostring(port),
        cert.path("ca.crt")})
    assert.equal(0, result.status, result.out .. result.err)
    assert.falsy(result.out:find("not ok", 1, true), result.out)
    assert.truthy(result.out:find("ok the end", 1, true), result.out)
end

describe("#peers Node's https client", function()
    it("keeps connections alive, posts in chunks, and gets trailers and early hints", function()
        check("https_client.js")
    end)
end)

describe("#peers Node's http2 client", function()
    it("gets many answers at once, bodies, trailers, hints, ranges and 100 (Continue)", function()
        check("http2_client.js")
    end)
end)
