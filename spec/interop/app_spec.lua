-- examples/app.lua, an application over the compatibility API, with other people's programs.
local cert = require("spec.support.cert")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local function start_app()
    local server = process.start({
        process.interpreter(), "examples/app.lua", "0", cert.path("server.key"),
        cert.path("server.crt"),
    }, {ours = true})
    return server, server:wait_for_output("listening on (https://%S+)\n")
end

for version, shown in pairs{["--http1.0"] = "1.1", ["--http1.1"] = "1.1", ["--http2"] = "2"} do
    describe("#peers curl " .. version, function()
        local server, url

        setup(function()
            server, url = start_app()
        end)

        teardown(function()
            server:stop()
        end)

        local function try(path, ...)
            local argv = {"curl", "--silent", "--show-error", "--max-time", "100", version,
                "--cacert", cert.path("ca.crt"), ...}
            argv[#argv + 1] = url .. path
            return process.run(argv)
        end

        local function curl(path, ...)
            local result = try(path, ...)
            assert.equal(0, result.status, result.err)
            return result.out
        end

        it("gets a page", function()
            assert.equal("Hello, a b!\n" .. shown .. " 200", curl("/hello/a%20b", "--write-out",
                "%{http_version} %{http_code}"))
            assert.equal(process.read_file("examples/app/site/page.js"), curl("/page.js"))
        end)

        it("gets 404 where there is nothing", function()
            assert.truthy(curl("/nothing", "--write-out", "%{http_code}"):find("404$"))
        end)

        it("gets the headers of a HEAD request", function()
            local said = curl("/style.css", "--head")
            local size = #process.read_file("examples/app/site/style.css")
            assert.truthy(said:find("content-length: " .. size, 1, true), said)
            assert.truthy(said:find("x-content-type-options: nosniff", 1, true), said)
        end)

        it("sends forms", function()
            assert.equal("Hello, J\xc3\xb6rg & co!", curl("/greet", "--data-urlencode",
                "name=J\xc3\xb6rg & co"))
        end)

        it("waits for 100 (Continue) as long as it likes", function()
            if version == "--http1.0" then
                return -- which knows no 100 (Continue)
            end
            assert.equal("Hello, you!", curl("/greet", "--data", "name=you", "--header",
                "Expect: 100-continue", "--expect100-timeout", "1000"))
        end)

        it("uploads 20 MB in a multipart form", function()
            local folder = process.folder()
            finally(function() process.remove(folder) end)
            process.write_file(folder .. "/body", payload.make(20000000))
            local said = curl("/upload", "--form", "note=a\r\n--not-the-end", "--form",
                "file=@" .. folder .. "/body")
            assert.equal('[{"name": "note", "size": 16}, {"name": "file", "size": 20000000}]\n',
                said)
        end)

        it("is told where a form is none", function()
            assert.truthy(curl("/upload", "--data", "x", "--write-out",
                "%{http_code}"):find("400$"))
        end)

        it("hears events as they come", function()
            -- The clock does not stop: curl is ended when three of its events are there.
            local script = ("curl --silent --no-buffer --max-time 60 %s --cacert %s %s/clock"
                .. " | head -n 6"):format(version, cert.path("ca.crt"), url)
            local said = process.run({"sh", "-c", script}, {seconds = 90}).out
            local _, count = said:gsub("data: %d%d:%d%d:%d%d\n\n", "")
            assert.equal(3, count, said)
        end)

        it("uses one connection for many requests", function()
            if version == "--http1.0" then
                return -- which closes after each
            end
            local paths = {}
            for i = 1, 50 do
                paths[i] = url .. "/hello/" .. i
            end
            local said = curl("/hello/0", "--write-out", "%{num_connects}\n", table.unpack(paths))
            local _, count = said:gsub("Hello, %d+!\n", "")
            assert.equal(51, count)
            local _, connects = said:gsub("\n1\n", "")
            assert.is_true(connects <= 1)
        end)
    end)
end

describe("#browser #peers headless Chromium", function()
    for protocol, switch in pairs{h2 = "--disable-quic", ["http/1.1"] = "--disable-http2"} do
        it("runs the application over " .. protocol, function()
            local server, url = start_app()
            finally(function() server:stop() end)
            local profile = process.folder()
            local result = process.run({
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", switch,
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" .. profile,
                "--ignore-certificate-errors-spki-list=" .. cert.key_hash("server"),
                "--virtual-time-budget=20000", "--dump-dom", url .. "/",
            }, {seconds = 180})
            process.remove(profile)
            local report = result.out:match('<pre id="report">(.-)</pre>')
            assert.is_truthy(report, result.out .. result.err)
            assert.equal(protocol, report:match("protocol=(%S+)"), report)
            assert.truthy(report:find("greeting=Hello, J\xc3\xb6rg &amp; co!", 1, true), report)
            assert.truthy(report:find("uploaded=note:6,file:300000", 1, true), report)
            assert.truthy(report:find("ticks=2", 1, true), report)
            assert.truthy(report:find("colour=rgb(1, 2, 3)", 1, true), report)
        end)
    end
end)
