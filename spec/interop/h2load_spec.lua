local process = require("spec.support.process")

local function against(scheme, server_arguments, requests)
    local server, port

    setup(function()
        server, port = process.start_server("spec/support/test_server.lua", server_arguments,
            {seconds = 300})
    end)

    teardown(function()
        server:stop()
    end)

    -- One round of load; fails unless every request succeeded with 200.
    local function load(path, count)
        local result = process.run({
            "h2load", "-n", tostring(count), "-c", "10", "-m", "32",
            ("%s://127.0.0.1:%d%s"):format(scheme, port, path),
        }, {seconds = 120})
        local wanted = ("%d succeeded, 0 failed, 0 errored, 0 timeout"):format(count)
        assert.truthy(result.out:find(wanted, 1, true), result.out .. result.err)
        assert.truthy(result.out:find(("status codes: %d 2xx"):format(count), 1, true), result.out)
    end

    it("has no failed request, and memory does not grow from the second round on", function()
        local resident = {}
        for round = 1, 4 do
            load("/", requests)
            resident[round] = server:resident()
        end
        assert.is_true(resident[4] - resident[2] <= 512, table.concat(resident, ", ") .. " KiB")
    end)

    it("gets larger bodies without fail", function()
        load("/size/100000", 1000)
    end)
end

describe("#peers h2load, 100,000 requests over 10 connections,", function()
    against("http", {}, 100000)
end)

describe("#peers h2load over TLS", function()
    against("https", {"tls"}, 20000)
end)
