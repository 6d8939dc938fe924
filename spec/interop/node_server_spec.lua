local cert = require("spec.support.cert")
local fetch = require("spec.support.fetch")
local loop = require("spec.support.loop")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local function against(scheme, node_arguments)
    local server, url, options

    setup(function()
        server = process.start{
            "node", "spec/interop/node_server.js", table.unpack(node_arguments()),
        }
        url = ("%s://localhost:%s"):format(scheme, server:wait_for_output("listening on (%d+)\n"))
        options = {ca = cert.read("ca.crt")}
    end)

    teardown(function()
        server:stop()
    end)

    after_each(loop.clean)

    it("answers a request", function()
        local result = fetch.get(url, options, "/")
        assert.equal(200, result.status, tostring(result.err))
        assert.equal("hello, world\n", result.body)
        assert.equal("text/plain", result.headers["content-type"])
        assert.equal(0, result.code)
    end)

    it("answers a hundred at once", function()
        local requests = {}
        for index = 1, 100 do
            requests[index] = {headers = {[":path"] = "/size/" .. index * 1000}}
        end
        for index, result in ipairs(fetch.all(url, options, requests)) do
            assert.is_nil(payload.difference(result.body, payload.make(index * 1000)))
        end
    end)

    it("gives and takes 10 MB", function()
        local body = payload.make(10000000)
        local down = fetch.get(url, options, "/size/10000000")
        assert.is_nil(payload.difference(down.body, body))
        local up = fetch.post(url, options, "/echo", body)
        assert.is_nil(payload.difference(up.body, body))
    end)

    it("sends interim responses and trailers", function()
        local interim = fetch.get(url, options, "/interim")
        assert.equal(103, interim.interim[1][":status"])
        assert.equal("at last", interim.body)
        local trailing = fetch.get(url, options, "/trailers")
        assert.equal("with trailers", trailing.body)
        assert.equal("done", trailing.trailers["x-check"])
    end)

    it("resets a stream", function()
        local result = fetch.get(url, options, "/reset/11")
        assert.equal(11, result.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", result.err.code)
    end)

    it("goes away after its answer", function()
        local result = fetch.get(url, options, "/goaway")
        assert.equal("the last", result.body)
        assert.is_nil(result.err)
    end)
end

describe("#peers a client of Node in clear text", function()
    against("http", function()
        return {}
    end)
end)

describe("#peers a client of Node over TLS", function()
    against("https", function()
        return {cert.path("server.crt"), cert.path("server.key")}
    end)
end)
