local process = require("spec.support.process")

local function against(scheme, server_arguments, requests)
    local server, port

    setup(function()
        server, port = process.start_server("spec/support/test_server.lua", server_arguments)
    end)

    teardown(function()
        server:stop()
    end)

    -- One round of load; fails unless every request succeeded with 200.
    local function load(path, count)
        local result = process.run({
            "h2load", "-n", tostring(count), "-c", "10", "-m", "32",
            ("%s://127.0.0.1:%d%s"):format(scheme, port, path),
        }, {seconds = 300})
        local wanted = ("%d succeeded, 0 failed, 0 errored, 0 timeout"):format(count)
        assert.truthy(result.out:find(wanted, 1, true), result.out .. result.err)
        assert.truthy(result.out:find(("status codes: %d 2xx"):format(count), 1, true), result.out)
    end

    -- What the allocator keeps goes up and down by some hundred KiB from round to round. What leaks
    -- only goes up: by 400 KiB for each octet that a hundred thousand requests leave behind.
    it("has no failed request, and memory does not grow from the second round on", function()
        local resident = {}
        for round = 1, 8 do
            load("/", requests)
            resident[round] = server:resident()
        end
        local early = math.max(resident[2], resident[3], resident[4])
        local late = math.min(resident[6], resident[7], resident[8])
        assert.is_true(late - early <= 512, table.concat(resident, ", ") .. " KiB")
    end)

    it("gets larger bodies without fail", function()
        load("/size/100000", 1000)
    end)
end

describe("#peers h2load, 100,000 requests over 10 connections,", function()
    against("http", {}, 100000)
end)

describe("#peers h2load over TLS", function()
    against("https", {"tls"}, 50000)
end)
