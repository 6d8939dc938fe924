-- What the library warns of by Lua's warn(): once, however often it happens.
local process = require("spec.support.process")

local program = [[
local http2 = require("http2")
local server = http2.createServer(function(request, response)
    response.statusMessage = "Fine"
    response:setHeader("connection", "close")
    response:writeHead(200, "Fine", {connection = "close"})
    response:finish(response.statusMessage)
end)
server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    local left = 2
    for _ = 1, left do
        local stream = session:request()
        stream:resume()
        stream:on("close", function()
            left = left - 1
            if left == 0 then
                session:close()
                server:close()
            end
        end)
    end
end)
http2.run()
]]

local function said(...)
    local result = process.run({process.interpreter(), ...}, {ours = true})
    assert.equal(0, result.status, result.err)
    return result.err
end

describe("a status message and a Connection header over HTTP/2", function()
    it("are warned of once", function()
        local err = said("-W", "-e", program)
        for _, text in ipairs{"Status message is not supported", "\"connection\" header"} do
            local _, count = err:gsub(text, "")
            assert.equal(1, count, err)
        end
    end)

    it("are not mentioned to who has not asked for warnings", function()
        assert.equal("", said("-e", program))
    end)
end)
