local cert = require("spec.support.cert")
local fetch = require("spec.support.fetch")
local loop = require("spec.support.loop")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local function against(scheme, nghttpd_arguments)
    local server, folder, url, options

    setup(function()
        folder = process.folder()
        process.write_file(folder .. "/small", "hello, world\n")
        process.write_file(folder .. "/large", payload.make(10000000))
        local port
        server, port = process.start_on_ports(1, function(...)
            return {
                "nghttpd", "--address=127.0.0.1", "--htdocs=" .. folder, "--echo-upload",
                "--trailer=x-check: done", "--no-content-length",
                table.unpack(nghttpd_arguments(...)),
            }
        end)
        url = ("%s://localhost:%d"):format(scheme, port)
        options = {ca = cert.read("ca.crt")}
    end)

    teardown(function()
        server:stop()
        process.remove(folder)
    end)

    after_each(loop.clean)

    it("gives a small file, and trailers", function()
        local result = fetch.get(url, options, "/small")
        assert.equal(200, result.status, tostring(result.err))
        assert.equal("hello, world\n", result.body)
        assert.equal("done", result.trailers["x-check"])
        assert.equal(0, result.code)
    end)

    it("gives a file of 10 MB", function()
        local result = fetch.get(url, options, "/large")
        assert.is_nil(payload.difference(result.body, payload.make(10000000)))
    end)

    it("gives a hundred files at once", function()
        local requests = {}
        for index = 1, 100 do
            requests[index] = {headers = {[":path"] = "/small"}}
        end
        for _, result in ipairs(fetch.all(url, options, requests)) do
            assert.equal("hello, world\n", result.body)
        end
    end)

    it("echoes an upload of 2 MB", function()
        local body = payload.make(2000000)
        assert.is_nil(payload.difference(fetch.post(url, options, "/", body).body, body))
    end)

    it("says 404", function()
        assert.equal(404, fetch.get(url, options, "/nothing").status)
    end)
end

describe("#peers a client of nghttpd in clear text", function()
    against("http", function(port)
        return {"--no-tls", tostring(port)}
    end)
end)

describe("#peers a client of nghttpd over TLS", function()
    against("https", function(port)
        return {tostring(port), cert.path("server.key"), cert.path("server.crt")}
    end)
end)
