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

describe("the server and the client in README.md", function()
    it("talk to each other", function()
        local port = process.free_port()
        local folder = process.folder()
        local number = 0
        for block in process.read_file("README.md"):gmatch("```lua\n(.-)```") do
            number = number + 1
            process.write_file(("%s/%d.lua"):format(folder, number), (block:gsub("8080", port)))
        end
        local server = process.start({process.interpreter(), folder .. "/1.lua"}, {ours = true})
        finally(function()
            server:stop()
            process.remove(folder)
        end)
        server:wait_for_port(port)
        local result = process.run({process.interpreter(), folder .. "/2.lua"}, {ours = true})
        assert.equal("200\nYou asked for /hello\n", result.out, result.err)
    end)
end)
