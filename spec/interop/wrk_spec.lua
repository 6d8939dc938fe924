-- A minute of HTTP/1.1 from wrk: counts, never speed.
local process = require("spec.support.process")
local cert = require("spec.support.cert")

local connections = 50

local pipelining = [[
local round = ""
function init()
    for i = 1, 8 do
        round = round .. wrk.format("POST", "/echo", nil, ("x"):rep(100 * i))
            .. wrk.format("GET", "/size/" .. 1000 * i)
    end
end
function request()
    return round
end
]]

describe("#peers wrk", function()
    local server, port

    setup(function()
        server, port = process.start_server("spec/support/compat_server.lua")
    end)

    teardown(function()
        server:stop()
    end)

    -- One answer of the server to curl, a number.
    local function ask(path)
        return tonumber(process.run({"curl", "--silent", "--http1.1", "--cacert",
            cert.path("ca.crt"), ("https://localhost:%d%s"):format(port, path)}).out)
    end

    -- Runs wrk and gives how many responses it counted; fails if one was missing or none of 2xx.
    local function load(seconds, path, ...)
        local argv = {"wrk", "-t1", "-c" .. connections, "-d" .. seconds .. "s", "--timeout",
            "100s", ...}
        argv[#argv + 1] = ("https://localhost:%d%s"):format(port, path)
        local result = process.run(argv, {seconds = seconds + 120})
        assert.equal(0, result.status, result.out .. result.err)
        assert.falsy(result.out:find("Socket errors", 1, true), result.out)
        assert.falsy(result.out:find("Non-2xx", 1, true), result.out)
        return tonumber(result.out:match("(%d+) requests in"))
    end

    it("has no failed request in a minute, and memory does not grow", function()
        load(3, "/x")
        local resident, before = ask("/memory"), ask("/count")
        local answered = load(60, "/x")
        local served = ask("/count") - before
        assert.is_true(answered > 0)
        -- At its end wrk drops what it has asked for last.
        assert.is_true(served >= answered and served <= answered + 2 * connections,
            ("%d of %d"):format(answered, served))
        local grown = ask("/memory") - resident
        assert.is_true(grown <= 2048, grown .. " KiB more")
    end)

    it("has no failed request where it pipelines bodies and larger answers", function()
        local folder = process.folder()
        finally(function() process.remove(folder) end)
        process.write_file(folder .. "/pipelining.lua", pipelining)
        assert.is_true(load(5, "", "--script", folder .. "/pipelining.lua") > 0)
    end)
end)
