local cert = require("spec.support.cert")
local process = require("spec.support.process")

local env = {NODE_PATH = "build/undici/node_modules:/usr/share/nodejs"}

-- Whether there is one that speaks HTTP/2: spec/setup.sh installs it.
local function is_installed()
    local script = "process.exit(parseInt(require('undici/package.json').version) >= 6 ? 0 : 1)"
    return process.run({"node", "-e", script}, {env = env}).status == 0
end

describe("#peers undici", function()
    for _, version in ipairs{"1.1", "2.0"} do
        it("passes all checks of undici_client.js over HTTP/" .. version, function()
            if not is_installed() then
                pending("npm's registry was out of reach when undici was to be installed")
                return
            end
            local server, port = process.start_server("spec/support/compat_server.lua")
            finally(function() server:stop() end)
            local result = process.run({"node", "--no-warnings", "spec/interop/undici_client.js",
                tostring(port), cert.path("ca.crt"), version}, {seconds = 100, env = env})
            assert.equal(0, result.status, result.out .. result.err)
            assert.falsy(result.out:find("not ok", 1, true), result.out)
            assert.truthy(result.out:find("ok the end", 1, true), result.out)
        end)
    end
end)
