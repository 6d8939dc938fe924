local cert = require("spec.support.cert")
local process = require("spec.support.process")

local function against(scheme, server_arguments)
    it("passes all checks of node_client.js", function()
        local server, port = process.start_server("spec/support/test_server.lua",
            server_arguments)
        finally(function() server:stop() end)
        local result = process.run({
            "node", "spec/interop/node_client.js", ("%s://localhost:%d"):format(scheme, port),
            scheme == "https" and cert.path("ca.crt") or "",
        }, {seconds = 200})
        assert.equal(0, result.status, result.out .. result.err)
        assert.falsy(result.out:find("not ok", 1, true), result.out)
        assert.truthy(result.out:find("ok the end of the session", 1, true), result.out)
    end)
end

describe("#peers Node's client in clear text", function()
    against("http", {})
end)

describe("#peers Node's client over TLS", function()
    against("https", {"tls"})
end)
