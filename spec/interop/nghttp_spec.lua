local payload = require("spec.support.payload")
local process = require("spec.support.process")

local function against(scheme, server_arguments)
    local server, port

    setup(function()
        server, port = process.start_server("spec/support/test_server.lua", server_arguments)
    end)

    teardown(function()
        server:stop()
    end)

    local function nghttp(path, ...)
        local argv = {"nghttp", "--timeout=100", ...}
        argv[#argv + 1] = ("%s://127.0.0.1:%d%s"):format(scheme, port, path)
        local result = process.run(argv, {seconds = 120})
        assert.equal(0, result.status, result.out .. result.err)
        return result.out
    end

    it("shows an exchange in order", function()
        local said = nghttp("/", "-v")
        for _, expected in ipairs{
            "recv SETTINGS frame", "recv %(stream_id=%d+%) :status: 200", "recv DATA frame",
            "hello, world", "send GOAWAY frame",
        } do
            assert.truthy(said:find(expected), said)
        end
        assert.falsy(said:find("recv RST_STREAM", 1, true), said)
        assert.falsy(said:find("recv GOAWAY.-error_code=[^N]"), said)
    end)

    it("gets a large body in its own small windows", function()
        local said = nghttp("/size/1000000", "--window-bits=10", "--connection-window-bits=10")
        assert.is_nil(payload.difference(said, payload.make(1000000)))
    end)

    it("gets a large body in its own large windows", function()
        local said = nghttp("/size/1000000", "--window-bits=24", "--connection-window-bits=24")
        assert.is_nil(payload.difference(said, payload.make(1000000)))
    end)

    it("gets the same thing a hundred times at once", function()
        local said = nghttp("/size/5000", "--multiply=100", "--null-out", "--stat")
        local _, count = said:gsub("\n[^\n]-%s200%s[^\n]-/size/5000", "")
        assert.equal(100, count, said)
    end)

    it("uploads with padding and trailers", function()
        local folder = process.folder()
        finally(function() process.remove(folder) end)
        process.write_file(folder .. "/body", payload.make(200000))
        local said = nghttp("/echo", "--data=" .. folder .. "/body", "--padding=200",
            "--trailer=x-sum: 1")
        assert.is_nil(payload.difference(said, payload.make(200000)))
    end)

    it("gets trailers", function()
        local said = nghttp("/trailers", "-v")
        assert.truthy(said:find("x-check: done", 1, true), said)
    end)

    it("without a dynamic table is understood", function()
        local said = nghttp("/", "--header-table-size=0", "--encoder-header-table-size=0",
            "--multiply=5")
        assert.equal(("hello, world\n"):rep(5), said)
    end)
end

describe("#peers nghttp in clear text", function()
    against("http", {})
end)

describe("#peers nghttp over TLS", function()
    against("https", {"tls"})
end)
