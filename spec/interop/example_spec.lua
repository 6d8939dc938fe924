-- The server of examples/run, for the programs that its users have.
local cert = require("spec.support.cert")
local process = require("spec.support.process")

describe("#peers examples/server.lua", function()
    local server, url

    setup(function()
        server = process.start({
            process.interpreter(), "examples/server.lua", "0", cert.path("server.key"),
            cert.path("server.crt"),
        }, {ours = true})
        url = server:wait_for_output("listening on (https://%S+)\n")
    end)

    teardown(function()
        server:stop()
    end)

    local function file(name)
        return process.read_file("examples/site/" .. name)
    end

    it("gives curl its page, verified", function()
        local result = process.run{
            "curl", "--silent", "--show-error", "--http2", "--cacert", cert.path("ca.crt"),
            "--write-out", "%{http_version}", url .. "/",
        }
        assert.equal(file("index.html") .. "2", result.out, result.err)
    end)

    it("gives nghttp its files at once", function()
        local result = process.run{"nghttp", "--timeout=50", url .. "/style.css", url .. "/page.js"}
        assert.truthy(result.out:find(file("style.css"), 1, true), result.err)
        assert.truthy(result.out:find(file("page.js"), 1, true), result.err)
    end)

    it("gives h2load ten thousand answers", function()
        local result = process.run({"h2load", "-n", "10000", "-c", "10", "-m", "10", url .. "/"},
            {seconds = 120})
        assert.truthy(result.out:find("10000 succeeded, 0 failed", 1, true), result.out)
    end)

    it("gives Node its page", function()
        local script = [[
            const [url, ca] = process.argv.slice(1);
            const session = require("http2").connect(url, {ca: require("fs").readFileSync(ca)});
            session.request({":path": "/"}).on("close", () => session.close()).pipe(process.stdout);
        ]]
        local result = process.run{"node", "-e", script, url, cert.path("ca.crt")}
        assert.equal(file("index.html"), result.out, result.err)
    end)
end)
