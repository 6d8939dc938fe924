-- The examples do what they say, under the interpreter that runs this spec.
local cert = require("spec.support.cert")
local process = require("spec.support.process")

describe("examples/server.lua and examples/client.lua", function()
    local server, url

    setup(function()
        server = process.start({
            process.interpreter(), "examples/server.lua", "0", cert.path("server.key"),
            cert.path("server.crt"),
        }, {ours = true})
    end)

    teardown(function()
        server:stop()
    end)

    local function fetch(path)
        return process.run({
            process.interpreter(), "examples/client.lua", url .. path, cert.path("ca.crt"),
        }, {ours = true})
    end

    it("serve and fetch the page and its files", function()
        url = server:wait_for_output("listening on (https://%S+)\n")
        for path, file in pairs{
            ["/"] = "index.html", ["/style.css"] = "style.css", ["/page.js"] = "page.js",
        } do
            local result = fetch(path)
            assert.equal(0, result.status, result.err)
            assert.equal("status 200\n", result.err)
            assert.equal(process.read_file("examples/site/" .. file), result.out)
        end
    end)

    it("say 404 for what is not there", function()
        url = server:wait_for_output("listening on (https://%S+)\n")
        assert.equal("status 404\n", fetch("/nothing").err)
    end)
end)

describe("the code in README.md", function()
    it("is Lua", function()
        local readme = process.read_file("README.md")
        local blocks = {}
        for block in readme:gmatch("```lua\n(.-)```") do
            blocks[#blocks + 1] = block
        end
        assert.is_true(#blocks >= 2, "a server and a client are shown")
        for _, block in ipairs(blocks) do
            assert(load(block, "=README.md"))
        end
    end)
end)
