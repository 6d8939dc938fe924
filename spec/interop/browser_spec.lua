local cert = require("spec.support.cert")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local function sha256(octets)
    local folder = process.folder()
    process.write_file(folder .. "/octets", octets)
    local result = process.run({"sha256sum", folder .. "/octets"})
    process.remove(folder)
    return result.out:match("^%x+")
end

describe("#browser #peers headless Chromium", function()
    -- The page as it is once its scripts have run.
    local function dump(url)
        local profile = process.folder()
        local result = process.run({
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" .. profile,
            "--ignore-certificate-errors-spki-list=" .. cert.key_hash("server"),
            "--virtual-time-budget=20000", "--dump-dom", url,
        }, {seconds = 180})
        process.remove(profile)
        return result.out, result.out .. result.err
    end

    it("loads a page, its style, a body and an upload, all over h2", function()
        local server, port = process.start_server("spec/support/test_server.lua", {"tls"})
        finally(function() server:stop() end)
        local page, said = dump(("https://localhost:%d/page"):format(port))
        local report = page:match('<pre id="report">(.-)</pre>')
        assert.is_truthy(report, said)
        assert.equal("sha256=" .. sha256(payload.make(100000)), report:match("sha256=%x+"), report)
        assert.truthy(report:find("echoed=100000", 1, true), report)
        assert.truthy(report:find("colour=rgb(1, 2, 3)", 1, true), report)
        assert.equal("h2", report:match("protocols=(%S+)"), report)
    end)

    it("loads the page of examples/server.lua over h2", function()
        local server = process.start({
            process.interpreter(), "examples/server.lua", "0", cert.path("server.key"),
            cert.path("server.crt"),
        }, {ours = true})
        finally(function() server:stop() end)
        local page, said = dump(server:wait_for_output("listening on (https://%S+)\n"))
        assert.truthy(page:find('<dd id="protocol">h2</dd>', 1, true), said)
        assert.truthy(page:find("/style.css (h2)", 1, true), said)
        assert.truthy(page:find("/page.js (h2)", 1, true), said)
    end)
end)
