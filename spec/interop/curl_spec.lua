local cert = require("spec.support.cert")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local function against(scheme, server_arguments, curl_arguments)
    local server, port

    setup(function()
        server, port = process.start_server("spec/support/test_server.lua", server_arguments)
    end)

    teardown(function()
        server:stop()
    end)

    local function curl(path, ...)
        local argv = {"curl", "--silent", "--show-error", "--max-time", "100"}
        local how = curl_arguments()
        table.move(how, 1, #how, #argv + 1, argv)
        table.move({...}, 1, select("#", ...), #argv + 1, argv)
        argv[#argv + 1] = ("%s://localhost:%d%s"):format(scheme, port, path)
        local result = process.run(argv, {seconds = 120})
        assert.equal(0, result.status, result.err)
        return result.out
    end

    it("gets a page over HTTP/2", function()
        assert.equal("hello, world\n2 200",
            curl("/", "--write-out", "%{http_version} %{http_code}"))
    end)

    it("gets a body of 10 MB", function()
        assert.is_nil(payload.difference(curl("/size/10000000"), payload.make(10000000)))
    end)

    it("uploads 10 MB and gets it back", function()
        local folder = process.folder()
        finally(function() process.remove(folder) end)
        process.write_file(folder .. "/body", payload.make(10000000))
        assert.is_nil(payload.difference(
            curl("/echo", "--data-binary", "@" .. folder .. "/body"), payload.make(10000000)))
    end)

    it("gets the headers of a HEAD request", function()
        local said = curl("/size/1234", "--head")
        assert.truthy(said:find("HTTP/2 200", 1, true), said)
        assert.truthy(said:find("content-length: 1234", 1, true), said)
    end)

    it("gets 404 where there is nothing", function()
        assert.equal("404", curl("/nothing", "--write-out", "%{http_code}"))
    end)

    return curl
end

describe("#peers curl in clear text", function()
    against("http", {}, function()
        return {"--http2-prior-knowledge"}
    end)
end)

describe("#peers curl over TLS, verified", function()
    local curl = against("https", {"tls"}, function()
        return {"--http2", "--cacert", cert.path("ca.crt")}
    end)

    -- With prior knowledge, curl 7.88 cannot use a connection twice, whatever the server.
    it("gets one after the other over one connection", function()
        local said = curl("/size/[1-50]", "--output", "/dev/null", "--write-out",
            "%{num_connects} %{http_code} %{size_download}\n")
        for size = 1, 50 do
            local line = ("%d 200 %d\n"):format(size == 1 and 1 or 0, size)
            assert.truthy(said:find(line, 1, true), said)
        end
    end)

    it("gets many at once over one connection", function()
        local said = curl("/size/[1-50]", "--parallel", "--parallel-max", "50", "--output",
            "/dev/null", "--write-out", "%{http_code} %{size_download}\n")
        local octets, count = 0, 0
        for size in said:gmatch("200 (%d+)\n") do
            octets, count = octets + tonumber(size), count + 1
        end
        assert.equal(50, count, said)
        assert.equal(50 * 51 // 2, octets)
    end)
end)
