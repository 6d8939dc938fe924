-- HAProxy between a client and a server of the library, speaking HTTP/2 with both; and before that
-- server for a client of HTTP/1.1.
local cert = require("spec.support.cert")
local fetch = require("spec.support.fetch")
local loop = require("spec.support.loop")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local template = [[
global
    maxconn 200
defaults
    mode http
    timeout connect 60s
    timeout client 100s
    timeout server 100s
frontend clear
    bind 127.0.0.1:CLEAR proto h2
    default_backend clear
frontend secure
    bind 127.0.0.1:SECURE ssl crt FOLDER/server.pem alpn h2
    default_backend secure
frontend old
    bind 127.0.0.1:OLD
    default_backend clear
backend clear
    server one 127.0.0.1:ONE proto h2
backend secure
    server two 127.0.0.1:TWO ssl verify required ca-file AUTHORITY sni str(localhost) alpn h2
]]

describe("#peers HAProxy", function()
    local servers, folder, ports = {}, nil, {}

    setup(function()
        folder = process.folder()
        servers.one, ports.ONE = process.start_server("spec/support/test_server.lua", {})
        servers.two, ports.TWO = process.start_server("spec/support/test_server.lua", {"tls"})
        process.write_file(folder .. "/server.pem",
            cert.read("server.crt") .. cert.read("server.key"))
        servers.proxy = process.start_on_ports(3, function(...)
            ports.CLEAR, ports.SECURE, ports.OLD = ...
            local facts = {FOLDER = folder, AUTHORITY = cert.path("ca.crt")}
            for name, port in pairs(ports) do
                facts[name] = port
            end
            process.write_file(folder .. "/haproxy.cfg", (template:gsub("%u%u%u+", facts)))
            return {"haproxy", "-db", "-f", folder .. "/haproxy.cfg"}
        end)
    end)

    teardown(function()
        for _, server in pairs(servers) do
            server:stop()
        end
        process.remove(folder)
    end)

    after_each(loop.clean)

    for scheme, name in pairs{http = "CLEAR", https = "SECURE"} do
        local function url()
            return ("%s://localhost:%d"):format(scheme, ports[name])
        end

        it("passes requests on over " .. scheme, function()
            local result = fetch.get(url(), {ca = cert.read("ca.crt")}, "/")
            assert.equal(200, result.status, tostring(result.err))
            assert.equal("hello, world\n", result.body)
        end)

        it("passes large bodies on, either way, over " .. scheme, function()
            local options, body = {ca = cert.read("ca.crt")}, payload.make(3000000)
            -- Not /echo: HAProxy 2.6 stands still when both ways are full, whatever the server.
            assert.equal("3000000", fetch.post(url(), options, "/length", body).body)
            local down = fetch.get(url(), options, "/size/3000000")
            assert.is_nil(payload.difference(down.body, body))
        end)

        it("passes a hundred requests on at once over " .. scheme, function()
            local requests = {}
            for index = 1, 100 do
                requests[index] = {headers = {[":path"] = "/size/" .. index}}
            end
            for index, result in ipairs(fetch.all(url(), {ca = cert.read("ca.crt")}, requests)) do
                assert.equal(payload.make(index), result.body)
            end
        end)

        it("passes trailers on over " .. scheme, function()
            local result = fetch.get(url(), {ca = cert.read("ca.crt")}, "/trailers")
            assert.equal("done", result.trailers["x-check"])
        end)
    end

    it("turns HTTP/1.1 into HTTP/2 for the server", function()
        local result = process.run{
            "curl", "--silent", "--http1.1", "--data-binary", "some body",
            ("http://localhost:%d/echo"):format(ports.OLD),
        }
        assert.equal("some body", result.out, result.err)
    end)
end)
