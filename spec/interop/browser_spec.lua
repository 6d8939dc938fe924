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
    local server, port, profile

    setup(function()
        server, port = process.start_server("spec/support/test_server.lua", {"tls"})
        profile = process.folder()
    end)

    teardown(function()
        server:stop()
        process.remove(profile)
    end)

    it("loads a page, its style, a body and an upload, all over h2", function()
        local result = process.run({
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" .. profile,
            "--ignore-certificate-errors-spki-list=" .. cert.key_hash("server"),
            "--virtual-time-budget=20000", "--dump-dom",
            ("https://localhost:%d/page"):format(port),
        }, {seconds = 90})
        local report = result.out:match('<pre id="report">(.-)</pre>')
        assert.is_truthy(report, result.out .. result.err)
        assert.equal("sha256=" .. sha256(payload.make(100000)), report:match("sha256=%x+"), report)
        assert.truthy(report:find("echoed=100000", 1, true), report)
        assert.truthy(report:find("colour=rgb(1, 2, 3)", 1, true), report)
        assert.equal("h2", report:match("protocols=(%S+)"), report)
    end)
end)
